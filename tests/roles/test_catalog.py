from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits
from rolecall.policy.linting.findings import Severity
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import CatalogOptions, RoleCatalog
from rolecall.roles.commands import CreateRole, DeleteRole, RollbackRole, UpdateRole
from rolecall.roles.errors import (
    InvalidFieldsError,
    RevisionNotKeptError,
    RoleExistsError,
    RoleLimitError,
    RoleNotFoundError,
    StaleEtagError,
)
from rolecall.roles.role import Role
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.roles.policies import (
    ACCOUNT,
    BROKEN_POLICY,
    OTHER_ACCOUNT,
    OTHER_POLICY,
    POLICY,
    SCOPE,
    author,
    catalog_of,
    create,
    everything,
)

KEY = f"{ACCOUNT}/app"


def update(catalog: RoleCatalog, time: int = 2_000, **fields: object) -> Role:
    return catalog.update(UpdateRole(role="App", **fields), author(time), SCOPE).result  # type: ignore[arg-type]


# --- create


def test_a_role_is_created_with_its_defaults(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    written = catalog.create(CreateRole(role_name="App", document=POLICY), author(5), SCOPE)

    role = written.result
    assert (role.arn, role.description, role.max_session_duration_seconds) == (
        f"acs:ram::{ACCOUNT}:role/App",
        "",
        3_600,
    )
    assert (role.document, dict(role.tags), role.create_time, role.update_time) == (POLICY, {}, 5, 5)
    assert (role.revision, written.revision, written.replayed) == (1, 1, False)
    assert written.commit is not None
    assert written.commit.changes[0].role == role == repository.role(KEY)


@pytest.mark.parametrize("name", ["App", "app", "APP"])
def test_names_are_unique_whatever_their_case(catalog: RoleCatalog, name: str) -> None:
    create(catalog)

    with pytest.raises(RoleExistsError) as caught:
        create(catalog, name)

    assert caught.value.arn == f"acs:ram::{ACCOUNT}:role/App"
    assert create(catalog, name, account_id="prod").account_id == OTHER_ACCOUNT


def test_an_account_has_a_maximum_of_roles(repository: MemoryRoleRepository) -> None:
    catalog = catalog_of(repository, max_roles_per_account=2)
    create(catalog, "a")
    create(catalog, "b")
    before = everything(repository)

    with pytest.raises(RoleLimitError) as caught:
        create(catalog, "c")

    assert (caught.value.account_id, caught.value.limit) == (ACCOUNT, 2)
    assert everything(repository) == before
    assert create(catalog, "c", account_id=OTHER_ACCOUNT).revision == 3


def test_a_deleted_role_that_is_created_again_has_another_id(catalog: RoleCatalog) -> None:
    first = create(catalog)
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)

    second = create(catalog)

    assert first.role_id != second.role_id


def test_of_many_threads_that_create_one_role_exactly_one_succeeds(tmp_path: Path) -> None:
    repository = open_sqlite(tmp_path / "rolecall.db")
    catalog = catalog_of(repository)

    def attempt(_: int) -> bool:
        try:
            create(catalog)
        except RoleExistsError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(attempt, range(8)))

    assert sum(won) == 1
    assert repository.head().revision == 1
    repository.close()


def test_findings_of_the_linter_block_a_write_if_configured(repository: MemoryRoleRepository) -> None:
    anywhere = POLICY.replace('"Principal"', '"Condition": {"IpAddress": {"acs:SourceIp": "0.0.0.0/0"}}, "Principal"')
    options = CatalogOptions(lint_blocks=frozenset(Severity))
    strict = RoleCatalog(repository, Accounts(ACCOUNT), Limits(), options)

    with pytest.raises(InvalidPolicyError) as caught:
        strict.create(CreateRole(role_name="App", document=anywhere), author(), SCOPE)
    lenient = catalog_of(repository).create(CreateRole(role_name="App", document=anywhere), author(), SCOPE)

    assert "/Statement/0" in caught.value.violations[0].pointer
    assert lenient.revision == 1


# --- update


def test_an_update_changes_what_it_names_only(catalog: RoleCatalog) -> None:
    before = create(catalog, description="old", tags={"a": "b"}, max_session_duration_seconds=7_200)

    after = update(catalog, description="")

    assert after.description == ""
    assert (after.tags, after.document, after.max_session_duration_seconds) == ({"a": "b"}, POLICY, 7_200)
    assert (after.role_id, after.create_time, after.update_time) == (before.role_id, 1_000, 2_000)
    assert after.revision == 2


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"document": POLICY},
        {"description": "old"},
        {"max_session_duration_seconds": 3_600},
        {"tags": {"b": "2", "a": "1"}},
        {"document": POLICY, "description": "old", "tags": {"a": "1", "b": "2"}},
    ],
)
def test_an_update_that_changes_nothing_makes_no_revision(
    catalog: RoleCatalog, repository: MemoryRoleRepository, fields: dict[str, object]
) -> None:
    role = create(catalog, description="old", tags={"a": "1", "b": "2"})
    before = everything(repository)

    written = catalog.update(UpdateRole(role="App", **fields), author(9), SCOPE)  # type: ignore[arg-type]

    assert (written.result, written.revision, written.commit) == (role, 1, None)
    assert everything(repository) == before


def test_the_name_of_a_role_keeps_the_case_it_was_created_with(catalog: RoleCatalog) -> None:
    create(catalog, "MyApp")

    role = catalog.update(UpdateRole(role="MYAPP", description="x"), author(), SCOPE).result

    assert role.role_name == "MyApp"


def test_an_update_reports_all_violations_at_once(catalog: RoleCatalog) -> None:
    command = UpdateRole(
        role="a_b",
        document=BROKEN_POLICY,
        description="x" * 1_025,
        max_session_duration_seconds=0,
        tags={"": ""},
        etag="1",
    )

    with pytest.raises(InvalidFieldsError) as caught:
        catalog.update(command, author(request_id="x"), SCOPE)

    assert {violation.field for violation in caught.value.violations} == {
        "role",
        "assume_role_policy_document",
        "description",
        "max_session_duration_seconds",
        "tags",
        "etag",
        "request_id",
    }


@pytest.mark.parametrize(
    ("role", "unknown"), [("a_b", True), ("acs:ram::5:role/x_y", True), (f"{OTHER_ACCOUNT}/App", False), ("App", None)]
)
def test_a_document_is_judged_with_the_account_of_the_role_that_an_update_names(
    repository: MemoryRoleRepository, role: str, unknown: bool | None
) -> None:
    options = CatalogOptions(lint_blocks=frozenset(Severity))
    strict = RoleCatalog(repository, Accounts(ACCOUNT), Limits(), options)
    create(catalog_of(repository))

    command = UpdateRole(role=role, document=POLICY, validate_only=True)
    try:
        strict.update(command, author(), SCOPE)
        found = ""
    except (InvalidFieldsError, InvalidPolicyError) as error:
        found = " ".join(violation.message for violation in error.violations)

    # The policy names the root of an account, which is no finding in a role of that account.
    assert (f"account `{ACCOUNT}` may assume" in found) is (unknown is not None)
    assert ("unless that is the role's own account" in found) is bool(unknown)


def test_a_broken_policy_is_never_stored(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog)
    before = everything(repository)

    with pytest.raises(InvalidPolicyError):
        update(catalog, document=BROKEN_POLICY)

    assert everything(repository) == before


# --- etags, and roles that are not there

WRITES: list[Callable[[RoleCatalog, str], object]] = [
    lambda c, etag: c.update(UpdateRole(role="App", description="x", etag=etag), author(), SCOPE),
    lambda c, etag: c.update(UpdateRole(role="App", etag=etag), author(), SCOPE),
    lambda c, etag: c.delete(DeleteRole(role="App", etag=etag), author(), SCOPE),
    lambda c, etag: c.rollback(RollbackRole(role="App", revision=1, etag=etag), author(), SCOPE),
]
NAMED = pytest.mark.parametrize("write", WRITES, ids=["update", "no-op", "delete", "rollback"])


@NAMED
def test_a_stale_etag_is_refused_with_the_current_one(
    catalog: RoleCatalog, repository: MemoryRoleRepository, write: Callable[[RoleCatalog, str], object]
) -> None:
    stale = create(catalog).etag
    current = update(catalog, document=OTHER_POLICY).etag
    before = everything(repository)

    with pytest.raises(StaleEtagError) as caught:
        write(catalog, stale)

    assert (caught.value.given, caught.value.current) == (stale, current)
    assert everything(repository) == before


@NAMED
def test_the_current_etag_is_accepted(catalog: RoleCatalog, write: Callable[[RoleCatalog, str], object]) -> None:
    write(catalog, create(catalog).etag)


@NAMED
def test_a_role_that_is_not_there_is_not_found(
    catalog: RoleCatalog, write: Callable[[RoleCatalog, str], object]
) -> None:
    create(catalog)
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)

    with pytest.raises(RoleNotFoundError) as caught:
        write(catalog, "")

    assert caught.value.role == f"acs:ram::{ACCOUNT}:role/App"


# --- rollback


def test_a_rollback_restores_every_mutable_field(catalog: RoleCatalog) -> None:
    first = create(catalog, description="first", tags={"a": "b"}, max_session_duration_seconds=7_200)
    update(catalog, document=OTHER_POLICY, description="second", tags={}, max_session_duration_seconds=3_600)

    written = catalog.rollback(RollbackRole(role="app", revision=1), author(3_000), SCOPE)

    restored = written.result
    assert (restored.document, restored.description, restored.tags) == (POLICY, "first", {"a": "b"})
    assert restored.max_session_duration_seconds == 7_200
    assert (restored.role_id, restored.create_time, restored.update_time) == (first.role_id, 1_000, 3_000)
    assert (restored.revision, written.revision) == (3, 3)


def test_a_rollback_to_what_is_there_makes_no_revision(catalog: RoleCatalog) -> None:
    role = create(catalog)

    written = catalog.rollback(RollbackRole(role="App", revision=1), author(3_000), SCOPE)

    assert (written.result, written.revision, written.commit) == (role, 1, None)


@pytest.mark.parametrize("revision", [2, 5, 2**62])
def test_a_rollback_needs_a_revision_of_that_role(catalog: RoleCatalog, revision: int) -> None:
    create(catalog)
    create(catalog, "Other")

    with pytest.raises(RevisionNotKeptError, match="list its revisions"):
        catalog.rollback(RollbackRole(role="App", revision=revision), author(), SCOPE)


@pytest.mark.parametrize("revision", [-1, 0, 1 << 63, 1 << 70])
def test_a_rollback_to_a_revision_that_no_store_can_have_reaches_none(tmp_path: Path, revision: int) -> None:
    with closing(open_sqlite(tmp_path / "rolecall.db")) as repository:
        catalog = catalog_of(repository)
        create(catalog)

        with pytest.raises(InvalidFieldsError) as caught:
            catalog.rollback(RollbackRole(role="App", revision=revision), author(), SCOPE)

    assert [(violation.field, violation.message) for violation in caught.value.violations] == [
        ("revision", f"must be 1 or more, not {revision}")
    ]


def test_a_rollback_does_not_reach_the_role_that_had_the_name_before(catalog: RoleCatalog) -> None:
    create(catalog)
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)
    create(catalog)

    with pytest.raises(RevisionNotKeptError):
        catalog.rollback(RollbackRole(role="App", revision=1), author(), SCOPE)


def test_a_rollback_below_the_floor_says_where_history_begins(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    create(catalog)
    update(catalog, description="x")
    repository.prune(keep_after=5_000, keep_revisions=1, forget_requests_before=0)

    with pytest.raises(RevisionNotKeptError, match="begins after 1") as caught:
        catalog.rollback(RollbackRole(role="App", revision=1), author(), SCOPE)

    assert caught.value.floor == 1


@pytest.mark.parametrize("revision", [0, -1, 2**63])
def test_a_revision_is_a_positive_number(catalog: RoleCatalog, revision: int) -> None:
    with pytest.raises(InvalidFieldsError):
        catalog.rollback(RollbackRole(role="App", revision=revision), author(), SCOPE)


def test_a_rollback_to_a_document_that_is_now_refused_is_refused(repository: MemoryRoleRepository) -> None:
    create(catalog_of(repository))
    update(catalog_of(repository), document=OTHER_POLICY)
    stricter = RoleCatalog(repository, Accounts(ACCOUNT), Limits(max_document_bytes=10))

    with pytest.raises(InvalidPolicyError):
        stricter.rollback(RollbackRole(role="App", revision=1), author(), SCOPE)


# --- validate_only


def test_validating_a_creation_writes_nothing(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    before = everything(repository)

    written = catalog.create(CreateRole(role_name="App", document=POLICY, validate_only=True), author(), SCOPE)

    assert (written.result.role_id, written.result.revision, written.revision) == ("", 0, 0)
    assert written.result.arn == f"acs:ram::{ACCOUNT}:role/App"
    assert written.commit is None
    assert everything(repository) == before


def test_validating_an_update_shows_the_role_as_it_would_be(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    role = create(catalog)
    before = everything(repository)

    changed = catalog.update(UpdateRole(role="App", description="x", validate_only=True), author(), SCOPE)
    unchanged = catalog.update(UpdateRole(role="App", description="", validate_only=True), author(), SCOPE)

    assert (changed.result.description, changed.result.role_id, changed.result.revision) == ("x", role.role_id, 0)
    assert unchanged.result == role
    assert (changed.revision, changed.commit) == (1, None)
    assert everything(repository) == before


def test_validating_makes_every_check(repository: MemoryRoleRepository) -> None:
    catalog = catalog_of(repository, max_roles_per_account=1)
    stale = create(catalog).etag
    update(catalog, description="x")

    with pytest.raises(RoleExistsError):
        create(catalog, validate_only=True)
    with pytest.raises(RoleLimitError):
        create(catalog, "Other", validate_only=True)
    with pytest.raises(StaleEtagError):
        update(catalog, description="y", etag=stale, validate_only=True)
    with pytest.raises(RoleNotFoundError):
        catalog.delete(DeleteRole(role="Other", validate_only=True), author(), SCOPE)


def test_validating_a_deletion_deletes_nothing(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog)

    written = catalog.delete(DeleteRole(role="App", validate_only=True), author(), SCOPE)

    assert (written.revision, written.commit) == (1, None)
    assert repository.role(KEY) is not None


@pytest.mark.parametrize("text", ["caf\u00e9", "cafe\u0301"])
def test_texts_are_stored_exactly_as_given(catalog: RoleCatalog, text: str) -> None:  # row 14 of the faults
    role = create(catalog, description=text, tags={"k": text})

    assert (role.description, dict(role.tags)) == (text, {"k": text})
