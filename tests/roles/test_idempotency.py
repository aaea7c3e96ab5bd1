"""Request ids (faults, rows 46 and 47)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import CreateRole, DeleteRole, RollbackRole, UpdateRole
from rolecall.roles.errors import IdempotencyMismatchError, RoleExistsError, RoleNotFoundError
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.roles.policies import OTHER_POLICY, POLICY, SCOPE, author, catalog_of, create, everything, new_id

COMMAND = CreateRole(role_name="App", document=POLICY, tags={"a": "1", "b": "2"})


def test_a_repeat_returns_the_first_result(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    request_id = new_id()
    first = catalog.create(COMMAND, author(1, request_id=request_id), SCOPE)

    again = catalog.create(COMMAND, author(2, request_id=request_id), SCOPE)

    assert again == replace(first, commit=None, replayed=True)
    assert repository.head().revision == 1


def test_a_repeat_returns_the_first_result_after_the_role_has_changed(catalog: RoleCatalog) -> None:
    request_id = new_id()
    first = catalog.create(COMMAND, author(1, request_id=request_id), SCOPE)
    catalog.update(UpdateRole(role="App", document=OTHER_POLICY), author(), SCOPE)

    changed = catalog.create(COMMAND, author(2, request_id=request_id), SCOPE)
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)
    deleted = catalog.create(COMMAND, author(3, request_id=request_id), SCOPE)

    assert changed.result == deleted.result == first.result
    assert changed.revision == deleted.revision == first.revision


@pytest.mark.parametrize(
    "other",
    [
        replace(COMMAND, document=POLICY + " "),
        replace(COMMAND, description="x"),
        replace(COMMAND, tags={"a": "1"}),
        replace(COMMAND, tags={"a": "2", "b": "1"}),
        replace(COMMAND, role_name="app"),
        replace(COMMAND, account_id="prod"),
        replace(COMMAND, max_session_duration_seconds=3_600),
    ],
)
def test_a_repeat_with_another_body_is_refused(  # row 47 of the faults
    catalog: RoleCatalog, repository: MemoryRoleRepository, other: CreateRole
) -> None:
    request_id = new_id()
    catalog.create(COMMAND, author(1, request_id=request_id), SCOPE)
    before = everything(repository)

    with pytest.raises(IdempotencyMismatchError) as caught:
        catalog.create(other, author(2, request_id=request_id), SCOPE)

    assert caught.value.request_id == request_id
    assert everything(repository) == before


def test_the_reason_belongs_to_the_body(catalog: RoleCatalog) -> None:
    request_id = new_id()
    catalog.create(COMMAND, author(request_id=request_id, change_reason="one"), SCOPE)

    with pytest.raises(IdempotencyMismatchError):
        catalog.create(COMMAND, author(request_id=request_id, change_reason="other"), SCOPE)


def test_the_order_of_tags_does_not_belong_to_the_body(catalog: RoleCatalog) -> None:
    request_id = new_id()
    catalog.create(COMMAND, author(request_id=request_id), SCOPE)

    again = catalog.create(replace(COMMAND, tags={"b": "2", "a": "1"}), author(request_id=request_id), SCOPE)

    assert again.replayed


def test_a_uuid_is_the_same_in_both_cases(catalog: RoleCatalog) -> None:
    request_id = new_id()
    catalog.create(COMMAND, author(request_id=request_id.lower()), SCOPE)

    assert catalog.create(COMMAND, author(request_id=request_id.upper()), SCOPE).replayed


def test_a_request_id_belongs_to_its_caller_and_method(catalog: RoleCatalog) -> None:
    request_id = new_id()
    catalog.create(COMMAND, author(request_id=request_id), SCOPE)

    with pytest.raises(RoleExistsError):
        catalog.create(COMMAND, author(request_id=request_id), replace(SCOPE, name="bob\nCreateRole"))


def test_a_failure_is_not_remembered(catalog: RoleCatalog) -> None:
    request_id = new_id()
    with pytest.raises(RoleNotFoundError):
        catalog.update(UpdateRole(role="App", description="x"), author(request_id=request_id), SCOPE)
    create(catalog)

    written = catalog.update(UpdateRole(role="App", description="x"), author(request_id=request_id), SCOPE)

    assert (written.revision, written.replayed) == (2, False)


def test_a_validation_is_not_remembered(catalog: RoleCatalog) -> None:
    request_id = new_id()
    catalog.create(replace(COMMAND, validate_only=True), author(request_id=request_id), SCOPE)

    written = catalog.create(COMMAND, author(request_id=request_id), SCOPE)

    assert (written.revision, written.replayed) == (1, False)


def test_a_success_that_changed_nothing_is_remembered(catalog: RoleCatalog) -> None:
    request_id = new_id()
    create(catalog)
    first = catalog.update(UpdateRole(role="App", description=""), author(request_id=request_id), SCOPE)
    catalog.update(UpdateRole(role="App", description="since"), author(), SCOPE)

    again = catalog.update(UpdateRole(role="App", description=""), author(request_id=request_id), SCOPE)

    assert first.commit is None
    assert (again.result, again.revision, again.replayed) == (first.result, 1, True)


def test_a_deletion_is_done_once(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    request_id = new_id()
    create(catalog)
    first = catalog.delete(DeleteRole(role="App"), author(request_id=request_id), SCOPE)
    create(catalog)

    again = catalog.delete(DeleteRole(role="App"), author(request_id=request_id), SCOPE)

    assert (again.result, again.revision, again.replayed) == (None, first.revision, True)
    assert repository.head().revision == 3


def test_a_rollback_is_done_once(catalog: RoleCatalog) -> None:
    request_id = new_id()
    create(catalog)
    catalog.update(UpdateRole(role="App", description="x"), author(), SCOPE)
    first = catalog.rollback(RollbackRole(role="App", revision=1), author(request_id=request_id), SCOPE)
    catalog.update(UpdateRole(role="App", description="y"), author(), SCOPE)

    again = catalog.rollback(RollbackRole(role="App", revision=1), author(request_id=request_id), SCOPE)

    assert (again.result, again.replayed) == (first.result, True)


def test_without_a_request_id_nothing_is_remembered(catalog: RoleCatalog) -> None:
    catalog.create(COMMAND, author(), SCOPE)

    with pytest.raises(RoleExistsError):
        catalog.create(COMMAND, author(), SCOPE)


def test_request_ids_outlive_the_process(tmp_path: Path) -> None:
    request_id = new_id()
    before = open_sqlite(tmp_path / "rolecall.db")
    first = catalog_of(before).create(COMMAND, author(request_id=request_id), SCOPE)
    before.close()

    after = open_sqlite(tmp_path / "rolecall.db")
    again = catalog_of(after).create(COMMAND, author(request_id=request_id), SCOPE)

    assert (again.result, again.replayed) == (first.result, True)
    after.close()
