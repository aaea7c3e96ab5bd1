"""The part of the contract of a store that is about single changes in its log: deleted roles, and spans of the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rolecall.roles.change import LAST_ORDINAL, ChangeKind, LogPosition, LogSpan
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.role import Revision
from tests.storage.samples import ACCOUNT, OTHER_ACCOUNT, author, change, create, remove

KEY = f"{ACCOUNT}/app"


def span(after: int, before: int, *, newest_first: bool = False) -> LogSpan:
    """Return the changes of the revisions after one and before another."""
    return LogSpan(
        LogPosition(Revision(after), LAST_ORDINAL), LogPosition(Revision(before), 0), newest_first=newest_first
    )


def positions(repository: RoleRepository, of: LogSpan, *, key: str = "", limit: int = 99) -> list[tuple[int, int]]:
    return [(*logged.position,) for logged in repository.changes(of, key=key, limit=limit)]


class LogContract:
    """Inherit the tests, and provide an empty `repository` as a fixture."""

    def test_a_deleted_role_is_found_as_it_last_was(self, repository: RoleRepository) -> None:
        create(repository, "App")
        last = change(repository, KEY, description="changed")
        remove(repository, KEY)

        assert repository.deleted_role(KEY, "") == last
        assert repository.deleted_role(KEY, last.role_id) == last
        assert repository.transact(author(), lambda t: t.deleted_role(KEY, ""))[0] == last
        assert repository.transact(author(), lambda t: t.deleted_role(KEY, last.role_id))[0] == last

    def test_of_several_deleted_roles_of_a_name_the_last_one_is_found_and_each_by_its_id(
        self, repository: RoleRepository
    ) -> None:
        (first,) = create(repository, "App")
        remove(repository, KEY)
        (second,) = create(repository, "APP")
        remove(repository, KEY)
        (third,) = create(repository, "App")

        assert repository.deleted_role(KEY, "") == second
        assert repository.deleted_role(KEY, first.role_id) == first
        assert repository.deleted_role(KEY, third.role_id) is None

    def test_a_deletion_is_found_among_other_writes_and_other_changes_of_its_write(
        self, repository: RoleRepository
    ) -> None:
        app, other = create(repository, "App", "Other")
        create(repository, "Before")

        def work(transaction: Transaction) -> None:
            transaction.put(ChangeKind.UPDATED, replace(other, description="changed", revision=transaction.revision))
            transaction.delete(app)
            transaction.put(ChangeKind.CREATED, replace(app, role_id="7", role_name="New"))

        repository.transact(author(), work)
        create(repository, "After")

        assert repository.deleted_role(KEY, "") == app
        assert repository.deleted_role(KEY, app.role_id) == app
        assert repository.transact(author(), lambda t: t.deleted_role(KEY, ""))[0] == app

    def test_a_role_that_was_not_deleted_under_that_name_is_not_found(self, repository: RoleRepository) -> None:
        (kept,) = create(repository, "App")
        (other,) = create(repository, "App", account_id=OTHER_ACCOUNT)
        remove(repository, other.key)

        assert repository.deleted_role(KEY, "") is None
        assert repository.deleted_role(KEY, kept.role_id) is None
        assert repository.deleted_role(KEY, other.role_id) is None

    def test_a_deleted_role_can_be_put_again(self, repository: RoleRepository) -> None:
        create(repository, "App")
        remove(repository, KEY)

        def restore(transaction: Transaction) -> None:
            deleted = transaction.deleted_role(KEY, "")
            assert deleted is not None
            transaction.put(ChangeKind.CREATED, replace(deleted, revision=transaction.revision))

        repository.transact(author(), restore)

        role = repository.role(KEY)
        assert role is not None
        assert [r.change.kind.value for r in repository.history(role.role_id, before=None, limit=9)] == [
            "CREATED",
            "DELETED",
            "CREATED",
        ]
        assert repository.transact(author(), lambda t: t.count(ACCOUNT))[0] == 1
        assert repository.role_as_of(KEY, Revision(2)) is None
        assert repository.role_as_of(KEY, Revision(3)) == role

    def test_a_span_has_the_changes_between_two_positions_in_order(self, repository: RoleRepository) -> None:
        create(repository, "a")
        create(repository, "b", "c", "d")
        create(repository, "e")

        assert positions(repository, span(0, 4)) == [(1, 0), (2, 0), (2, 1), (2, 2), (3, 0)]
        assert positions(repository, span(1, 3)) == [(2, 0), (2, 1), (2, 2)]
        assert positions(repository, span(0, 4, newest_first=True)) == [(3, 0), (2, 2), (2, 1), (2, 0), (1, 0)]
        within = LogSpan(LogPosition(Revision(2), 0), LogPosition(Revision(2), 2))
        assert positions(repository, within) == [(2, 1)]
        assert positions(repository, span(3, 1)) == []
        assert positions(repository, span(9, 99)) == []

    def test_a_span_is_cut_at_the_limit(self, repository: RoleRepository) -> None:
        create(repository, "b", "c", "d")

        assert positions(repository, span(0, 2), limit=2) == [(1, 0), (1, 1)]
        assert positions(repository, span(0, 2, newest_first=True), limit=2) == [(1, 2), (1, 1)]

    def test_a_span_of_one_key_has_every_role_that_had_it(self, repository: RoleRepository) -> None:
        create(repository, "Other", "App")
        remove(repository, KEY)
        create(repository, "App", "Apple")

        assert positions(repository, span(0, 4), key=KEY) == [(1, 1), (2, 0), (3, 0)]
        assert positions(repository, span(1, 4, newest_first=True), key=KEY, limit=1) == [(3, 0)]
        assert positions(repository, span(0, 4), key=f"{ACCOUNT}/ap") == []

    def test_a_logged_change_has_its_author_and_what_it_did(self, repository: RoleRepository) -> None:
        (role,) = create(repository, "App")
        remove(repository, KEY, time=2_000)

        (logged,) = repository.changes(span(1, 3), key="", limit=9)

        assert logged.author == author(2_000)
        assert (logged.change.kind, logged.change.role) == (ChangeKind.DELETED, role)

    def test_a_span_that_begins_below_the_floor_is_refused(self, repository: RoleRepository) -> None:
        for n in range(4):
            create(repository, f"r{n}")
        remove(repository, f"{ACCOUNT}/r0")
        repository.prune(keep_after=2_000, keep_revisions=2, forget_requests_before=0)

        assert positions(repository, span(3, 6)) == [(4, 0), (5, 0)]
        for order in (False, True):
            with pytest.raises(RevisionNotKeptError, match="start at 4 or later") as caught:
                repository.changes(span(2, 6, newest_first=order), key="", limit=9)
            assert (caught.value.revision, caught.value.floor) == (3, 3)

    def test_a_deletion_below_the_floor_is_forgotten(self, repository: RoleRepository) -> None:
        create(repository, "App")
        remove(repository, KEY)
        create(repository, "Other")
        repository.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)

        assert repository.deleted_role(KEY, "") is None
