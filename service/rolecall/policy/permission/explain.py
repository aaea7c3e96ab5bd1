"""Explanations of accesses: the result of every statement of the policies of a principal.

An explanation runs the same compiled tests as the decision, so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.document import Effect
from rolecall.policy.explaining.condition_trace import ConditionTrace, trace_condition
from rolecall.policy.permission.access import Access, read_access
from rolecall.policy.permission.actions import SERVICE_PREFIX, matches_any_action
from rolecall.policy.permission.compiler import CompiledPermission, CompiledPermissions, StatementOrigin
from rolecall.policy.permission.document import PermissionPolicy, PermissionStatement
from rolecall.policy.permission.resources import resource_test


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionTrace:
    """The result of one statement. `action_pattern` and `resource_pattern` are the document's patterns that match, or empty.

    Under `NotAction` a pattern that matches excludes the action. An Allow of a caller's rights may not be about an action of this
    service although a pattern matches: `out_of_reach` says so.
    """

    origin: StatementOrigin
    statement: PermissionStatement
    action_pattern: str
    action_matched: bool
    resource_pattern: str
    out_of_reach: bool
    conditions: tuple[ConditionTrace, ...]

    @property
    def resource_matched(self) -> bool:
        """Return whether a resource of the statement matches."""
        return bool(self.resource_pattern)

    @property
    def conditions_hold(self) -> bool:
        """Return whether every condition holds."""
        return all(trace.holds for trace in self.conditions)

    @property
    def applies(self) -> bool:
        """Return whether the statement is about the action and the resource, and every condition holds."""
        return self.action_matched and self.resource_matched and self.conditions_hold


def explain_access(
    policies: Sequence[tuple[str, PermissionPolicy]],
    permissions: CompiledPermissions,
    action: str,
    resource: str,
    values: Sequence[RequestedValues],
    now: int,
) -> tuple[PermissionTrace, ...]:
    """Return the trace of every statement of `policies`, in their order; raise `ValueError` if the access is not written out.

    `permissions` is the compiled form of the same policies, the rest is as in `evaluate_access`.
    """
    access = read_access(action, resource)
    statements = [statement for _, policy in policies for statement in policy.statements]
    return tuple(
        _trace(statement, tests, access, values, now)
        for statement, tests in zip(statements, permissions.statements, strict=True)
    )


def _trace(
    statement: PermissionStatement,
    tests: CompiledPermission,
    access: Access,
    values: Sequence[RequestedValues],
    now: int,
) -> PermissionTrace:
    matched = tests.matches_action(access.action)
    own = [a for a in statement.actions if matches_any_action([a])(access.action)]
    if not statement.excludes_actions:
        # The pattern that matched a restricted statement is one of those that may reach an action of this service.
        own.sort(key=lambda pattern: not pattern.lower().startswith(SERVICE_PREFIX))
    return PermissionTrace(
        origin=tests.origin,
        statement=statement,
        action_pattern=own[0] if own else "",
        action_matched=matched,
        resource_pattern=_matching_resource(statement, access) if tests.matches_resource(access) else "",
        out_of_reach=not matched and bool(own) is not statement.excludes_actions,
        conditions=tuple(
            trace_condition(condition, test, values, now, unreadable=tests.denies)
            for condition, test in zip(statement.conditions, tests.conditions, strict=True)
        ),
    )


def _matching_resource(statement: PermissionStatement, access: Access) -> str:
    denies = statement.effect is Effect.DENY
    return next(r for r in statement.resources if resource_test([r], denies=denies)(access))
