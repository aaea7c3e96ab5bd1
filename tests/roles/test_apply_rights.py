"""The rights on an apply: what they are asked about, and which diffs its author does not see."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import ChangeKind
from rolecall.roles.commands import ApplyRoles, RoleDeclaration
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.rights import RoleAccess, WriteScope
from rolecall.roles.role import RoleRef
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import (
    ACCOUNT,
    BROKEN_POLICY,
    OTHER_ACCOUNT,
    OTHER_POLICY,
    POLICY,
    EveryRight,
    author,
    create,
    everything,
)

NOT_SHOWN = "… the diff is not shown: it needs the right to read the role, `ram:GetRole`\n"


class SomeRights(EveryRight):
    """The rights of an author who may write every role and may not see what changes in some."""

    def __init__(self, *hidden: str, refuses: bool = False) -> None:
        self.hidden, self.refuses = frozenset(hidden), refuses
        self.declared: list[RoleAccess] = []
        self.pruned: list[RoleAccess] = []

    def require_apply(self, declared: Sequence[RoleAccess], pruned: Sequence[RoleAccess]) -> frozenset[str]:
        self.declared, self.pruned = [*declared], [*pruned]
        if self.refuses:
            raise PermissionError
        return self.hidden


def declared(name: str, document: str = POLICY, **fields: object) -> RoleDeclaration:
    return RoleDeclaration(role_name=name, document=document, **fields)  # type: ignore[arg-type]


def diffs(
    catalog: RoleCatalog, rights: SomeRights, *declarations: RoleDeclaration
) -> dict[str, tuple[ChangeKind, str]]:
    command = ApplyRoles(declarations=declarations, prune_tags={"by": "apply"}, prune_accounts=(ACCOUNT, OTHER_ACCOUNT))
    written = catalog.apply(command, author(), WriteScope("alice", rights))
    return {each.role_arn.removeprefix("acs:ram::"): (each.kind, each.diff) for each in written.result}


def test_the_diffs_of_roles_that_may_not_be_read_are_not_shown(catalog: RoleCatalog) -> None:
    for account in ("", "prod"):
        create(catalog, "Changed", account_id=account)
        create(catalog, "Gone", account_id=account, tags={"by": "apply"})
        create(catalog, "Same", account_id=account)
    hidden = [f"{ACCOUNT}/{name}" for name in ("changed", "gone", "same", "new")]

    found = diffs(
        catalog,
        SomeRights(*hidden),
        *(
            each
            for account in ("", "prod")
            for each in (
                declared("CHANGED", OTHER_POLICY, account_id=account),
                declared("Same", account_id=account),
                declared("New", account_id=account),
            )
        ),
    )

    kinds = {"Changed": "UPDATED", "Same": "UNCHANGED", "New": "CREATED", "Gone": "DELETED"}
    assert {name: found[f"{ACCOUNT}:role/{name}"] for name in kinds} == {
        name: (kind, "" if name == "Same" else NOT_SHOWN) for name, kind in kinds.items()
    }
    shown = {name: found[f"{OTHER_ACCOUNT}:role/{name}"] for name in kinds}
    assert {name: kind for name, (kind, _) in shown.items()} == kinds
    assert [name for name, (_, diff) in shown.items() if diff.startswith("--- ")] == ["Changed", "New", "Gone"]
    assert shown["Same"][1] == ""


def test_the_rights_are_asked_about_each_declared_role_and_each_that_is_deleted(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    app = create(catalog, tags={"by": "apply"})
    gone = create(catalog, "Gone", tags={"by": "apply"})
    create(catalog, "Other")
    rights = SomeRights(refuses=True)
    before = everything(repository)

    with pytest.raises(PermissionError):
        diffs(catalog, rights, declared("aPP", OTHER_POLICY, tags={"k": "v"}), declared("New", account_id="prod"))

    assert rights.declared == [
        RoleAccess(ref=RoleRef(ACCOUNT, "aPP"), before=app, document=OTHER_POLICY, tags={"k": "v"}),
        RoleAccess(ref=RoleRef(OTHER_ACCOUNT, "New"), document=POLICY),
    ]
    assert rights.pruned == [RoleAccess(ref=gone.ref, before=gone)]
    assert everything(repository) == before


def test_an_invalid_apply_is_judged_before_its_violations_are_reported(catalog: RoleCatalog) -> None:
    create(catalog, tags={"by": "apply"})
    wrong = (declared("a_b", BROKEN_POLICY), declared("x", account_id="nobody"), declared("a" * 65))
    rights, refusing = SomeRights(), SomeRights(refuses=True)

    with pytest.raises(InvalidFieldsError):
        diffs(catalog, rights, *wrong)
    with pytest.raises(PermissionError):
        diffs(catalog, refusing, *wrong)

    assert [access.ref for access in rights.declared] == [RoleRef(ACCOUNT, "a_b"), None, None]
    assert rights.declared == refusing.declared
    assert [access.ref for access in rights.pruned] == [RoleRef(ACCOUNT, "App")]
