from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import ChangeKind
from rolecall.roles.change_pages import ChangeFilters
from rolecall.roles.commands import ApplyRoles, CreateRole, DeleteRole, UndeleteRole, UpdateRole
from rolecall.roles.errors import InvalidFieldsError, RoleExistsError, RoleNotFoundError, StoreUnavailableError
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.storage import open_repository
from tests.postgres import PostgresServer
from tests.roles import policies
from tests.roles.policies import POLICY, catalog_of, create as create_role
from tests.storage.contract import RoleRepositoryContract
from tests.storage.samples import ACCOUNT, all_commits, assert_chained, author, create, sample
from tests.storage.stores import database_of, empty_store
from tests.storage.waiting import wait_until


@pytest.fixture
def other(repository: RoleRepository, store: str) -> Iterator[RoleRepository]:
    """Another server's way to the same store."""
    other = open_repository(store)
    yield other
    other.close()


class TestPostgresRoleRepository(RoleRepositoryContract):
    pass


def test_of_two_servers_that_create_one_role_at_once_one_wins(
    repository: RoleRepository, other: RoleRepository
) -> None:
    # Row 52 of the faults.
    catalogs, barrier = [catalog_of(repository), catalog_of(other)], threading.Barrier(2)

    def attempt(catalog: RoleCatalog) -> str:
        barrier.wait()
        try:
            return create_role(catalog, "App").role_id
        except RoleExistsError:
            return "exists"

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(attempt, catalogs))

    (role,) = repository.load()
    assert sorted(outcomes) == sorted([role.role_id, "exists"])
    assert [commit.revision for commit in all_commits(other)] == [1]
    assert_chained(other)


def test_two_servers_that_write_at_once_come_one_after_the_other(
    repository: RoleRepository, other: RoleRepository
) -> None:
    def write(at: int) -> None:
        store = (repository, other)[at % 2]
        for n in range(10):
            create(store, f"r{at}-{n}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    assert repository.head().revision == other.head().revision == 40
    assert repository.census() == (other.head(), 40)
    assert_chained(repository)


def test_of_two_servers_that_rename_a_history_at_once_one_does(
    repository: RoleRepository, other: RoleRepository
) -> None:
    old, barrier = repository.head(), threading.Barrier(2)

    def rename(store: RoleRepository) -> str:
        barrier.wait()
        return store.rename_history(old.incarnation).incarnation

    with ThreadPoolExecutor(2) as threads:
        names = set(threads.map(rename, [repository, other]))

    assert names == {repository.head().incarnation}
    assert old.incarnation not in names
    assert other.token_key == repository.token_key


def test_the_token_key_of_a_history_that_was_put_in_place_of_another_is_found(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    key = repository.token_key
    postgres_server.execute(
        "UPDATE meta SET incarnation = 'another', token_key = decode(repeat('07', 32), 'hex')",
        database=database_of(store),
    )

    before = repository.token_key
    incarnation, after = repository.head().incarnation, repository.token_key

    assert (before, incarnation, after) == (key, "another", bytes([7]) * 32)


def test_identifiers_are_byte_exact_in_a_database_that_sorts_by_a_language(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    in_its_language = postgres_server.execute(
        "SELECT n FROM unnest(array['B', 'a', 'a.1', 'a-1', 'C']) AS n ORDER BY n", database=database_of(store)
    )
    names = ["B", "a", "a.1", "a-1", "C", "c.b", "ca"]
    create(repository, *names, tags={"É": "e\u0301", "E": "É"})

    listed = repository.list_roles(ACCOUNT, after="", name_prefix="", tags={"E": "É"}, limit=10)

    # Where this fails, the server is too old for the test to show anything.
    assert [name for (name,) in in_its_language] != sorted(name for (name,) in in_its_language)
    assert [role.role_name.lower() for role in listed] == sorted(name.lower() for name in names)
    assert repository.list_roles(ACCOUNT, after="", name_prefix="", tags={"e": "É"}, limit=10) == []
    assert repository.list_roles(ACCOUNT, after="", name_prefix="", tags={"E": "E\u0301"}, limit=10) == []


NUL_REQUESTS: list[Callable[[RoleCatalog], object]] = [
    lambda catalog: create_role(catalog, "a\0b"),
    lambda catalog: create_role(catalog, "App", description="\0"),
    lambda catalog: create_role(catalog, "App", tags={"k\0": "v"}),
    lambda catalog: create_role(catalog, "App", tags={"k": "\0"}),
    lambda catalog: create_role(catalog, "App", account_id="1\0"),
    lambda catalog: catalog.create(
        CreateRole(role_name="App", document=POLICY), policies.author(request_id="\0"), policies.SCOPE
    ),
    lambda catalog: catalog.create(
        CreateRole(role_name="App", document=POLICY), policies.author(change_reason="\0"), policies.SCOPE
    ),
    lambda catalog: catalog.create(
        CreateRole(role_name="App", document=POLICY + "\0"), policies.author(), policies.SCOPE
    ),
    lambda catalog: catalog.update(UpdateRole(role="a\0pp", description=""), author(), policies.SCOPE),
    lambda catalog: catalog.delete(DeleteRole(role="app\0"), author(), policies.SCOPE),
    lambda catalog: catalog.list("", page_size=1, page_token="", name_prefix="\0", tags={}, reader=policies.READER),
    lambda catalog: catalog.list(
        "", page_size=1, page_token="", name_prefix="", tags={"\0": ""}, reader=policies.READER
    ),
    lambda catalog: catalog.list("1\0", page_size=1, page_token="", name_prefix="", tags={}, reader=policies.READER),
    lambda catalog: catalog.revisions("a\0pp", 1, "", reader=policies.HISTORY_READER),
    lambda catalog: catalog.revisions("app", 1, "", role_id="\0", reader=policies.HISTORY_READER),
    lambda catalog: catalog.undelete(UndeleteRole(role="app", role_id="\0"), author(), policies.SCOPE),
    lambda catalog: catalog.changes(ChangeFilters(role="app\0"), 1, "", policies.CHANGE_READER),
    lambda catalog: catalog.apply(ApplyRoles(declarations=(), prune_tags={"\0": "x"}), author(), policies.SCOPE),
]


@pytest.mark.parametrize("request_with_nul", NUL_REQUESTS)
def test_a_nul_character_is_refused_before_the_database_would(
    request_with_nul: Callable[[RoleCatalog], object], repository: RoleRepository
) -> None:
    with pytest.raises((InvalidFieldsError, InvalidPolicyError, RoleNotFoundError)):
        request_with_nul(catalog_of(repository))


@pytest.mark.long
def test_no_acknowledged_write_is_lost_when_the_database_crashes_under_two_servers(
    postgres_server: PostgresServer,
) -> None:
    # Row 66 of the faults.
    server = postgres_server
    store = empty_store(server)
    stores = [open_repository(store) for _ in range(2)]
    stop, acknowledged = threading.Event(), list[str]()

    def write(writer: int) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            written_with_retries(stores[writer], f"writer{writer}-{number}")
            acknowledged.append(f"writer{writer}-{number}")

    with ThreadPoolExecutor(2) as threads, ExitStack() as at_end:
        at_end.callback(stop.set)  # if the test fails, its threads must end too
        writing = [threads.submit(write, writer) for writer in range(2)]
        for restarts in range(1, 4):
            wait_until(partial(at_least, acknowledged, 5 * restarts))
            server.restart("immediate")
        wait_until(partial(at_least, acknowledged, 20))
        stop.set()
        for writer in writing:
            writer.result()

    commits = all_commits(stores[0])
    assert sorted(commit.author.request_id for commit in commits) == sorted(acknowledged)
    assert [commit.revision for commit in commits] == list(range(1, len(acknowledged) + 1))
    assert_chained(stores[1])
    for repository in stores:
        repository.close()


def at_least(found: list[str], count: int) -> bool:
    return len(found) >= count


def written_with_retries(repository: RoleRepository, request_id: str) -> None:
    """Write once, whatever happens on the way: a repeat finds what its request id has come to."""

    def work(transaction: Transaction) -> None:
        if transaction.recall("scope", request_id) is None:
            transaction.put(ChangeKind.CREATED, sample(transaction, request_id))
            transaction.remember("scope", request_id, Remembered(b"", b"done"))

    while True:
        try:
            repository.transact(author(request_id=request_id), work)
        except StoreUnavailableError:
            time.sleep(0.02)
        else:
            return
