"""Make the roles match their declarations, within one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rolecall.roles.change import ChangeKind
from rolecall.roles.commands import ApplyRoles, RoleDeclaration, RoleDifference
from rolecall.roles.content import Content
from rolecall.roles.declarations import DeclarationRules
from rolecall.roles.differences import Differences
from rolecall.roles.fields import role_name_violations, tag_violations
from rolecall.roles.repository import Transaction
from rolecall.roles.rights import RoleAccess, WriteRights
from rolecall.roles.role import Micros, Role, RoleRef
from rolecall.roles.role_rules import JudgedRole

NOT_SHOWN = "… the diff is not shown: it needs the right to read the role, `ram:GetRole`\n"


class Application:
    """One apply. In its transaction, `judge` is called first, and reads the state that `apply` then changes."""

    def __init__(self, command: ApplyRoles, rules: DeclarationRules, rights: WriteRights) -> None:
        self._command, self._rights = command, rights
        self._refs = [rules.name_of(declaration) for declaration in command.declarations]
        self._accounts = rules.pruned_accounts(command)
        self._selected: list[Role] = []
        self._existing: Mapping[str, Role] = {}
        self._hidden: frozenset[str] = frozenset()

    def judge(self, transaction: Transaction) -> None:
        """Require the author's rights on every declared role and on those that are deleted."""
        named = [ref for ref in self._refs if ref and not role_name_violations(ref.role_name)]
        self._existing = transaction.roles(ref.key for ref in named)
        declared_keys = {ref.key for ref in named}
        self._selected = [role for role in self._tagged(transaction) if role.key not in declared_keys]
        declared = [self._access(*one) for one in zip(self._refs, self._command.declarations, strict=True)]
        self._hidden = self._rights.require_apply(
            declared, [RoleAccess(ref=role.ref, before=role) for role in self._selected]
        )

    def apply(
        self, transaction: Transaction, all_declared: Sequence[JudgedRole], now: Micros
    ) -> tuple[RoleDifference, ...]:
        """Return one difference for each declared role in their order, then one for each deleted role."""
        differences = Differences()
        applied = [_applied(transaction, d, self._existing.get(d.ref.key), differences, now) for d in all_declared]
        applied += _pruned(transaction, self._selected, differences)
        return tuple(applied)

    def shown(self, differences: tuple[RoleDifference, ...]) -> tuple[RoleDifference, ...]:
        """Return the differences, without the diffs that the author may not see."""
        if not self._hidden:
            return differences
        return tuple(replace(d, diff=NOT_SHOWN) if d.diff and self._hides(d) else d for d in differences)

    def _hides(self, difference: RoleDifference) -> bool:
        account_id, _, name = difference.role_arn.removeprefix("acs:ram::").partition(":role/")
        return RoleRef(account_id, name).key in self._hidden

    def _tagged(self, transaction: Transaction) -> Iterator[Role]:
        tags = self._command.prune_tags
        # What breaks a rule is refused later, and must not reach a database.
        for role in transaction.tagged(tags) if tags and not tag_violations(tags) else ():
            if role.account_id in self._accounts:
                yield role

    def _access(self, ref: RoleRef | None, declaration: RoleDeclaration) -> RoleAccess:
        before = self._existing.get(ref.key) if ref else None
        return RoleAccess(ref=ref, before=before, document=declaration.document, tags=declaration.tags)


def _applied(
    transaction: Transaction, declared: JudgedRole, before: Role | None, differences: Differences, now: Micros
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


def _pruned(transaction: Transaction, selected: list[Role], differences: Differences) -> Iterator[RoleDifference]:
    for role in selected:
        transaction.delete(role)
        yield RoleDifference(kind=ChangeKind.DELETED, role_arn=role.arn, diff=differences.diff(role, None))
