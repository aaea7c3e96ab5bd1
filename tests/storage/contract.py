"""The contract of every adapter of `RoleRepository`: one test or more for each sentence of the port."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.change import ChangeKind
from rolecall.roles.digest import StateDigest, state_digest
from rolecall.roles.errors import RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.roles.role import Revision, Role
from tests.storage.log_contract import LogContract
from tests.storage.samples import (
    ACCOUNT,
    DOCUMENT,
    OTHER_ACCOUNT,
    all_commits,
    assert_chained,
    author,
    change,
    create,
    creating,
    nothing,
    remove,
    sample,
)
from tests.storage.waiting import wait_until

KEY = f"{ACCOUNT}/app"
OUTCOME = Remembered(b"fingerprint", b"outcome")


class SomeError(Exception):
    """What a piece of work may raise."""


class RoleRepositoryContract(LogContract):
    """Inherit the tests, and provide an empty `repository` as a fixture."""

    # --- where it stands

    def test_an_empty_store_is_at_revision_0(self, repository: RoleRepository) -> None:
        head, floor = repository.head(), repository.floor()

        assert (head.revision, head.hash) == (0, FIRST_HASH)
        assert (floor.revision, floor.hash) == (0, FIRST_HASH)
        assert head.incarnation
        assert len(repository.token_key) == 32
        assert repository.commits(after=Revision(0), limit=10) == []

    # --- writes

    def test_a_write_takes_the_next_revision(self, repository: RoleRepository) -> None:
        create(repository, "One")

        (made,), commit = repository.transact(author(5), creating("Two"))

        assert commit is not None
        assert (made.revision, commit.revision, repository.head().revision) == (2, 2, 2)
        assert commit.author == author(5)
        assert commit.hash == repository.head().hash

    def test_a_commit_lists_its_changes_in_order(self, repository: RoleRepository) -> None:
        old, gone = create(repository, "Old", "Gone")

        def work(transaction: Transaction) -> Role:
            new = sample(transaction, "New")
            transaction.put(ChangeKind.UPDATED, old)
            transaction.delete(gone)
            transaction.put(ChangeKind.CREATED, new)
            return new

        new, commit = repository.transact(author(), work)

        assert commit is not None
        assert [(c.kind.value, c.role) for c in commit.changes] == [
            ("UPDATED", old),
            ("DELETED", gone),
            ("CREATED", new),
        ]
        assert repository.commits(after=Revision(1), limit=1) == [commit]

    def test_a_write_that_changes_nothing_has_no_revision(self, repository: RoleRepository) -> None:
        create(repository, "App")
        before = repository.head()

        _, commit = repository.transact(author(), nothing)

        assert commit is None
        assert repository.head() == before
        assert create(repository, "Next")[0].revision == 2

    def test_a_write_that_raises_changes_nothing_and_the_error_reaches_the_caller(
        self, repository: RoleRepository
    ) -> None:
        (before,) = create(repository, "App")

        def work(transaction: Transaction) -> None:
            transaction.put(ChangeKind.CREATED, sample(transaction, "Other", tags={"a": "b"}))
            transaction.delete(before)
            transaction.remember("scope", "id", OUTCOME)
            assert transaction.count(ACCOUNT) == 1
            raise SomeError

        with pytest.raises(SomeError):
            repository.transact(author(), work)

        assert list(repository.load()) == [before]
        assert repository.head().revision == 1
        assert repository.transact(author(), lambda t: (t.recall("scope", "id"), t.count(ACCOUNT)))[0] == (None, 1)

    def test_a_write_knows_whether_it_changed_anything(self, repository: RoleRepository) -> None:
        def work(transaction: Transaction) -> list[bool]:
            before = transaction.changed
            transaction.remember("scope", "id", OUTCOME)
            remembered = transaction.changed
            transaction.put(ChangeKind.CREATED, sample(transaction))
            return [before, remembered, transaction.changed]

        assert repository.transact(author(), work)[0] == [False, False, True]

    # --- what a write reads

    def test_a_write_reads_what_it_has_put(self, repository: RoleRepository) -> None:
        old, gone = create(repository, "Old", "Gone", tags={"team": "a"})

        def work(transaction: Transaction) -> None:
            new = sample(transaction, "New", tags={"team": "a"})
            transaction.put(ChangeKind.CREATED, new)
            transaction.delete(gone)

            assert transaction.role(new.key) == new
            assert transaction.role(gone.key) is None
            assert transaction.roles([new.key, gone.key, old.key, f"{ACCOUNT}/none"]) == {new.key: new, old.key: old}
            assert list(transaction.tagged({"team": "a"})) == [new, old]
            assert transaction.count(ACCOUNT) == 2
            assert transaction.role_at(new.role_id, transaction.revision) == new
            assert transaction.role_at(gone.role_id, transaction.revision) is None
            # And again, after a read of everything.
            assert transaction.role(new.key) == new
            assert transaction.role(gone.key) is None

        repository.transact(author(), work)

    def test_many_roles_are_read_at_once(self, repository: RoleRepository) -> None:
        made = create(repository, *(f"r{n}" for n in range(1_203)))

        found, _ = repository.transact(author(), lambda t: t.roles(role.key for role in made))

        assert found == {role.key: role for role in made}

    def test_tagged_finds_roles_of_every_account_that_carry_all_tags(self, repository: RoleRepository) -> None:
        create(repository, "None")
        create(repository, "Half", tags={"team": "a"})
        create(repository, "Other", tags={"team": "b", "env": "x"})
        (here,) = create(repository, "Both", tags={"team": "a", "env": "x", "more": ""})
        (there,) = create(repository, "Both", account_id=OTHER_ACCOUNT, tags={"team": "a", "env": "x"})

        found, _ = repository.transact(author(), lambda t: list(t.tagged({"team": "a", "env": "x"})))

        assert found == [here, there]

    def test_tags_are_found_as_they_now_are(self, repository: RoleRepository) -> None:
        create(repository, "App", "Gone", tags={"team": "a"})
        change(repository, KEY, tags={"team": "b"})
        remove(repository, f"{ACCOUNT}/gone")

        found, _ = repository.transact(author(), lambda t: [list(t.tagged({"team": x})) for x in "ab"])

        assert [[role.role_name for role in roles] for roles in found] == [[], ["App"]]

    def test_roles_are_counted_by_account(self, repository: RoleRepository) -> None:
        create(repository, "A", "B", "C")
        create(repository, "A", account_id=OTHER_ACCOUNT)
        remove(repository, f"{ACCOUNT}/b")
        change(repository, f"{ACCOUNT}/a", description="changed")

        counts, _ = repository.transact(author(), lambda t: [t.count(a) for a in (ACCOUNT, OTHER_ACCOUNT, "7")])

        assert counts == [2, 1, 0]

    def test_a_write_counts_the_roles_that_it_has_made_and_deleted(self, repository: RoleRepository) -> None:
        a, b, c = create(repository, "A", "B", "C")

        def work(transaction: Transaction) -> list[tuple[int, int]]:
            def counts() -> tuple[int, int]:
                return transaction.count(ACCOUNT), transaction.count(OTHER_ACCOUNT)

            found = [counts()]
            for account_id in (ACCOUNT, ACCOUNT, OTHER_ACCOUNT):
                name = f"r{transaction.count(account_id)}"
                transaction.put(ChangeKind.CREATED, sample(transaction, name, account_id=account_id))
                found.append(counts())
            transaction.put(ChangeKind.UPDATED, replace(a, description="changed"))
            found.append(counts())
            for role in (a, b, c):
                transaction.delete(role)
                found.append(counts())
            return found

        found, _ = repository.transact(author(), work)
        later, _ = repository.transact(author(), lambda t: (t.count(ACCOUNT), t.count(OTHER_ACCOUNT)))

        assert found == [(3, 0), (4, 0), (5, 0), (5, 1), (5, 1), (4, 1), (3, 1), (2, 1)]
        assert later == (2, 1)

    def test_role_at_is_the_role_as_that_write_left_it(self, repository: RoleRepository) -> None:
        (first,) = create(repository, "App")
        create(repository, "Other")
        third = change(repository, KEY, description="third")

        found, _ = repository.transact(author(), lambda t: [t.role_at(first.role_id, Revision(n)) for n in range(6)])

        assert found == [None, first, None, third, None, None]

    def test_role_at_of_a_deletion_is_nothing(self, repository: RoleRepository) -> None:
        (role,) = create(repository, "App")
        remove(repository, KEY)

        found, _ = repository.transact(author(), lambda t: t.role_at(role.role_id, Revision(2)))

        assert found is None

    def test_role_at_is_found_in_what_is_kept_of_the_log(self, repository: RoleRepository) -> None:
        for n in range(3):
            create(repository, f"r{n}")
        (role,) = create(repository, "App")
        changed = change(repository, KEY, description="changed")
        repository.prune(keep_after=2_000, keep_revisions=2, forget_requests_before=0)

        found, _ = repository.transact(author(), lambda t: [t.role_at(role.role_id, Revision(n)) for n in range(7)])

        assert found == [None, None, None, None, role, changed, None]

    def test_what_a_write_has_put_stays_after_it_has_read_everything(self, repository: RoleRepository) -> None:
        first, second, gone = create(repository, "First", "Second", "Gone", tags={"team": "a"})
        digest = StateDigest()

        def work(transaction: Transaction) -> list[Role]:
            put = [replace(first, description="put before the read"), sample(transaction, "New", tags={"team": "a"})]
            transaction.put(ChangeKind.UPDATED, put[0])
            transaction.put(ChangeKind.CREATED, put[1])
            transaction.delete(gone)
            assert list(transaction.tagged({"team": "a"})) == [put[0], put[1], second]
            put += [replace(second, description="after it"), replace(put[1], description="twice", tags={})]
            for role in put[2:]:
                transaction.put(ChangeKind.UPDATED, role)
            assert list(transaction.tagged({"team": "a"})) == [put[0], put[2]]
            assert transaction.count(ACCOUNT) == 3
            return [put[0], put[3], put[2]]

        expected, _ = repository.transact(author(), work)

        assert sorted(repository.load(digest), key=lambda role: role.key) == expected
        assert digest.value == repository.head().digest == state_digest(expected)
        assert repository.transact(author(), lambda t: t.count(ACCOUNT))[0] == repository.size() == 3

    def test_writes_of_this_store_are_unaltered(self, repository: RoleRepository) -> None:
        create(repository, "App")
        create(repository, "Other")

        def require_all(transaction: Transaction) -> None:
            for revision in (1, 2):
                transaction.require_unaltered(Revision(revision))

        repository.transact(author(), require_all)

    def test_role_ids_are_decimal_and_never_reused(self, repository: RoleRepository) -> None:
        ids = [create(repository, "App")[0].role_id]
        remove(repository, KEY)
        ids += [role.role_id for role in create(repository, "App", "B", "C")]
        repository.transact(author(), nothing)
        ids += [role.role_id for role in create(repository, "D")]

        assert ids[0] == "300000000000001001"
        assert len(set(ids)) == 5
        assert all(role_id.isascii() and role_id.isdecimal() for role_id in ids)

    def test_role_ids_grow_with_the_time_of_the_write_and_never_fall(self, repository: RoleRepository) -> None:
        first, second = create(repository, "A", "B", time=5_000)
        (later,) = create(repository, "C", time=2_000_000)
        (clock_set_back,) = create(repository, "D", time=7)

        ids = [role.role_id for role in (first, second, later, clock_set_back)]
        assert ids == ["300000000000005001", "300000000000005002", "300000000002000001", "300000000002000002"]

    # --- outcomes of requests

    def test_an_outcome_is_remembered_with_the_write(self, repository: RoleRepository) -> None:
        def work(transaction: Transaction) -> Remembered | None:
            transaction.put(ChangeKind.CREATED, sample(transaction))
            transaction.remember("scope", "id", OUTCOME)
            return transaction.recall("scope", "id")

        at_once, _ = repository.transact(author(), work)
        later, _ = repository.transact(author(), lambda t: t.recall("scope", "id"))

        assert (at_once, later) == (OUTCOME, OUTCOME)

    def test_an_outcome_is_remembered_when_nothing_was_changed(self, repository: RoleRepository) -> None:
        _, commit = repository.transact(author(), lambda t: t.remember("scope", "id", OUTCOME))

        recalled, _ = repository.transact(author(), lambda t: t.recall("scope", "id"))

        assert commit is None
        assert recalled == OUTCOME
        assert repository.head().revision == 0

    @pytest.mark.parametrize(
        ("scope", "request_id"), [("scope", "other"), ("Scope", "id"), ("scopei", "d"), ("", "id")]
    )
    def test_an_outcome_belongs_to_its_scope_and_id(
        self, repository: RoleRepository, scope: str, request_id: str
    ) -> None:
        repository.transact(author(), lambda t: t.remember("scope", "id", OUTCOME))

        recalled, _ = repository.transact(author(), lambda t: t.recall(scope, request_id))

        assert recalled is None

    # --- reads

    def test_a_role_comes_back_as_it_was_put(self, repository: RoleRepository) -> None:
        document = '{"Version":\t"1",\r\n "Statement" : [{"Sid":"\u00e9 e\u0301 \U0001f600 \u202e"}] }\n'
        fields: dict[str, Any] = {
            "document": document,
            "description": "e\u0301 is not \u00e9; \u4f60\u597d\n'; DROP TABLE roles; --",
            "max_session_duration_seconds": 43_200,
            "tags": {"b": "", "a": "\u00e9", "A": "e\u0301"},
            "create_time": 1,
            "update_time": 1_795_336_506_222_660,
        }
        (role,) = create(repository, "App.v-2", **fields)

        newest = repository.role(f"{ACCOUNT}/app.v-2")

        assert newest == role
        assert newest.document == document
        assert newest.tags == fields["tags"]
        assert list(repository.load()) == [role]
        assert repository.history(role.role_id, before=None, limit=1)[0].change.role == role

    def test_keys_are_compared_byte_by_byte(self, repository: RoleRepository) -> None:
        create(repository, "App")

        assert repository.role(KEY) is not None
        assert repository.role(KEY.upper()) is None
        assert repository.role(f"{ACCOUNT}/app ") is None

    def test_a_deleted_role_is_not_found_but_its_history_is(self, repository: RoleRepository) -> None:
        (first,) = create(repository, "App")
        remove(repository, KEY)
        (second,) = create(repository, "App")

        assert repository.role(KEY) == second
        assert [(r.revision, r.change.kind.value) for r in repository.history(first.role_id, before=None, limit=9)] == [
            (2, "DELETED"),
            (1, "CREATED"),
        ]
        assert [r.revision for r in repository.history(second.role_id, before=None, limit=9)] == [3]

    def test_load_yields_every_role(self, repository: RoleRepository) -> None:
        made = create(repository, *(f"r{n}" for n in range(1_101)))

        loaded = list(repository.load())

        assert {role.key: role for role in loaded} == {role.key: role for role in made}

    def test_the_size_is_the_number_of_roles_of_every_account(self, repository: RoleRepository) -> None:
        empty = repository.size()

        create(repository, "a", "b")
        create(repository, "c", account_id=OTHER_ACCOUNT)
        remove(repository, f"{ACCOUNT}/a")

        assert (empty, repository.size()) == (0, 2)

    def test_roles_with_the_same_tags_are_loaded_with_them(self, repository: RoleRepository) -> None:
        made = create(repository, "a", "b", tags={"team": "pay", "env": "prod"})

        assert {role.key: role.tags for role in repository.load()} == {role.key: role.tags for role in made}

    def test_load_keeps_no_writer_waiting(self, repository: RoleRepository) -> None:
        create(repository, *(f"r{n}" for n in range(1_101)))
        head = repository.head()
        loading = repository.load()
        loaded = {role.key: role for role in [next(loading)]}

        change(repository, f"{ACCOUNT}/r0", description="new")
        remove(repository, f"{ACCOUNT}/r1100")
        create(repository, "zz")
        loaded |= {role.key: role for role in loading}

        for commit in repository.commits(after=head.revision, limit=10):
            for made in commit.changes:
                loaded[made.role.key] = made.role
                if made.kind is ChangeKind.DELETED:
                    del loaded[made.role.key]
        assert loaded == {role.key: role for role in repository.load()}

    def test_commits_come_in_order_and_no_more_than_asked(self, repository: RoleRepository) -> None:
        for n in range(5):
            create(repository, f"r{n}")

        assert [c.revision for c in repository.commits(after=Revision(1), limit=2)] == [2, 3]
        assert [c.revision for c in repository.commits(after=Revision(3), limit=9)] == [4, 5]
        assert repository.commits(after=Revision(5), limit=9) == []
        assert repository.commits(after=Revision(77), limit=9) == []
        assert_chained(repository)

    def test_roles_are_listed_in_order_of_their_keys(self, repository: RoleRepository) -> None:
        create(repository, "b", "B.2", "a-1", "C", "a.1", "a", "A1")
        create(repository, "a", account_id=ACCOUNT + "0")
        create(repository, "a", account_id=ACCOUNT[:-1])

        listed = repository.list_roles(ACCOUNT, after="", name_prefix="", tags={}, limit=100)

        assert [role.role_name for role in listed] == ["a", "a-1", "a.1", "A1", "b", "B.2", "C"]

    def test_a_list_begins_after_a_key(self, repository: RoleRepository) -> None:
        create(repository, "a", "b", "c", "d")

        listed = repository.list_roles(ACCOUNT, after=f"{ACCOUNT}/b", name_prefix="", tags={}, limit=1)

        assert [role.role_name for role in listed] == ["c"]

    def test_a_list_has_the_names_with_the_prefix_only(self, repository: RoleRepository) -> None:
        create(repository, "App", "APPLE", "ap", "app.z", "apq", "b")

        listed = repository.list_roles(ACCOUNT, after=f"{ACCOUNT}/app", name_prefix="app", tags={}, limit=9)

        assert [role.role_name for role in listed] == ["app.z", "APPLE"]
        # A name is a prefix of itself.
        whole = repository.list_roles(ACCOUNT, after="", name_prefix="app", tags={}, limit=9)
        assert [role.role_name for role in whole] == ["App", "app.z", "APPLE"]

    def test_a_list_has_the_roles_with_all_tags_only(self, repository: RoleRepository) -> None:
        create(repository, "a", "b", "c", tags={"team": "x", "env": "1"})
        create(repository, "d", tags={"team": "x"})
        create(repository, "e", tags={"team": "X", "env": "1"})
        create(repository, "f", account_id=OTHER_ACCOUNT, tags={"team": "x", "env": "1"})
        tags = {"team": "x", "env": "1"}

        first = repository.list_roles(ACCOUNT, after="", name_prefix="", tags=tags, limit=2)
        second = repository.list_roles(ACCOUNT, after=first[-1].key, name_prefix="", tags=tags, limit=2)

        assert [role.role_name for role in (*first, *second)] == ["a", "b", "c"]

    def test_history_has_the_newest_first(self, repository: RoleRepository) -> None:
        (role,) = create(repository, "App")
        create(repository, "Other")
        for n in range(3):
            change(repository, KEY, time=n, description=str(n))

        newest = repository.history(role.role_id, before=None, limit=2)
        older = repository.history(role.role_id, before=newest[-1].revision, limit=9)

        assert [r.revision for r in newest] == [5, 4]
        assert [r.revision for r in older] == [3, 1]
        assert [r.author.time for r in newest] == [2, 1]
        assert newest[0].change.role.description == "2"
        assert repository.history("0", before=None, limit=9) == []

    # --- time travel

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

    # --- for followers

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

    # --- retention

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

    # --- threads

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

    def test_pages_of_large_commits_are_short_and_together_everything(
        self, repository: RoleRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rolecall.storage.sql.history.CHANGES_PER_READ", 3)
        for size, first in ((5, "a"), (1, "b"), (2, "c"), (1, "d"), (4, "e")):
            create(repository, *(f"{first}{n}" for n in range(size)))

        pages = [repository.commits(after=Revision(0), limit=10)]
        while page := repository.commits(after=pages[-1][-1].revision, limit=10):
            pages.append(page)

        assert [commit.revision for page in pages for commit in page] == [1, 2, 3, 4, 5]
        sizes = [[len(commit.changes) for commit in page] for page in pages]
        assert sizes in ([[5], [1, 2], [1], [4]], [[5, 1, 2, 1, 4]])

    def test_a_trial_to_write_changes_nothing(self, repository: RoleRepository) -> None:
        create(repository, "App")
        before = repository.head(), repository.role(KEY)

        repository.try_write()

        assert (repository.head(), repository.role(KEY)) == before

    # --- the end

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

    def test_documents_are_stored_as_text(self, repository: RoleRepository) -> None:
        twice = '{"Version": "1", "Version": "2"}'
        create(repository, "App", document=twice)
        create(repository, "Plain")

        found = [repository.role(f"{ACCOUNT}/{name}") for name in ("app", "plain")]

        assert [role.document for role in found if role] == [twice, DOCUMENT]
