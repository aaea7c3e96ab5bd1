"""Compile the permission policies of one principal together: the tests of their actions, resources and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rolecall.policy.compiled_conditions import CompiledCondition, boundaries, compile_condition
from rolecall.policy.document import Effect
from rolecall.policy.keys import CURRENT_TIME
from rolecall.policy.permission.actions import ActionTest, action_test, restricted_action_test
from rolecall.policy.permission.document import PermissionPolicy, PermissionStatement
from rolecall.policy.permission.resources import ResourceTest, resource_test
from rolecall.policy.permission.system_policies import is_administrator_access
from rolecall.policy.permission.work import PermissionWork
from rolecall.policy.work import LONG_WORK


@dataclass(frozen=True, slots=True)
class StatementOrigin:
    """The part of a statement that answers contain: the name of its policy, its index there, and its label."""

    policy: str
    index: int
    sid: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompiledPermission:
    """One statement. `slots` are the indexes of the keys that it reads, without the time.

    `boundaries` are the instants at which one of its conditions on the time changes its result.
    """

    origin: StatementOrigin
    denies: bool
    matches_action: ActionTest
    matches_resource: ResourceTest
    conditions: tuple[CompiledCondition, ...]
    slots: tuple[int, ...]
    boundaries: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompiledPermissions:
    """The compiled policies of one principal; equal only to itself.

    `keys` are the lookup names of the condition keys that the policies read, sorted, without the time. `work` is None if no access
    is large enough for long work, so that most policies are evaluated without an estimate.
    """

    statements: tuple[CompiledPermission, ...]
    keys: tuple[str, ...]
    reads_time: bool
    work: PermissionWork | None


def compile_permissions(
    policies: Sequence[tuple[str, PermissionPolicy]], *, callers_rights: bool = False
) -> CompiledPermissions:
    """Return the compiled form of all policies of a principal, each with its name. Their order does not matter for an answer.

    With `callers_rights` they are the rights of a caller of this service: an Allow reaches an action `rolecall:...` only by a
    pattern that begins with `rolecall:`, or by the system policy AdministratorAccess. A Deny reaches it by any pattern.
    """
    written = [statement for _, policy in policies for statement in policy.statements]
    read = {condition.key for statement in written for condition in statement.conditions}
    keys = tuple(sorted(read - {CURRENT_TIME}))
    slots = {key: slot for slot, key in enumerate(keys)} | {CURRENT_TIME: -1}
    work = PermissionWork.of(written, keys)
    return CompiledPermissions(
        statements=tuple(
            statement
            for name, policy in policies
            for statement in _statements(name, policy, slots, restricted=callers_rights)
        ),
        keys=keys,
        reads_time=CURRENT_TIME in read,
        work=work if work.largest > LONG_WORK else None,
    )


def _statements(
    name: str, policy: PermissionPolicy, slots: Mapping[str, int], *, restricted: bool
) -> Iterable[CompiledPermission]:
    restricted = restricted and not is_administrator_access(name, policy)
    return [_statement(name, statement, slots, restricted=restricted) for statement in policy.statements]


def _statement(
    policy: str, statement: PermissionStatement, slots: Mapping[str, int], *, restricted: bool
) -> CompiledPermission:
    # Doubt never helps the caller: a value that cannot be read fails an Allow and meets a Deny.
    denies = statement.effect is Effect.DENY
    conditions = tuple(compile_condition(c, slots, unreadable=denies) for c in statement.conditions)
    compile_actions = restricted_action_test if restricted and not denies else action_test
    return CompiledPermission(
        origin=StatementOrigin(policy, statement.index, statement.sid),
        denies=denies,
        matches_action=compile_actions(statement),
        matches_resource=resource_test(statement.resources, denies=denies),
        conditions=conditions,
        slots=tuple(sorted({c.slot for c in conditions if c.slot >= 0})),
        boundaries=tuple(sorted({b for c in statement.conditions for b in boundaries(c)})),
    )
