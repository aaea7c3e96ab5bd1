"""The part of the contract of a store that is about writes: revisions, errors, role ids, and outcomes of requests."""

from __future__ import annotations

import pytest

from rolecall.roles.change import ChangeKind
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.roles.role import Revision, Role
from tests.storage.samples import ACCOUNT, author, create, creating, nothing, remove, sample

KEY = f"{ACCOUNT}/app"
OUTCOME = Remembered(b"fingerprint", b"outcome")


class SomeError(Exception):
    """What a piece of work may raise."""


class WriteContract:
    """Inherit the tests, and provide an empty `repository` as a fixture."""

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
