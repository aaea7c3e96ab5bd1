"""Make the roles match their declarations, within one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rolecall.roles.change import ChangeKind
from rolecall.roles.commands import RoleDifference
from rolecall.roles.content import Content
from rolecall.roles.declarations import CheckedDeclaration
from rolecall.roles.differences import Differences
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Micros, Role


def apply_declared(
    transaction: Transaction,
    all_declared: Sequence[CheckedDeclaration],
    prune_tags: Mapping[str, str] | None,
    now: Micros,
) -> tuple[RoleDifference, ...]:
    """Make the roles match their declarations; return one difference for each in their order, then one for each deleted role."""
    differences = Differences()
    selected = list(transaction.tagged(prune_tags)) if prune_tags else []
    existing = transaction.roles(declared.ref.key for declared in all_declared)
    applied = [_applied(transaction, d, existing.get(d.ref.key), differences, now) for d in all_declared]
    applied += _pruned(transaction, selected, {declared.ref.key for declared in all_declared}, differences)
    return tuple(applied)


def _applied(
    transaction: Transaction, declared: CheckedDeclaration, before: Role | None, differences: Differences, now: Micros
) -> RoleDifference:
    if before is not None and Content.of(before) == declared.content:
        return RoleDifference(kind=ChangeKind.UNCHANGED, role_arn=before.arn, diff="")
    if before is None:
        kind, role_id = ChangeKind.CREATED, transaction.new_role_id()
        after = declared.content.new_role(declared.ref, role_id=role_id, revision=transaction.revision, time=now)
    else:
        kind = ChangeKind.UPDATED
        after = declared.content.onto(before, revision=transaction.revision, time=now)
    transaction.put(kind, after)
    return RoleDifference(kind=kind, role_arn=after.arn, diff=differences.diff(before, after))


def _pruned(
    transaction: Transaction, selected: list[Role], declared_keys: set[str], differences: Differences
) -> Iterator[RoleDifference]:
    for role in selected:
        if role.key not in declared_keys:
            transaction.delete(role)
            yield RoleDifference(kind=ChangeKind.DELETED, role_arn=role.arn, diff=differences.diff(role, None))
