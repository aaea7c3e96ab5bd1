"""The right to read the history of a role is required before any other error, with the role as it stands or last was."""

from __future__ import annotations

import pytest

from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import DeleteRole
from rolecall.roles.errors import InvalidFieldsError, InvalidTokenError, RoleNotFoundError
from rolecall.roles.pages import HistoryReader
from rolecall.roles.role import Role, RoleRef
from tests.roles.policies import ACCOUNT, HISTORY_READER, SCOPE, author, create


class Refusing:
    """A reader without the right, and what the right was required for."""

    def __init__(self) -> None:
        self.asked: list[tuple[RoleRef | None, Role | None]] = []
        self.reader = HistoryReader("alice", self._require)

    def _require(self, ref: RoleRef | None, standing: Role | None) -> None:
        self.asked.append((ref, standing))
        raise PermissionError


def asked(catalog: RoleCatalog, role: str, *, role_id: str = "", size: int = 0) -> tuple[RoleRef | None, Role | None]:
    refusing = Refusing()
    with pytest.raises(PermissionError):
        catalog.revisions(role, size, "no token", role_id=role_id, reader=refusing.reader)
    (only,) = refusing.asked
    return only


def test_a_standing_role_is_judged_as_it_is(catalog: RoleCatalog) -> None:
    role = create(catalog, tags={"team": "a"})

    assert asked(catalog, "App") == (RoleRef(ACCOUNT, "App"), role)
    assert asked(catalog, "aPP", role_id=role.role_id) == (RoleRef(ACCOUNT, "aPP"), role)


def test_a_deleted_role_is_judged_as_it_last_was(catalog: RoleCatalog) -> None:
    first = create(catalog, tags={"team": "a"})
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)
    deleted = asked(catalog, "App")
    second = create(catalog, tags={"team": "b"})

    assert deleted == (RoleRef(ACCOUNT, "App"), first)
    assert asked(catalog, "App") == (RoleRef(ACCOUNT, "App"), second)
    assert asked(catalog, "App", role_id=first.role_id) == (RoleRef(ACCOUNT, "App"), first)


def test_a_role_that_never_was_is_judged_by_its_name_alone(catalog: RoleCatalog) -> None:
    create(catalog)

    assert asked(catalog, "Other") == (RoleRef(ACCOUNT, "Other"), None)
    assert asked(catalog, "App", role_id="1") == (RoleRef(ACCOUNT, "App"), None)
    assert asked(catalog, "App", role_id="x") == (RoleRef(ACCOUNT, "App"), None)
    assert asked(catalog, "a/b/c") == (None, None)
    assert asked(catalog, "App", size=-1)[0] == RoleRef(ACCOUNT, "App")


def test_with_the_right_the_same_requests_fail_for_what_is_wrong_with_them(catalog: RoleCatalog) -> None:
    role = create(catalog)

    for name, role_id, size, error in (
        ("Other", "", 0, RoleNotFoundError),
        ("App", "1", 0, RoleNotFoundError),
        ("App", "x", 0, InvalidFieldsError),
        ("a/b/c", "", 0, InvalidFieldsError),
        ("App", "", -1, InvalidFieldsError),
        ("App", role.role_id, 0, InvalidTokenError),
    ):
        with pytest.raises(error):
            catalog.revisions(name, size, "no token", role_id=role_id, reader=HISTORY_READER)
