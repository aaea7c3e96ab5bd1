"""Parse the text of a permission policy into a `PermissionPolicy`, or report all its violations at once."""

from __future__ import annotations

from contextlib import suppress

from rolecall.policy.conditions import read_conditions
from rolecall.policy.elements import check_conditions, read_effect, read_sid, read_version, statement_nodes
from rolecall.policy.json_text import decode
from rolecall.policy.limits import Limits
from rolecall.policy.node import EnoughViolationsError, Node, ParseState
from rolecall.policy.permission.document import PermissionPolicy, PermissionStatement
from rolecall.policy.permission.limits import PERMISSION_LIMITS
from rolecall.policy.permission.patterns import read_actions, read_resources
from rolecall.policy.profile import Profile

_TRUST_POLICY = "it belongs in a trust policy; a permission policy is about the principals that it is attached to"
_POLICY_HINTS = {"Id": "remove it", "Principal": _TRUST_POLICY}
_STATEMENT_HINTS = {
    "Principal": _TRUST_POLICY,
    "NotPrincipal": _TRUST_POLICY,
    "NotResource": "it is gone from RAM's grammar; list the resources in `Resource`, or deny them with a `Deny` statement",
}


def parse_permission_policy(
    text: str, *, limits: Limits = PERMISSION_LIMITS, profile: Profile = Profile.ROLECALL
) -> PermissionPolicy:
    """Return the policy that `text` spells; raise `InvalidPolicyError` with its violations in document order.

    Those are all, or the first 250 and `TOO_MANY_VIOLATIONS`.
    """
    value, flawed = decode(
        text,
        max_bytes=limits.max_document_bytes,
        max_characters=limits.max_document_characters,
        max_depth=limits.max_depth,
    )
    state = ParseState(limits, profile, "permission policy")
    statements: tuple[PermissionStatement, ...] = ()
    with suppress(EnoughViolationsError):
        statements = _policy(Node(value, "", state))
    state.raise_if_any(text, flawed)
    return PermissionPolicy(text, statements)


def _policy(node: Node) -> tuple[PermissionStatement, ...]:
    """Read policy = {"Version": "1", "Statement": [statement, ...]}"""
    fields = node.fields(("Version", "Statement"), (), _POLICY_HINTS)
    if "Version" in fields:
        read_version(fields["Version"])
    if "Statement" not in fields:
        return ()
    read = [_statement(index, element) for index, element in enumerate(statement_nodes(fields["Statement"]))]
    check_conditions(fields["Statement"])
    return tuple(statement for statement in read if statement is not None)


def _statement(index: int, node: Node) -> PermissionStatement | None:
    """Read statement = {Effect, (Action | NotAction), Resource, Condition?, Sid?}"""
    fields = node.fields(("Effect", "Resource"), ("Action", "NotAction", "Condition", "Sid"), _STATEMENT_HINTS)
    effect = read_effect(fields["Effect"]) if "Effect" in fields else None
    actions = tuple(
        action for name in ("Action", "NotAction") if name in fields for action in read_actions(fields[name])
    )
    resources = read_resources(fields["Resource"]) if "Resource" in fields else ()
    conditions = read_conditions(fields["Condition"]) if "Condition" in fields else ()
    sid = read_sid(fields["Sid"]) if "Sid" in fields else ""
    _check_one_of_the_actions(node, fields)
    if effect is None:
        return None
    return PermissionStatement(
        index=index,
        effect=effect,
        actions=actions,
        resources=resources,
        conditions=conditions,
        excludes_actions="NotAction" in fields,
        has_condition="Condition" in fields,
        sid=sid,
    )


def _check_one_of_the_actions(node: Node, fields: dict[str, Node]) -> None:
    if "Action" in fields and "NotAction" in fields:
        message = "a statement has `Action` or `NotAction`, not both; write two statements"
        fields["NotAction"].refuse("ACTION_AND_NOT_ACTION", message, at_name=True)
    elif fields and "Action" not in fields and "NotAction" not in fields:
        node.refuse("MISSING_FIELD", "`Action` is missing; add it, or `NotAction`", "Action")
