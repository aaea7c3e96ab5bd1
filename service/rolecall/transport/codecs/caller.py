"""Decode the requests of CallerService, and encode what a caller is and may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rolecall.callers.caller import AccessKeys, Caller
from rolecall.callers.credential import CredentialKind
from rolecall.policy.evaluator import Outcome
from rolecall.policy.keys import CURRENT_TIME, PRINCIPAL_ARN
from rolecall.policy.limits import MAX_VALUES
from rolecall.policy.permission.access import read_access
from rolecall.policy.permission.evaluator import AccessEvaluation
from rolecall.policy.wording import quoted
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.transport.codecs.decision import timestamp
from rolecall_client.v1 import caller_pb2 as pb, decision_pb2

MAX_KEYS, MAX_CHARACTERS = 20, 4_096
"""The limits of the condition keys of one question, which the policies may compare with hundreds of patterns."""

OWN_KEYS = frozenset(
    {CURRENT_TIME, PRINCIPAL_ARN, "acs:SourceIp", "acs:SecureTransport", "acs:MFAPresent", "rolecall:Caller"}
)
"""The condition keys that the server sets for each caller."""

_KIND: dict[CredentialKind, Any] = {
    kind: pb.CredentialKind.Value(f"CREDENTIAL_KIND_{kind.name}") for kind in CredentialKind
}
_OUTCOME: dict[Outcome, Any] = {
    outcome: decision_pb2.SideOutcome.Value(f"SIDE_OUTCOME_{outcome.name}") for outcome in Outcome
}


class AskedAccess(NamedTuple):
    """What CanI asks about."""

    action: str
    resource: str
    keys: AccessKeys


def access(message: pb.CanIRequest) -> AskedAccess:
    """Return what a message asks about; raise `InvalidFieldsError`."""
    resource = message.resource or "*"
    violations = [*_access_violations(message.action, resource), *_context_violations(message)]
    if violations:
        raise InvalidFieldsError(violations)
    return AskedAccess(
        message.action, resource, {key: tuple(v.values) for key, v in message.context.items() if v.values}
    )


def who_am_i(caller: Caller) -> pb.WhoAmIResponse:
    """Return the message about a caller."""
    credential = caller.credential
    response = pb.WhoAmIResponse(
        identity=credential.identity,
        credential_kind=_KIND[credential.kind],
        entries=caller.entries,
        principal=str(caller.principal or ""),
        policies=caller.policies,
        generation=caller.generation,
    )
    if credential.expires_at is not None:
        response.expire_time.CopyFrom(timestamp(credential.expires_at))
    return response


def can_i(evaluation: AccessEvaluation | None, *, explained: bool) -> pb.CanIResponse:
    """Return the message of an answer, with an explanation or without; None: no policy says anything."""
    response = pb.CanIResponse(allowed=evaluation is not None and evaluation.outcome is Outcome.ALLOW)
    if evaluation is not None and explained:
        response.explanation.outcome = _OUTCOME[evaluation.outcome]
        response.explanation.missing_keys.extend(evaluation.missing_keys)
        for statement in evaluation.determining:
            response.explanation.determining_statements.add(
                policy=statement.policy, index=statement.index, sid=statement.sid
            )
    return response


def _access_violations(action: str, resource: str) -> Iterator[FieldViolation]:
    for field, asked in (("action", (action, "*")), ("resource", ("ram:GetRole", resource))):
        try:
            read_access(*asked)
        except ValueError as error:
            if field == "action" and not action:
                yield FieldViolation(field=field, reason="REQUIRED", message="name the action, such as `ram:GetRole`")
            else:
                yield FieldViolation(field=field, reason=f"INVALID_{field.upper()}", message=str(error))


def _context_violations(message: pb.CanIRequest) -> Iterator[FieldViolation]:
    if len(message.context) > MAX_KEYS:
        yield _context_violation(
            "TOO_MANY_KEYS", f"{len(message.context)} keys are given, at most {MAX_KEYS} are allowed"
        )
        return
    for key in sorted(OWN_KEYS & set(message.context)):
        yield _context_violation("RESERVED_KEY", f"{quoted(key)} is set by the server; leave it out")
    if any(len(given.values) > MAX_VALUES for given in message.context.values()):
        yield _context_violation("TOO_MANY_VALUES", f"a key has at most {MAX_VALUES} values")
    size = len("".join(_texts(message)))
    if size > MAX_CHARACTERS:
        text = f"keys and values have {size} characters together, at most {MAX_CHARACTERS} are allowed"
        yield _context_violation("CONTEXT_TOO_LARGE", text)


def _texts(message: pb.CanIRequest) -> Iterator[str]:
    for key, given in message.context.items():
        yield key
        values: Sequence[str] = given.values
        yield from values


def _context_violation(reason: str, message: str) -> FieldViolation:
    return FieldViolation(field="context", reason=reason, message=message)
