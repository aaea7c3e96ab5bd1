"""The decision: deny overrides, and an unreadable value never helps the caller. Pure and total."""

from __future__ import annotations

from collections.abc import Container, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from rolecall.policy.applying import applies, missing_keys, window
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.compiler import CompiledPolicy, CompiledStatement
from rolecall.policy.principal import Principal, PrincipalKind


class Outcome(StrEnum):
    """The answer of a trust policy to a request."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"


class Evaluation(NamedTuple):
    """The answer of a trust policy, and its reasons.

    `determining` are all applying statements of the effect that won. `missing_keys` are the absent keys of statements whose
    principal matches, sorted. The answer is valid at every time in [valid_from, valid_until), in microseconds; None: no bound.
    """

    outcome: Outcome
    determining: tuple[CompiledStatement, ...]
    missing_keys: tuple[str, ...]
    valid_from: int | None
    valid_until: int | None


_by_index = attrgetter("index")
_NOT_NAMED = Evaluation(Outcome.IMPLICIT_DENY, (), (), None, None)


def evaluate(
    policy: CompiledPolicy,
    principal: Principal,
    account: str,
    values: Sequence[RequestedValues],
    now: int,
    *,
    known: Container[int] | None = None,
) -> Evaluation:
    """Decide whether `principal` may assume a role of `account` that has this policy.

    `values` are aligned with `policy.keys`; `now` is in microseconds since 1970. `known` are the indexes of the statements
    whose conditions all hold, where an explanation has evaluated them already.

    1. A Deny statement that applies denies.
    2. Otherwise, an Allow statement that applies allows.
    3. Otherwise, the request is denied.
    """
    matched = matching_statements(policy, principal, account)
    if not matched:
        return _NOT_NAMED
    sets_identity = policy.identity_slot >= 0 and bool(values[policy.identity_slot])
    relevant = [s for s in matched if s.assumes or (sets_identity and s.sets_identity)]
    applying = [s for s in relevant if (applies(s, values, now) if known is None else s.index in known)]
    denying = tuple([s for s in applying if s.denies])
    outcome, determining = (Outcome.EXPLICIT_DENY, denying) if denying else _allowed(applying, sets_identity)
    valid_from, valid_until = window(relevant, now) if policy.reads_time else (None, None)
    return Evaluation(outcome, determining, missing_keys(policy.keys, relevant, values), valid_from, valid_until)


def estimated_work(policy: CompiledPolicy, values: Sequence[RequestedValues]) -> int:
    """Return the estimated work of `evaluate` in the units of `policy/work.py`; 0 where no request makes long work."""
    return 0 if policy.work is None else policy.work.estimate(values)


def matching_statements(policy: CompiledPolicy, principal: Principal, account: str) -> tuple[CompiledStatement, ...]:
    """Return the statements that name `principal`, each once, in the order of the document."""
    found = [s for form in matching_forms(principal, account) if (s := policy.by_principal.get(form))]
    if len(found) < 2:
        return found[0] if found else ()
    return tuple(sorted({s for statements in found for s in statements}, key=_by_index))


def matching_forms(principal: Principal, account: str) -> tuple[Principal, ...]:
    """Return every form in which a document can name `principal`, for a role of `account` (trust-policy section 2).

    An account root has none: `:root` in a document means the users and role sessions of the account.
    """
    kind, owner, name = principal
    match kind:
        case PrincipalKind.USER:
            return principal, Principal(PrincipalKind.ROOT, owner, "")
        case PrincipalKind.ROLE:
            return Principal(kind, owner, name.lower()), Principal(PrincipalKind.ROOT, owner, "")
        case PrincipalKind.SERVICE if owner in ("", account):
            return Principal(kind, "", name), Principal(kind, account, name)
        case PrincipalKind.ROOT:
            return ()
    return (principal,)


def _allowed(
    allowing: Sequence[CompiledStatement], sets_identity: bool
) -> tuple[Outcome, tuple[CompiledStatement, ...]]:
    if not any([s.assumes for s in allowing]) or (sets_identity and not any([s.sets_identity for s in allowing])):
        return Outcome.IMPLICIT_DENY, ()
    return Outcome.ALLOW, tuple(allowing)
