"""Deleted roles are restored as they were, under the rights of a creation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import DeleteRole, RollbackRole, UndeleteRole, UpdateRole, Written
from rolecall.roles.errors import InvalidFieldsError, RoleExistsError, RoleLimitError, RoleNotFoundError
from rolecall.roles.rights import RoleAccess, WriteScope
from rolecall.roles.role import Role
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.roles.policies import ACCOUNT, OTHER_ACCOUNT, SCOPE, author, catalog_of, create, new_id

KEY = f"{ACCOUNT}/app"


def delete(catalog: RoleCatalog, role: str = "App") -> None:
    catalog.delete(DeleteRole(role=role), author(2_000), SCOPE)


def undelete(catalog: RoleCatalog, role: str = "App", role_id: str = "", time: int = 3_000) -> Written[Role]:
    return catalog.undelete(UndeleteRole(role=role, role_id=role_id), author(time), SCOPE)


def test_a_deleted_role_is_restored_with_its_id_and_as_it_was(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    made = create(catalog, description="of app", tags={"team": "a"}, max_session_duration_seconds=7_200)
    delete(catalog)

    written = undelete(catalog, "aPP")

    role = written.result
    assert (role.role_id, role.role_name, role.create_time) == (made.role_id, "App", made.create_time)
    assert (role.document, role.description, dict(role.tags)) == (made.document, "of app", {"team": "a"})
    assert (role.max_session_duration_seconds, role.update_time, role.revision) == (7_200, 3_000, 3)
    assert role.etag != made.etag
    assert repository.role(KEY) == role
    assert written.commit is not None
    assert [change.kind.value for change in written.commit.changes] == ["CREATED"]


def test_a_restored_role_can_be_rolled_back_to_before_its_deletion(catalog: RoleCatalog) -> None:
    create(catalog, description="first")
    catalog.update(UpdateRole(role="App", description="second"), author(), SCOPE)
    delete(catalog)
    undelete(catalog)

    rolled_back = catalog.rollback(RollbackRole(role="App", revision=1), author(), SCOPE).result

    assert rolled_back.description == "first"


def test_a_role_can_be_deleted_and_restored_again(catalog: RoleCatalog) -> None:
    made = create(catalog)
    for _ in range(2):
        delete(catalog)
        assert undelete(catalog).result.role_id == made.role_id


def test_of_several_roles_of_a_name_one_is_restored_by_its_id(catalog: RoleCatalog) -> None:
    first = create(catalog, description="first")
    delete(catalog)
    second = create(catalog, description="second")
    delete(catalog)

    assert undelete(catalog, role_id=first.role_id).result.description == "first"
    delete(catalog)
    assert undelete(catalog, role_id=second.role_id).result.description == "second"
    delete(catalog)
    assert undelete(catalog).result.description == "second"


def test_a_name_that_is_taken_is_refused(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    first = create(catalog)
    delete(catalog)
    second = create(catalog)

    for role_id in ("", first.role_id, second.role_id):
        with pytest.raises(RoleExistsError):
            undelete(catalog, role_id=role_id)
    assert repository.role(KEY) == second


def test_what_was_never_deleted_is_not_found(catalog: RoleCatalog) -> None:
    other = create(catalog, "Other")
    delete(catalog, "Other")

    with pytest.raises(RoleNotFoundError, match="no deleted role `acs:ram::123456789012:role/App` is stored"):
        undelete(catalog)
    with pytest.raises(RoleNotFoundError, match=f"with the id `{other.role_id}` is stored"):
        undelete(catalog, role_id=other.role_id)
    with pytest.raises(RoleNotFoundError):
        undelete(catalog, f"{OTHER_ACCOUNT}/Other")


def test_a_deletion_that_is_no_longer_stored_says_where_history_begins(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    create(catalog)
    delete(catalog)
    repository.prune(keep_after=9_000, keep_revisions=0, forget_requests_before=0)

    with pytest.raises(RoleNotFoundError, match="history begins after revision 2"):
        undelete(catalog)


def test_a_role_id_is_digits(catalog: RoleCatalog) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        undelete(catalog, "a/b/c", role_id="x")

    assert [v.field for v in caught.value.violations] == ["role", "role_id"]


def test_the_maximum_of_roles_holds_for_restored_ones(repository: MemoryRoleRepository) -> None:
    catalog = catalog_of(repository, max_roles_per_account=1)
    create(catalog)
    delete(catalog)
    create(catalog, "Other")

    with pytest.raises(RoleLimitError):
        undelete(catalog)
    assert repository.role(KEY) is None


def test_a_document_that_is_now_refused_is_not_restored(repository: MemoryRoleRepository) -> None:
    create(catalog_of(repository))
    delete(catalog_of(repository))
    stricter = RoleCatalog(repository, Accounts(ACCOUNT), Limits(max_document_bytes=10))

    with pytest.raises(InvalidPolicyError):
        undelete(stricter)


def test_validating_restores_nothing(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    made = create(catalog)
    delete(catalog)

    written = catalog.undelete(UndeleteRole(role="App", validate_only=True), author(), SCOPE)

    assert (written.result.role_id, written.result.revision, written.commit) == (made.role_id, 0, None)
    assert repository.role(KEY) is None


def test_a_repeated_request_gets_the_first_result(catalog: RoleCatalog) -> None:
    create(catalog)
    delete(catalog)
    retried = author(request_id=new_id())
    first = catalog.undelete(UndeleteRole(role="App"), retried, SCOPE)
    catalog.update(UpdateRole(role="App", description="later"), author(), SCOPE)

    again = catalog.undelete(UndeleteRole(role="App"), retried, SCOPE)

    assert (again.result, again.replayed) == (first.result, True)


@dataclass
class NotedRights:
    """Every right, noted as it is required."""

    created: list[RoleAccess] = field(default_factory=list)

    def require_create(self, access: RoleAccess) -> None:
        self.created.append(access)

    def require_update(self, access: RoleAccess) -> None:
        raise AssertionError

    def require_delete(self, access: RoleAccess) -> None:
        raise AssertionError

    def require_apply(self, declared: Sequence[RoleAccess], pruned: Sequence[RoleAccess]) -> frozenset[str]:
        raise AssertionError


def test_the_right_is_that_of_creating_the_role_as_it_was(catalog: RoleCatalog) -> None:
    made = create(catalog, tags={"team": "a"})
    delete(catalog)
    rights = NotedRights()

    catalog.undelete(UndeleteRole(role="App"), author(), WriteScope("alice\nUndeleteRole", rights))

    assert rights.created == [RoleAccess(ref=made.ref, document=made.document, tags=made.tags)]


def test_the_right_to_restore_reads_nothing_of_a_role_that_exists(catalog: RoleCatalog) -> None:
    made = create(catalog)
    rights = NotedRights()

    with pytest.raises(RoleExistsError):
        catalog.undelete(UndeleteRole(role="App"), author(), WriteScope("alice\nUndeleteRole", rights))

    assert rights.created == [RoleAccess(ref=made.ref)]


@pytest.mark.parametrize("role_id", ["\ud800", "\0", "1" * 21])
def test_an_id_that_no_role_can_have_reaches_no_store(tmp_path: Path, role_id: str) -> None:
    with closing(open_sqlite(tmp_path / "rolecall.db")) as repository, pytest.raises(InvalidFieldsError) as caught:
        undelete(catalog_of(repository), role_id=role_id)

    assert [(violation.field, violation.reason) for violation in caught.value.violations] == [
        ("role_id", "INVALID_ROLE_ID")
    ]
