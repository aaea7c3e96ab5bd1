"""A write never makes an altered role one that a server wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.policy.limits import Limits
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import (
    ApplyRoles,
    CreateRole,
    DeleteRole,
    RoleDeclaration,
    RollbackRole,
    UndeleteRole,
    UpdateRole,
)
from rolecall.roles.errors import AlteredRolesError, BrokenHistoryError, RoleExistsError, StoreUnavailableError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision
from rolecall.storage.sqlite.driver import open_sqlite
from tests.roles.policies import ACCOUNT, OTHER_POLICY, POLICY, SCOPE, author, catalog_of, create, new_id

APP = f"{ACCOUNT}/app"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rolecall.db"


@pytest.fixture
def repository(path: Path) -> Iterator[RoleRepository]:
    with closing(open_sqlite(path)) as repository:
        create(catalog_of(repository), tags={"team": "a"})
        create(catalog_of(repository), "Other")
        yield repository


def proven(repository: RoleRepository, known: Snapshot) -> RoleCatalog:
    return RoleCatalog(repository, Accounts(ACCOUNT), Limits(), known=known)


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount == 1


WRITES: dict[str, Callable[[RoleCatalog], object]] = {
    "update": lambda c: c.update(UpdateRole(role="App", description="new"), author(), SCOPE),
    "update without a change": lambda c: c.update(UpdateRole(role="App", validate_only=True), author(), SCOPE),
    "delete": lambda c: c.delete(DeleteRole(role="App"), author(), SCOPE),
    "create": lambda c: c.create(CreateRole(role_name="App", document=POLICY), author(), SCOPE),
    "apply": lambda c: c.apply(
        ApplyRoles(declarations=(RoleDeclaration(role_name="App", document=POLICY),)), author(), SCOPE
    ),
    "prune": lambda c: c.apply(ApplyRoles(declarations=(), prune_tags={"team": "a"}), author(), SCOPE),
}
ALTERATIONS = [
    f"UPDATE roles SET document = replace(document, 'root', 'user/mallory') WHERE key = '{APP}'",
    f"UPDATE roles SET document = replace(document, 'root', 'user/mallory'), revision = 2 WHERE key = '{APP}'",
    f"UPDATE roles SET document = replace(document, 'root', 'user/mallory'), revision = 99 WHERE key = '{APP}'",
]


@pytest.mark.parametrize("statement", ALTERATIONS)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_an_altered_role_is_not_written(
    repository: RoleRepository, path: Path, write: Callable[[RoleCatalog], object], statement: str
) -> None:
    catalog, head = proven(repository, load_snapshot(repository)), repository.head()
    alter(path, statement)

    with pytest.raises(AlteredRolesError, match=f"role `{APP}` of the store is not as servers wrote it"):
        write(catalog)

    assert repository.head() == head


@pytest.mark.parametrize("name", ["create", "apply", "update"])
def test_a_role_that_was_removed_is_not_taken_for_none(repository: RoleRepository, path: Path, name: str) -> None:
    catalog = proven(repository, load_snapshot(repository))
    alter(path, f"DELETE FROM roles WHERE key = '{APP}'")

    with pytest.raises(AlteredRolesError):
        WRITES[name](catalog)


def test_other_roles_are_written_beside_an_altered_one(repository: RoleRepository, path: Path) -> None:
    catalog = proven(repository, load_snapshot(repository))
    alter(path, ALTERATIONS[0])

    written = catalog.update(UpdateRole(role="Other", document=OTHER_POLICY), author(), SCOPE)

    assert written.result.document == OTHER_POLICY


def test_a_role_that_memory_has_not_seen_yet_is_proven_by_the_log(repository: RoleRepository) -> None:
    catalog = proven(repository, load_snapshot(repository))
    elsewhere = catalog_of(repository)
    elsewhere.update(UpdateRole(role="App", description="elsewhere"), author(), SCOPE)
    create(elsewhere, "New")
    elsewhere.delete(DeleteRole(role="Other"), author(), SCOPE)

    updated = catalog.update(UpdateRole(role="App", document=OTHER_POLICY), author(), SCOPE).result
    created = create(catalog, "Other")

    assert (updated.description, updated.document) == ("elsewhere", OTHER_POLICY)
    assert created.role_name == "Other"
    with pytest.raises(RoleExistsError):
        create(catalog, "New")


def test_a_role_that_memory_has_not_seen_yet_and_the_log_has_otherwise_is_refused(
    repository: RoleRepository, path: Path
) -> None:
    catalog = proven(repository, load_snapshot(repository))
    catalog_of(repository).update(UpdateRole(role="App", description="elsewhere"), author(), SCOPE)
    alter(path, ALTERATIONS[0])

    with pytest.raises(AlteredRolesError):
        WRITES["update"](catalog)


def test_a_write_into_another_history_than_that_of_memory_waits_for_the_reload(repository: RoleRepository) -> None:
    known = Snapshot(revision=Revision(9))
    catalog = proven(repository, known)

    with pytest.raises(StoreUnavailableError, match="is of another history; try again when it is reloaded") as refused:
        WRITES["update"](catalog)

    assert not isinstance(refused.value, AlteredRolesError)


def test_a_proven_write_is_remembered_and_has_a_revision_only_if_it_changes_something(
    repository: RoleRepository,
) -> None:
    catalog, request = proven(repository, load_snapshot(repository)), author(request_id=new_id())
    command = UpdateRole(role="App", description="new")

    first = catalog.update(command, request, SCOPE)
    again = catalog.update(command, request, SCOPE)
    unchanged = proven(repository, load_snapshot(repository)).update(command, author(), SCOPE)

    assert (first.revision, first.replayed, first.commit is not None) == (3, False, True)
    assert (again.revision, again.replayed, again.result) == (3, True, first.result)
    assert (unchanged.revision, unchanged.replayed, unchanged.commit) == (3, False, None)


def test_one_write_reads_what_it_has_put(repository: RoleRepository) -> None:
    catalog = proven(repository, load_snapshot(repository))

    differences = catalog.apply(
        ApplyRoles(
            declarations=(
                RoleDeclaration(role_name="New", document=POLICY),
                RoleDeclaration(role_name="App", document=OTHER_POLICY),
            ),
            prune_tags={"team": "a"},
        ),
        author(),
        SCOPE,
    ).result

    assert len(differences) == 2


def test_a_deleted_role_that_was_altered_in_the_log_is_not_restored(repository: RoleRepository, path: Path) -> None:
    catalog_of(repository).delete(DeleteRole(role="App"), author(), SCOPE)
    catalog, head = proven(repository, load_snapshot(repository)), repository.head()
    alter(path, "UPDATE changes SET body = CAST(replace(body, ':root', ':user/mallory') AS BLOB) WHERE revision = 3")

    with pytest.raises(BrokenHistoryError, match="commit 3 of the store was altered"):
        catalog.undelete(UndeleteRole(role="App"), author(), SCOPE)
    assert repository.head() == head


def test_a_revision_that_was_altered_in_the_log_is_not_rolled_back_to(repository: RoleRepository, path: Path) -> None:
    catalog_of(repository).update(UpdateRole(role="App", document=OTHER_POLICY), author(), SCOPE)
    catalog_of(repository).update(UpdateRole(role="App", description="newer"), author(), SCOPE)
    catalog, head = proven(repository, load_snapshot(repository)), repository.head()
    alter(path, "UPDATE changes SET body = CAST(replace(body, ':root', ':user/mallory') AS BLOB) WHERE revision = 1")

    with pytest.raises(BrokenHistoryError, match="commit 1 of the store was altered"):
        catalog.rollback(RollbackRole(role="App", revision=1), author(), SCOPE)
    assert repository.head() == head
    assert catalog.rollback(RollbackRole(role="App", revision=3), author(), SCOPE).result.document == OTHER_POLICY


@pytest.mark.parametrize("column", ["role_key", "role_id"])
def test_the_deletion_of_another_role_restores_nothing(repository: RoleRepository, path: Path, column: str) -> None:
    app = repository.role(APP)
    catalog_of(repository).delete(DeleteRole(role="Other"), author(), SCOPE)
    catalog_of(repository).delete(DeleteRole(role="App"), author(), SCOPE)
    catalog = proven(repository, load_snapshot(repository))
    assert app is not None
    # These columns are not part of what is hashed.
    alter(path, f"UPDATE changes SET {column} = '{app.role_id if column == 'role_id' else APP}' WHERE revision = 3")
    alter(path, f"UPDATE changes SET role_key = '{APP}' WHERE revision = 3")
    alter(path, "UPDATE changes SET role_key = '' WHERE revision = 4")

    with pytest.raises(AlteredRolesError, match="is of another role"):
        catalog.undelete(UndeleteRole(role="App", role_id=app.role_id if column == "role_id" else ""), author(), SCOPE)


def test_a_restored_role_is_proven_and_the_store_stays_sound(repository: RoleRepository) -> None:
    catalog_of(repository).delete(DeleteRole(role="App"), author(), SCOPE)
    restored = proven(repository, load_snapshot(repository)).undelete(UndeleteRole(role="App"), author(), SCOPE).result

    changed = proven(repository, load_snapshot(repository)).update(
        UpdateRole(role="App", description="new"), author(), SCOPE
    )

    assert changed.result.role_id == restored.role_id
    assert load_snapshot(repository).role(APP) == changed.result
