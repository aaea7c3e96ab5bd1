"""The part of the contract of a store that is about its past: roles as of a revision, followers, and what is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.roles.role import Revision, Role
from tests.storage.samples import (
    ACCOUNT,
    OTHER_ACCOUNT,
    all_commits,
    assert_chained,
    author,
    change,
    create,
    remove,
    sample,
)

KEY = f"{ACCOUNT}/app"
OUTCOME = Remembered(b"fingerprint", b"outcome")


class HistoryContract:
    """Inherit the tests, and provide an empty `repository` as a fixture."""

    def test_a_role_is_found_as_each_revision_left_it(self, repository: RoleRepository) -> None:
        (first,) = create(repository, "App")
        changed = change(repository, KEY, description="changed")
        create(repository, "Other")
        remove(repository, KEY)
        (second,) = create(repository, "APP")

        found = [repository.role_as_of(KEY, Revision(revision)) for revision in range(6)]

        assert found == [None, first, changed, changed, None, second]
        assert repository.role_as_of(f"{ACCOUNT}/none", Revision(5)) is None
        assert repository.role_as_of(f"{OTHER_ACCOUNT}/app", Revision(5)) is None

    def test_a_role_as_of_a_revision_counts_the_last_change_of_a_write(self, repository: RoleRepository) -> None:
        def replaced(transaction: Transaction) -> Role:
            old = transaction.role(KEY)
            assert old is not None
            transaction.delete(old)
            made = sample(transaction, "App", description="new")
            transaction.put(ChangeKind.CREATED, made)
            return made

        create(repository, "App")
        made, _ = repository.transact(author(), replaced)

        assert repository.role_as_of(KEY, Revision(2)) == made

    def test_a_role_is_found_at_every_revision_that_the_log_still_determines(self, repository: RoleRepository) -> None:
        kept, gone, changed, _ = create(repository, "Kept", "Gone", "Changed", "Unseen")
        remove(repository, f"{ACCOUNT}/unseen")
        (at_floor,) = create(repository, "Floor")
        remove(repository, gone.key)
        later = change(repository, changed.key, description="later")
        (born,) = create(repository, "Born")
        repository.prune(keep_after=2_000, keep_revisions=3, forget_requests_before=0)

        def as_of(key: str, revision: int) -> Role | None:
            return repository.role_as_of(key, Revision(revision))

        assert repository.floor().revision == 3
        assert [as_of(kept.key, revision) for revision in (3, 6)] == [kept, kept]
        assert as_of(at_floor.key, 3) == at_floor
        assert [as_of(gone.key, revision) for revision in (3, 4)] == [gone, None]
        assert [as_of(born.key, revision) for revision in (3, 5, 6)] == [None, None, born]
        assert as_of(f"{ACCOUNT}/unseen", 3) is None
        assert as_of(changed.key, 5) == later

    @pytest.mark.parametrize(("key", "revision"), [(KEY, 3), (KEY, 2), (f"{ACCOUNT}/none", 2)])
    def test_a_version_that_was_forgotten_is_refused(self, repository: RoleRepository, key: str, revision: int) -> None:
        create(repository, "App")
        change(repository, KEY, description="second")
        create(repository, "Other")
        change(repository, KEY, description="third")
        repository.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)

        with pytest.raises(RevisionNotKeptError) as caught:
            repository.role_as_of(key, Revision(revision))

        assert (caught.value.revision, caught.value.floor) == (revision, 3)
        assert str(caught.value) == (
            f"the role as of revision {revision} is not kept: history begins after 3; choose a later revision"
        )

    def test_some_roles_are_examined_with_the_head(self, repository: RoleRepository) -> None:
        made = create(repository, *(f"r{n}" for n in range(1_000)))
        other = change(repository, f"{ACCOUNT}/r1", description="changed")
        remove(repository, f"{ACCOUNT}/r0")

        examined = repository.examine([role.key for role in made])

        assert examined.head == repository.head()
        assert examined.roles == {role.key: role for role in [other, *made[2:]]}
        assert repository.examine([]).roles == {}
        assert repository.examine([f"{ACCOUNT}/none", KEY.upper()]).roles == {}

    def test_a_census_counts_each_role(self, repository: RoleRepository) -> None:
        create(repository, "a", "b")
        create(repository, "c", account_id=OTHER_ACCOUNT)
        remove(repository, f"{ACCOUNT}/a")

        assert repository.census() == (repository.head(), 2)

    def test_examined_roles_and_the_census_are_of_one_revision(self, repository: RoleRepository) -> None:
        stop = threading.Event()
        create(repository, "r0")

        def read() -> int:
            reads = 0
            while not stop.is_set():
                examined, (head, roles) = (
                    repository.examine([f"{ACCOUNT}/r{n}" for n in range(31)]),
                    repository.census(),
                )
                assert len(examined.roles) == examined.head.revision
                assert max(role.revision for role in examined.roles.values()) == examined.head.revision
                assert roles == head.revision
                reads += 1
            return reads

        with ThreadPoolExecutor(2) as threads, ExitStack() as at_end:
            at_end.callback(stop.set)  # if the test fails, its threads must end too
            readers = [threads.submit(read) for _ in range(2)]
            for n in range(1, 31):
                create(repository, f"r{n}")
            stop.set()
            assert all(reader.result() for reader in readers)

    def test_a_history_is_renamed_only_if_it_is_the_expected_one(self, repository: RoleRepository) -> None:
        create(repository, "App")
        old = repository.head()

        renamed = repository.rename_history(old.incarnation)
        again = repository.rename_history(old.incarnation)

        assert renamed.incarnation not in {"", old.incarnation}
        assert (renamed.revision, renamed.hash) == (old.revision, old.hash)
        assert again == renamed == repository.head()
        assert create(repository, "Next")[0].revision == 2
        assert_chained(repository)

    def test_of_two_threads_that_rename_a_history_one_does(self, repository: RoleRepository) -> None:
        old, barrier = repository.head().incarnation, threading.Barrier(4)

        def rename(_: int) -> str:
            barrier.wait()
            return repository.rename_history(old).incarnation

        with ThreadPoolExecutor(4) as threads:
            names = set(threads.map(rename, range(4)))

        assert names == {repository.head().incarnation}
        assert old not in names

    def test_only_a_store_that_is_shared_has_notifications(self, repository: RoleRepository) -> None:
        notifications = repository.notifications()

        assert repository.exclusive == (notifications is None)
        if notifications:
            notifications.close()

    def test_only_commits_that_are_old_and_not_among_the_newest_are_forgotten(self, repository: RoleRepository) -> None:
        for n in range(1, 9):
            create(repository, f"r{n}", time=n)

        by_count = repository.prune(keep_after=100, keep_revisions=6, forget_requests_before=0)
        by_time = repository.prune(keep_after=5, keep_revisions=0, forget_requests_before=0)
        again = repository.prune(keep_after=5, keep_revisions=0, forget_requests_before=0)

        assert (by_count, by_time, again) == (2, 2, 0)
        assert repository.floor().revision == 4
        assert [c.revision for c in all_commits(repository)] == [5, 6, 7, 8]
        # A write at the limit itself is kept.
        assert repository.prune(keep_after=6, keep_revisions=0, forget_requests_before=0) == 1

    def test_what_is_forgotten_is_a_run_from_the_oldest(self, repository: RoleRepository) -> None:
        for n, time in enumerate((1, 2, 50, 3, 4)):
            create(repository, f"r{n}", time=time)

        forgotten = repository.prune(keep_after=10, keep_revisions=0, forget_requests_before=0)

        assert forgotten == 2
        assert repository.floor().revision == 2

    def test_the_floor_is_the_last_commit_that_was_forgotten(self, repository: RoleRepository) -> None:
        for n in range(4):
            create(repository, f"r{n}")
        third = all_commits(repository)[2]

        repository.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)

        assert (repository.floor().revision, repository.floor().hash) == (third.revision, third.hash)
        assert repository.transact(author(), lambda t: t.floor())[0] == repository.floor()
        assert_chained(repository)

    def test_everything_may_be_forgotten_but_roles(self, repository: RoleRepository) -> None:
        made = create(repository, "a", "b")
        head = repository.head()

        repository.prune(keep_after=2_000, keep_revisions=0, forget_requests_before=0)

        assert repository.head() == head
        assert list(repository.load()) == made
        assert repository.history(made[0].role_id, before=None, limit=9) == []
        assert repository.transact(author(), lambda t: t.role_at(made[0].role_id, Revision(1)))[0] is None
        assert create(repository, "c")[0].revision == 2
        assert_chained(repository)

    def test_commits_below_the_floor_are_refused(self, repository: RoleRepository) -> None:
        for n in range(6):
            create(repository, f"r{n}")
        repository.prune(keep_after=2_000, keep_revisions=3, forget_requests_before=0)

        with pytest.raises(RevisionNotKeptError) as caught:
            repository.commits(after=Revision(2), limit=9)

        assert (caught.value.revision, caught.value.floor) == (2, 3)
        assert str(caught.value) == "the commits after revision 2 are not all kept: history begins after 3"
        assert [c.revision for c in repository.commits(after=Revision(3), limit=9)] == [4, 5, 6]
        assert [c.revision for c in repository.commits(after=Revision(4), limit=1)] == [5]

    def test_old_outcomes_are_forgotten(self, repository: RoleRepository) -> None:
        def remembering(time: int) -> Callable[[Transaction], None]:
            return lambda transaction: transaction.remember("scope", str(time), OUTCOME)

        for time in (1, 2, 3):
            repository.transact(author(time), remembering(time))

        repository.prune(keep_after=0, keep_revisions=0, forget_requests_before=2)

        recalled, _ = repository.transact(author(), lambda t: [t.recall("scope", str(at)) for at in (1, 2, 3)])
        assert recalled == [None, OUTCOME, OUTCOME]
