"""A role as it was at a revision, from what a log of which the beginning was pruned still has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rolecall.roles.change import Change, ChangeKind, LogPosition, LogSpan
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.as_of import require_stored, version_as_of

FLOOR = Revision(3)


def role_of(revision: int) -> Role:
    """Return a role that was last changed by the write of a revision."""
    return Role(
        role_id="7",
        account_id="123456789012",
        role_name="App",
        document="{}",
        create_time=Micros(1),
        update_time=Micros(1),
        revision=Revision(revision),
    )


def unused() -> None:
    raise AssertionError("the reads before this one give the answer")


def found(
    revision: int,
    *,
    last: Callable[[], Change | None] = lambda: None,
    newest: Callable[[], Role | None] = lambda: None,
    following: Callable[[], Change | None] = lambda: None,
) -> int | None:
    """Return the revision of the version that a role had at `revision`."""
    role = version_as_of(Revision(revision), floor=FLOOR, last=last, newest=newest, following=following)
    return None if role is None else role.revision


def changed(kind: ChangeKind, revision: int) -> Callable[[], Change]:
    return lambda: Change(kind, role_of(revision))


def assert_not_kept(revision: int, **reads: Callable[[], object]) -> None:
    with pytest.raises(RevisionNotKeptError) as caught:
        found(revision, **reads)  # type: ignore[arg-type]

    assert (caught.value.revision, caught.value.floor) == (revision, 3)
    assert str(caught.value) == (
        f"the role as of revision {revision} is not kept: history begins after 3; choose a later revision"
    )


def test_nothing_is_read_for_a_revision_below_the_floor() -> None:
    assert_not_kept(2, last=unused, newest=unused, following=unused)


def test_the_last_stored_change_is_the_answer() -> None:
    for kind in (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.UNCHANGED):
        assert found(5, last=changed(kind, 4), newest=unused, following=unused) == 4
    assert found(5, last=changed(ChangeKind.DELETED, 2), newest=unused, following=unused) is None


@pytest.mark.parametrize("last_changed", [1, 3, 4])
def test_a_role_that_has_not_changed_since_is_the_answer(last_changed: int) -> None:
    assert found(4, newest=lambda: role_of(last_changed), following=unused) == last_changed


def test_a_role_did_not_exist_before_it_was_created() -> None:
    assert found(4, newest=lambda: role_of(5), following=changed(ChangeKind.CREATED, 5)) is None
    assert found(4) is None


@pytest.mark.parametrize("last_changed", [1, 3])
def test_a_deletion_has_the_role_as_it_was_until_then(last_changed: int) -> None:
    assert found(3, following=changed(ChangeKind.DELETED, last_changed)) == last_changed


def test_a_deletion_of_a_later_version_leaves_the_earlier_one_unknown() -> None:
    assert_not_kept(3, following=changed(ChangeKind.DELETED, 4))


@pytest.mark.parametrize("last_changed", [2, 3, 4, 5])
def test_an_update_leaves_the_version_that_it_has_replaced_unknown(last_changed: int) -> None:
    assert_not_kept(4, newest=lambda: role_of(6), following=changed(ChangeKind.UPDATED, last_changed))


def test_a_span_of_the_log_begins_at_the_floor_or_later() -> None:
    def require(after: int) -> None:
        end = LogPosition(Revision(99), 0)
        require_stored(LogSpan(LogPosition(Revision(after), 0), end), FLOOR)

    require(3)
    require(4)
    with pytest.raises(RevisionNotKeptError) as caught:
        require(2)

    assert (caught.value.revision, caught.value.floor) == (3, 3)
    assert str(caught.value) == "the changes from revision 3 on are not all kept: start at 4 or later"
