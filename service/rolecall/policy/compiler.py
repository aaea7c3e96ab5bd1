"""Compile a trust policy: index its principals, read its expected values, number its condition keys.

Compiling happens once for each version of a role and cannot fail: the parser has refused everything that could.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import intern

from rolecall.policy.compiled_conditions import CompiledCondition, boundaries, compile_condition
from rolecall.policy.document import Effect, Statement, TrustPolicy
from rolecall.policy.keys import CURRENT_TIME, SOURCE_IDENTITY
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.policy.weight import policy_bytes
from rolecall.policy.work import LONG_WORK, PolicyWork

ASSUME_ROLE = "sts:AssumeRole"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"


@dataclass(frozen=True, slots=True)
class StatementName:
    """The part of a statement that answers contain. A cached answer references this, not the whole policy."""

    index: int
    sid: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompiledStatement:
    """One statement. `name` is what answers contain of it, `slots` are the indexes of the keys it reads, without the time.

    `boundaries` are the instants at which one of its conditions on the time changes its result.
    """

    index: int
    name: StatementName
    denies: bool
    assumes: bool
    sets_identity: bool
    conditions: tuple[CompiledCondition, ...]
    slots: tuple[int, ...]
    boundaries: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompiledPolicy:
    """A compiled policy; equal only to itself, so that a cached decision never serves another version.

    `keys` are the lookup names of the condition keys that the policy reads, sorted, without the time. `identity_slot` is the
    index of `sts:SourceIdentity` when setting one needs its own Allow, else -1. `work` is None if no request is large enough for
    long work, so that most policies are evaluated without an estimate. `weight` is the memory of all this, in bytes.
    """

    statements: tuple[CompiledStatement, ...]
    by_principal: Mapping[Principal, tuple[CompiledStatement, ...]]
    keys: tuple[str, ...]
    reads_time: bool
    identity_slot: int
    work: PolicyWork | None
    weight: int


def compile_policy(policy: TrustPolicy, *, source_identity_needs_allow: bool = False) -> CompiledPolicy:
    """Return the compiled form of `policy`.

    With `source_identity_needs_allow` a request that carries a source identity is allowed only if an applying Allow has the
    action `sts:SetSourceIdentity` too, and denied if an applying Deny has it (trust-policy section 4, default off).
    """
    read = {intern(condition.key) for statement in policy.statements for condition in statement.conditions}
    reads_time = CURRENT_TIME in read
    read.discard(CURRENT_TIME)
    if source_identity_needs_allow:
        read.add(SOURCE_IDENTITY)
    keys = tuple(sorted(read))
    slots = {key: slot for slot, key in enumerate(keys)} | {CURRENT_TIME: -1}
    statements = tuple(_statement(statement, slots) for statement in policy.statements)
    work = PolicyWork.of(policy.statements, keys)
    return CompiledPolicy(
        statements=statements,
        by_principal=_by_principal(zip(policy.statements, statements, strict=True)),
        keys=keys,
        reads_time=reads_time,
        identity_slot=slots[SOURCE_IDENTITY] if source_identity_needs_allow else -1,
        work=work if work.largest > LONG_WORK else None,
        weight=policy_bytes(policy),
    )


def match_form(principal: Principal) -> Principal:
    """Return the form in which principals of documents are looked up: role names compare without regard to case."""
    kind, account, name = principal
    return Principal(kind, intern(account), name.lower() if kind is PrincipalKind.ROLE else name)


def _statement(statement: Statement, slots: Mapping[str, int]) -> CompiledStatement:
    # Doubt never helps the caller: a value that cannot be read fails an Allow and meets a Deny.
    unreadable = statement.effect is Effect.DENY
    conditions = tuple(compile_condition(c, slots, unreadable=unreadable) for c in statement.conditions)
    return CompiledStatement(
        index=statement.index,
        name=StatementName(statement.index, statement.sid),
        denies=statement.effect is Effect.DENY,
        assumes=ASSUME_ROLE in statement.actions,
        sets_identity=SET_SOURCE_IDENTITY in statement.actions,
        conditions=conditions,
        slots=tuple(sorted({c.slot for c in conditions if c.slot >= 0})),
        boundaries=tuple(sorted({b for c in statement.conditions for b in boundaries(c)})),
    )


def _by_principal(
    pairs: Iterable[tuple[Statement, CompiledStatement]],
) -> dict[Principal, tuple[CompiledStatement, ...]]:
    named: dict[Principal, dict[CompiledStatement, None]] = {}
    for statement, compiled in pairs:
        for pattern in statement.principals:
            named.setdefault(match_form(pattern.principal), {})[compiled] = None
    shared: dict[tuple[CompiledStatement, ...], tuple[CompiledStatement, ...]] = {}
    return {principal: shared.setdefault(same := tuple(them), same) for principal, them in named.items()}
