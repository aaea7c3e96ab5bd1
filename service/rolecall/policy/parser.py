"""Parse the text of a trust policy into a `TrustPolicy`, or report all its violations at once.

What the language does not know is refused here, when it is written, and never skipped when a decision is made.
"""

from __future__ import annotations

from contextlib import suppress

from rolecall.policy.conditions import read_conditions
from rolecall.policy.document import PrincipalPattern, Statement, TrustPolicy
from rolecall.policy.elements import (
    check_conditions,
    objects,
    read_effect,
    read_sid,
    read_version,
    refuse_in_ram,
    statement_nodes,
    values_of,
)
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.json_text import Members, decode
from rolecall.policy.limits import DEFAULT_LIMITS, Limits
from rolecall.policy.node import EnoughViolationsError, Node, ParseState, nearest
from rolecall.policy.principal import PRINCIPAL_TYPES, PrincipalKind, is_alibaba_service, principal_of_document
from rolecall.policy.profile import Profile
from rolecall.policy.readers import fold
from rolecall.policy.wording import listed, quoted

_ACTIONS = {fold(action): action for action in ("sts:AssumeRole", "sts:SetSourceIdentity")}
_ASSUME_ROLE, _ASSUME_ROLE_WITH = "sts:AssumeRole", "sts:assumerolewith"
_POLICY_HINTS = {
    "Id": "remove it",
    "Resource": "the role that has the policy is the resource, so remove it",
}
_STATEMENT_HINTS = {
    "NotPrincipal": "write an `Allow` that names those who may, and a `Deny` that names those who may not",
    "NotAction": "write a statement whose `Action` has what is allowed",
    "Resource": "the role that has the policy is the resource, so remove it",
    "NotResource": "the role that has the policy is the resource; write statements without it, of who may assume the role",
}
_TYPE_HINTS = {
    "AWS": "it belongs to AWS; write `RAM`, with `acs:ram::ACCOUNT_ID:...` in place of `arn:aws:iam::...`",
    "CanonicalUser": "it belongs to AWS; write `RAM`, with `acs:ram::ACCOUNT_ID:user/NAME`",
    "*": "name a type: `RAM`, `Service` or `Federated`",
}


def parse_policy(text: str, *, limits: Limits = DEFAULT_LIMITS, profile: Profile = Profile.ROLECALL) -> TrustPolicy:
    """Return the policy that `text` spells; raise `InvalidPolicyError` with its violations in document order.

    Those are all, or the first 250 and `TOO_MANY_VIOLATIONS`.
    """
    value, flawed = decode(text, max_bytes=limits.max_document_bytes, max_depth=limits.max_depth)
    state = ParseState(limits, profile)
    statements: tuple[Statement, ...] = ()
    with suppress(EnoughViolationsError):
        statements = _policy(Node(value, "", state))
    state.raise_if_any(text, flawed)
    return TrustPolicy(text, statements)


def _policy(node: Node) -> tuple[Statement, ...]:
    """Read policy = {"Version": "1", "Statement": [statement, ...]}"""
    fields = node.fields(("Version", "Statement"), (), _POLICY_HINTS)
    if "Version" in fields:
        read_version(fields["Version"])
    if "Statement" not in fields:
        return ()
    return _statements(fields["Statement"])


def _statements(node: Node) -> tuple[Statement, ...]:
    read = [_statement(index, element) for index, element in enumerate(statement_nodes(node))]
    _check_principals(node)
    check_conditions(node)
    return tuple(statement for statement in read if statement is not None)


def _check_principals(node: Node) -> None:
    """Note a violation if all statements together name too many principals."""
    limit = node.state.limits.max_principals
    principals = sum(_size(value) for statement in objects(node) for value in values_of(statement.get("Principal")))
    if principals > limit:
        node.refuse("TOO_MANY_PRINCIPALS", f"the statements name {principals} principals; {limit} are allowed")


def _size(value: object) -> int:
    return len(value) if isinstance(value, list) else 1


def _statement(index: int, node: Node) -> Statement | None:
    """Read statement = {Effect, Action, Principal, Condition?, Sid?}"""
    fields = node.fields(("Effect", "Action", "Principal"), ("Condition", "Sid"), _STATEMENT_HINTS)
    effect = read_effect(fields["Effect"]) if "Effect" in fields else None
    actions = _actions(fields["Action"]) if "Action" in fields else ()
    principals = _principals(fields["Principal"]) if "Principal" in fields else ()
    conditions = read_conditions(fields["Condition"]) if "Condition" in fields else ()
    sid = read_sid(fields["Sid"]) if "Sid" in fields else ""
    if effect is None:
        return None
    return Statement(
        index=index,
        effect=effect,
        actions=actions,
        principals=principals,
        conditions=conditions,
        has_condition="Condition" in fields,
        sid=sid,
    )


def _actions(node: Node) -> tuple[str, ...]:
    """Read action = "sts:AssumeRole" | "sts:SetSourceIdentity", in any case, alone or in an array."""
    if node.value == []:
        node.refuse("EMPTY_ACTIONS", f"`Action` is empty; name what is meant: {listed(_ACTIONS.values())}")
    actions = [_action(element) for element in node.elements()]
    return tuple(dict.fromkeys(action for action in actions if action))


def _action(node: Node) -> str | None:
    text = node.text("text such as `sts:AssumeRole`")
    if text is None:
        return None
    action = _ACTIONS.get(fold(text))
    if action is None:
        meant = _meant_action(text)
        node.refuse("UNSUPPORTED_ACTION", f"the action {quoted(text)} {_action_hint(text, meant)}", meant)
    return action


def _meant_action(text: str) -> str:
    return _ASSUME_ROLE if fold(text).startswith(_ASSUME_ROLE_WITH) else nearest(text, tuple(_ACTIONS.values()))


def _action_hint(text: str, meant: str) -> str:
    folded = fold(text)
    if folded.startswith(_ASSUME_ROLE_WITH):
        return "is unknown to RAM, which has `sts:AssumeRole` for every principal type; write `sts:AssumeRole`"
    if "*" in text or "?" in text:
        return f"has a wildcard; name what is meant: {listed(_ACTIONS.values())}"
    if folded == "sts:tagsession":
        return "belongs to AWS; remove it"
    if meant:
        return f"is unknown; did you mean `{meant}`?"
    return f"does not belong in a trust policy, whose actions are {listed(_ACTIONS.values(), last='and')}; remove it"


def _principals(node: Node) -> tuple[PrincipalPattern, ...]:
    """Read principal = {type: value | [value, ...], ...}"""
    if node.value == "*":
        node.refuse(
            "WILDCARD_PRINCIPAL", "`*` would trust every principal; name the principals, by type", '{"RAM": [...]}'
        )
        return ()
    if not isinstance(node.value, Members):
        node.refuse_type('an object such as `{"Service": ["ecs.aliyuncs.com"]}`')
        return ()
    if not node.value:
        node.refuse("EMPTY_PRINCIPAL", "`Principal` is empty; name a type: `RAM`, `Service` or `Federated`")
    return tuple(pattern for name, value in node.members() for pattern in _typed(name, value))


def _typed(type_name: str, node: Node) -> list[PrincipalPattern]:
    if type_name not in PRINCIPAL_TYPES:
        suggestion = nearest(type_name, tuple(PRINCIPAL_TYPES))
        hint = _TYPE_HINTS.get(type_name) or f"write {listed((suggestion,) if suggestion else PRINCIPAL_TYPES)}"
        if type_name == "AWS":
            suggestion = "RAM"
        node.refuse(
            "UNKNOWN_PRINCIPAL_TYPE", f"{quoted(type_name)} is not a principal type; {hint}", suggestion, at_name=True
        )
        if fold(suggestion) != fold(type_name) and type_name != "AWS":
            return []
        # The values are read under the type that was meant, so that violations in them are reported too.
        type_name = suggestion
    patterns = [_pattern(type_name, element) for element in node.elements()]
    return [pattern for pattern in patterns if pattern is not None]


def _pattern(type_name: str, node: Node) -> PrincipalPattern | None:
    text = node.text("a principal in double quotes")
    if text is None:
        return None
    try:
        principal = principal_of_document(type_name, text)
    except InvalidPrincipalError as error:
        node.refuse(error.reason, error.message, error.suggestion)
        return None
    if principal.kind is PrincipalKind.SERVICE and not is_alibaba_service(principal.name):
        refuse_in_ram(node, f"the service {quoted(text)} is in-house; RAM knows services of `aliyuncs.com` only")
    return PrincipalPattern(type_name, text, principal)
