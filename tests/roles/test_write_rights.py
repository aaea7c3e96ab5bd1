"""What the rights on each write of a single role are asked about: the name, the role as it stands, and what is set."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import CreateRole, DeleteRole, RollbackRole, UndeleteRole, UpdateRole
from rolecall.roles.errors import RoleError
from rolecall.roles.rights import RoleAccess, WriteScope
from rolecall.roles.role import Role, RoleRef
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import (
    ACCOUNT,
    BROKEN_POLICY,
    OTHER_ACCOUNT,
    OTHER_POLICY,
    POLICY,
    SCOPE,
    EveryRight,
    author,
    create,
    everything,
)

APP, NONE = RoleRef(ACCOUNT, "aPP"), RoleRef(ACCOUNT, "None")


class Recorded(EveryRight):
    """Rights that refuse everything, and record what they were asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, RoleAccess]] = []

    def require_create(self, access: RoleAccess) -> None:
        self._refuse("create", access)

    def require_update(self, access: RoleAccess) -> None:
        self._refuse("update", access)

    def require_delete(self, access: RoleAccess) -> None:
        self._refuse("delete", access)

    def _refuse(self, right: str, access: RoleAccess) -> None:
        self.asked.append((right, access))
        raise PermissionError


@pytest.fixture
def standing(catalog: RoleCatalog) -> Role:
    """Return a role that was created with tags and changed once."""
    create(catalog, tags={"team": "a"})
    return catalog.update(UpdateRole(role="App", document=OTHER_POLICY, tags={"team": "b"}), author(), SCOPE).result


def asked(write: Callable[[WriteScope], object]) -> tuple[str, RoleAccess]:
    rights = Recorded()
    with pytest.raises(PermissionError):
        write(WriteScope("alice", rights))
    (once,) = rights.asked
    return once


def test_a_creation_reads_nothing_of_a_role_that_exists(
    catalog: RoleCatalog, repository: MemoryRoleRepository, standing: Role
) -> None:
    before = everything(repository)
    command = CreateRole(role_name="aPP", document=POLICY, tags={"k": "v"})

    found = asked(lambda scope: catalog.create(command, author(), scope))

    assert found == ("create", RoleAccess(ref=APP, document=POLICY, tags={"k": "v"}))
    assert everything(repository) == before


def test_an_update_is_judged_by_the_role_as_it_stands_and_by_what_it_sets(catalog: RoleCatalog, standing: Role) -> None:
    commands = [
        (UpdateRole(role="aPP"), RoleAccess(ref=APP, before=standing, document=OTHER_POLICY)),
        (UpdateRole(role="aPP", document=POLICY), RoleAccess(ref=APP, before=standing, document=POLICY)),
        (
            UpdateRole(role="aPP", tags={"k": "v"}),
            RoleAccess(ref=APP, before=standing, document=OTHER_POLICY, tags={"k": "v"}),
        ),
        (UpdateRole(role="None", document=POLICY), RoleAccess(ref=NONE, document=POLICY)),
        (UpdateRole(role="None"), RoleAccess(ref=NONE)),
        (UpdateRole(role="a_b", description="\0"), RoleAccess(ref=None)),
    ]

    for command, access in commands:
        found = asked(lambda scope, each=command: catalog.update(each, author(), scope))  # type: ignore[misc]
        assert found == ("update", access)


def test_a_deletion_is_judged_by_the_role_as_it_stands(catalog: RoleCatalog, standing: Role) -> None:
    commands = [
        (DeleteRole(role="aPP"), RoleAccess(ref=APP, before=standing)),
        (DeleteRole(role="aPP", etag="wrong"), RoleAccess(ref=APP, before=standing)),
        (DeleteRole(role="None"), RoleAccess(ref=NONE)),
        (DeleteRole(role="prod/App"), RoleAccess(ref=RoleRef(OTHER_ACCOUNT, "App"))),
        (DeleteRole(role="a_b"), RoleAccess(ref=None)),
    ]

    for command, access in commands:
        found = asked(lambda scope, each=command: catalog.delete(each, author(), scope))  # type: ignore[misc]
        assert found == ("delete", access)


def test_a_rollback_is_judged_by_what_it_restores(catalog: RoleCatalog, standing: Role) -> None:
    commands = [
        (
            RollbackRole(role="aPP", revision=1),
            RoleAccess(ref=APP, before=standing, document=POLICY, tags={"team": "a"}),
        ),
        (
            RollbackRole(role="aPP", revision=2),
            RoleAccess(ref=APP, before=standing, document=OTHER_POLICY, tags={"team": "b"}),
        ),
        (RollbackRole(role="aPP", revision=3), RoleAccess(ref=APP, before=standing)),
        (RollbackRole(role="aPP", revision=0), RoleAccess(ref=APP, before=standing)),
        (RollbackRole(role="aPP", revision=1 << 63), RoleAccess(ref=APP, before=standing)),
        (RollbackRole(role="None", revision=1), RoleAccess(ref=NONE)),
        (RollbackRole(role="a_b", revision=1), RoleAccess(ref=None)),
    ]

    for command, access in commands:
        found = asked(lambda scope, each=command: catalog.rollback(each, author(), scope))  # type: ignore[misc]
        assert found == ("update", access)


def test_a_restoration_is_judged_as_the_creation_of_the_role_as_it_was(catalog: RoleCatalog, standing: Role) -> None:
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)
    as_it_was = RoleAccess(ref=APP, document=OTHER_POLICY, tags={"team": "b"})
    commands = [
        (UndeleteRole(role="aPP"), as_it_was),
        (UndeleteRole(role="aPP", role_id=standing.role_id), as_it_was),
        (UndeleteRole(role="aPP", role_id="1"), RoleAccess(ref=APP)),
        (UndeleteRole(role="aPP", role_id="x"), RoleAccess(ref=APP)),
        (UndeleteRole(role="None"), RoleAccess(ref=NONE)),
        (UndeleteRole(role="a_b"), RoleAccess(ref=None)),
    ]

    for command, access in commands:
        found = asked(lambda scope, each=command: catalog.undelete(each, author(), scope))  # type: ignore[misc]
        assert found == ("create", access)


def test_with_every_right_the_same_writes_fail_for_what_is_wrong_with_them(
    catalog: RoleCatalog, standing: Role
) -> None:
    for write in (
        lambda: catalog.update(UpdateRole(role="None"), author(), SCOPE),
        lambda: catalog.delete(DeleteRole(role="a_b"), author(), SCOPE),
        lambda: catalog.rollback(RollbackRole(role="App", revision=0), author(), SCOPE),
        lambda: catalog.undelete(UndeleteRole(role="App", role_id="x"), author(), SCOPE),
    ):
        with pytest.raises(RoleError):
            write()

    assert standing.revision == 2


def test_the_right_is_required_before_an_invalid_policy_is_reported(catalog: RoleCatalog, standing: Role) -> None:
    new = CreateRole(role_name="New", document=BROKEN_POLICY)
    changed = UpdateRole(role="App", document=BROKEN_POLICY)

    assert asked(lambda scope: catalog.create(new, author(), scope))[1].document == BROKEN_POLICY
    assert asked(lambda scope: catalog.update(changed, author(), scope))[1].before == standing
    with pytest.raises(InvalidPolicyError):
        catalog.create(new, author(), SCOPE)
    with pytest.raises(InvalidPolicyError):
        catalog.update(changed, author(), SCOPE)
