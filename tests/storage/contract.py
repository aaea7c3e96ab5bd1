"""The contract of every adapter of `RoleRepository`: one test or more for each sentence of the port.

Its parts are in the modules whose names end in `_contract`; here are where a store stands, threads, and its end.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.role import Revision
from tests.storage.history_contract import HistoryContract
from tests.storage.log_contract import LogContract
from tests.storage.read_contract import ReadContract
from tests.storage.samples import ACCOUNT, assert_chained, author, create, nothing, sample
from tests.storage.transaction_contract import TransactionContract
from tests.storage.waiting import wait_until
from tests.storage.write_contract import WriteContract

KEY = f"{ACCOUNT}/app"


class RoleRepositoryContract(WriteContract, TransactionContract, ReadContract, HistoryContract, LogContract):
    """Inherit the tests, and provide an empty `repository` as a fixture."""

    def test_an_empty_store_is_at_revision_0(self, repository: RoleRepository) -> None:
        head, floor = repository.head(), repository.floor()

        assert (head.revision, head.hash) == (0, FIRST_HASH)
        assert (floor.revision, floor.hash) == (0, FIRST_HASH)
        assert head.incarnation
        assert len(repository.token_key) == 32
        assert repository.commits(after=Revision(0), limit=10) == []

    def test_writes_of_many_threads_come_one_after_the_other(self, repository: RoleRepository) -> None:
        create(repository, "App")

        def count_up(n: int) -> None:
            def work(transaction: Transaction) -> None:
                role = transaction.role(KEY)
                assert role is not None
                transaction.put(
                    ChangeKind.UPDATED, sample(transaction, description=str(int(role.description or 0) + 1))
                )
                transaction.put(ChangeKind.CREATED, sample(transaction, f"r{n}"))

            repository.transact(author(n), work)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(count_up, range(40)))

        role = repository.role(KEY)
        assert role is not None
        assert role.description == "40"
        assert repository.head().revision == 41
        assert_chained(repository)

    def test_of_two_threads_that_make_one_role_one_wins(self, repository: RoleRepository) -> None:
        barrier = threading.Barrier(2)

        def work(transaction: Transaction) -> bool:
            if transaction.role(KEY):
                return False
            transaction.put(ChangeKind.CREATED, sample(transaction))
            return True

        def make(_: int) -> bool:
            barrier.wait()
            return repository.transact(author(), work)[0]

        with ThreadPoolExecutor(2) as threads:
            won = list(threads.map(make, range(2)))

        assert sorted(won) == [False, True]
        assert repository.head().revision == 1

    def test_reads_are_possible_during_writes(self, repository: RoleRepository) -> None:
        create(repository, *(f"r{n}" for n in range(50)))
        stop = threading.Event()

        def read() -> int:
            seen = 0
            while not stop.is_set():
                head = repository.head().revision
                assert head >= seen
                assert len(list(repository.load())) >= 50
                seen = head
            return seen

        with ThreadPoolExecutor(3) as threads, ExitStack() as at_end:
            at_end.callback(stop.set)  # if the test fails, its threads must end too
            readers = [threads.submit(read) for _ in range(3)]
            for n in range(20):
                create(repository, f"n{n}")
            stop.set()
            assert all(reader.result() <= 21 for reader in readers)

    def test_a_trial_to_write_changes_nothing(self, repository: RoleRepository) -> None:
        create(repository, "App")
        before = repository.head(), repository.role(KEY)

        repository.try_write()

        assert (repository.head(), repository.role(KEY)) == before

    def test_a_closed_store_answers_nothing(self, repository: RoleRepository) -> None:
        create(repository, "App")

        repository.close()

        with pytest.raises(StoreUnavailableError):
            repository.head()
        with pytest.raises(StoreUnavailableError):
            repository.transact(author(), nothing)
        with pytest.raises(StoreUnavailableError):
            repository.try_write()
        repository.close()

    def test_a_store_that_is_closed_waits_for_the_write_under_way_and_begins_no_other(
        self, repository: RoleRepository
    ) -> None:
        begun, go_on, events = threading.Event(), threading.Event(), list[str]()

        def work(transaction: Transaction) -> None:
            begun.set()
            assert go_on.wait(30)
            transaction.put(ChangeKind.CREATED, sample(transaction))
            events.append("written")

        def close() -> None:
            repository.close()
            events.append("closed")

        with ThreadPoolExecutor(3) as threads:
            first = threads.submit(repository.transact, author(), work)
            assert begun.wait(30)
            second = threads.submit(repository.transact, author(), nothing)
            closing = threads.submit(close)
            # Closing has begun: one that did not wait for the write would end at once.
            wait_until(lambda: repository._closed)  # type: ignore[attr-defined]
            with pytest.raises(TimeoutError):
                closing.result(0.2)
            go_on.set()
            _, commit = first.result()
            closing.result()

        assert commit is not None
        assert events == ["written", "closed"]
        assert isinstance(second.exception(), StoreUnavailableError)
