from __future__ import annotations

from dataclasses import replace

import pytest

from rolecall.engine.errors import ChangeGapError
from rolecall.engine.reverse.index import ReverseIndex
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.named_principals import named_principals
from rolecall.policy.principal import Principal, principal_of_document
from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision, Role
from tests.engine.world import ACCOUNT, ALICE, allow, deny, document, role

KEY = f"{ACCOUNT}/app"
BOB = f"acs:ram::{ACCOUNT}:user/bob"
ROLE = role(document(allow()), name="a", revision=1)


def commit(revision: int, kind: ChangeKind, changed: Role) -> Commit:
    return commit_of(revision, Change(kind, changed))


def test_commits_are_taken_up_in_order() -> None:
    snapshot = Snapshot()

    snapshot.apply(commit(1, ChangeKind.CREATED, role(document(allow()))))
    snapshot.apply(commit(2, ChangeKind.UPDATED, role(document(deny()), revision=2)))

    version = snapshot.version(KEY)
    assert version is not None
    assert (version.role.revision, snapshot.revision, len(snapshot)) == (2, 2, 1)
    assert (snapshot.role(KEY), snapshot.role(f"{ACCOUNT}/none")) == (version.role, None)


@pytest.mark.parametrize("revision", [1, 2, 3])
def test_a_commit_that_has_been_applied_is_ignored(revision: int) -> None:
    snapshot = Snapshot([role(document(allow()), revision=3)], revision=Revision(3))

    snapshot.apply(commit(revision, ChangeKind.DELETED, role(document(allow()))))

    assert snapshot.version(KEY) is not None
    assert (snapshot.revision, snapshot.hash) == (3, FIRST_HASH)


def test_a_gap_is_refused_and_changes_nothing() -> None:
    snapshot = Snapshot(revision=Revision(1))

    with pytest.raises(ChangeGapError):
        snapshot.apply(commit(3, ChangeKind.CREATED, role(document(allow()))))

    assert (snapshot.revision, len(snapshot)) == (1, 0)


def test_a_snapshot_that_is_replaced_becomes_the_other_at_once() -> None:
    snapshot = Snapshot([role(document(allow())), role(document(allow()), name="b")], revision=Revision(1))
    other = Snapshot([role(document(allow(BOB)))], revision=Revision(5))

    snapshot.replace(other)

    assert (naming(snapshot, ALICE), naming(snapshot, BOB)) == ([], [KEY])
    assert (len(snapshot), snapshot.revision) == (1, 5)


def test_a_role_that_comes_twice_while_loading_counts_as_it_came_last() -> None:
    first, last = role(document(allow())), role(document(allow(BOB)), revision=2)

    snapshot = Snapshot([first, last])

    version = snapshot.version(KEY)
    assert version is not None
    assert version.role is last
    assert (naming(snapshot, ALICE), naming(snapshot, BOB), snapshot.postings) == ([], [KEY], 1)


def test_a_large_commit_is_taken_up_in_steps_and_seen_whole() -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=1) for n in range(250)]
    snapshot = Snapshot(roles, revision=Revision(1))
    updated = [Change(ChangeKind.UPDATED, role(document(deny()), name=f"r{n}", revision=2)) for n in range(150)]
    deleted = [Change(ChangeKind.DELETED, roles[n]) for n in range(150, 250)]

    states = [state(snapshot) for _ in snapshot.applying(commit_of(2, *updated, *deleted))]

    assert set(states) == {(1, 250, 0), (2, 150, 150)}
    assert len(states) > 3
    assert (state(snapshot), snapshot.postings, snapshot.index_bytes) == ((2, 150, 150), 0, 0)


@pytest.mark.parametrize(("changes", "steps"), [(49, 0), (50, 1), (99, 2), (100, 3), (101, 4), (150, 5)])
def test_a_step_applies_fifty_changes_and_another_one_settles_them(changes: int, steps: int) -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=1) for n in range(changes)]
    snapshot = Snapshot(roles, revision=Revision(1))
    large = commit_of(2, *(Change(ChangeKind.UPDATED, role(document(deny()), name=f"r{n}")) for n in range(changes)))

    assert sum(1 for _ in snapshot.applying(large)) == steps


@pytest.mark.parametrize(("changes", "steps"), [(499, 0), (500, 1), (999, 1), (1_000, 2)])
def test_many_changes_of_one_role_are_read_in_steps_too(changes: int, steps: int) -> None:
    snapshot, app = Snapshot(revision=Revision(1)), role(document(allow()))

    assert sum(1 for _ in snapshot.applying(commit_of(2, *[Change(ChangeKind.UPDATED, app)] * changes))) == steps


def test_a_large_commit_that_was_left_half_way_can_be_begun_again() -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=1) for n in range(250)]
    snapshot = Snapshot(roles, revision=Revision(1))
    large = commit_of(2, *(Change(ChangeKind.UPDATED, role(document(allow(BOB)), name=f"r{n}")) for n in range(250)))
    next(snapshot.applying(large))

    snapshot.apply(large)

    assert (naming(snapshot, ALICE), len(naming(snapshot, BOB)), snapshot.postings) == ([], 250, 250)


def test_a_commit_that_deletes_and_creates_a_role_leaves_the_new_one() -> None:
    old, new = role(document(allow())), role(document(allow(BOB)), revision=2)
    snapshot = Snapshot([old], revision=Revision(1))

    snapshot.apply(commit_of(2, Change(ChangeKind.DELETED, old), Change(ChangeKind.CREATED, new)))

    assert (naming(snapshot, ALICE), naming(snapshot, BOB), len(snapshot)) == ([], [KEY], 1)


def test_a_commit_that_creates_and_deletes_a_role_leaves_none() -> None:
    snapshot, app = Snapshot(), role(document(allow()))

    snapshot.apply(commit_of(1, Change(ChangeKind.CREATED, app), Change(ChangeKind.DELETED, app)))

    assert (snapshot.revision, len(snapshot), snapshot.version(KEY), naming(snapshot, ALICE)) == (1, 0, None, [])


def test_versions_of_roles_that_are_the_same_are_kept_by_a_new_load() -> None:
    held = Snapshot([role(document(allow())), role(document(allow()), name="b")])

    loaded = Snapshot([role(document(allow())), role(document(deny()), name="b")], kept=held.version)

    assert loaded.version(KEY) is held.version(KEY)
    assert loaded.version(f"{ACCOUNT}/b") is not held.version(f"{ACCOUNT}/b")


def commit_of(revision: int, *changes: Change) -> Commit:
    author = Author(actor="test", time=Micros(0))
    return Commit(revision=Revision(revision), author=author, changes=changes, hash=b"")


def naming(snapshot: Snapshot, who: str) -> list[str]:
    return snapshot.naming(principal_of_document("RAM", who), after="", limit=1_000)


def state(snapshot: Snapshot) -> tuple[int, int, int]:
    denying = sum(
        "Deny" in version.role.document for n in range(250) if (version := snapshot.version(f"{ACCOUNT}/r{n}"))
    )
    return snapshot.revision, len(snapshot), denying


@pytest.mark.parametrize("several", [False, True])
def test_a_large_commit_that_counts_but_has_not_settled_is_settled_by_the_next_one(several: bool) -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=1) for n in range(150)]
    snapshot = Snapshot(roles, revision=Revision(1))
    for _ in snapshot.applying(commit_of(2, *(Change(ChangeKind.DELETED, one) for one in roles))):
        if snapshot.revision == 2:
            break

    unsettled = state(snapshot)
    created = role(document(deny()), name="r7", revision=3)
    if several:
        snapshot.advance({created.key: created}, Revision(3))
    else:
        snapshot.apply(commit_of(3, Change(ChangeKind.CREATED, created)))

    assert (unsettled, state(snapshot), snapshot.postings) == ((2, 0, 0), (3, 1, 1), 0)
    assert {version.role.role_name for version in snapshot.versions()} == {"r7"}


def test_letting_go_of_what_is_not_in_the_index_changes_nothing() -> None:
    index = ReverseIndex()

    index.discard(KEY, named_principals(document(allow())))

    assert (len(index), index.estimated_bytes) == (0, 0)


def test_all_versions_are_those_of_the_revision_also_while_a_commit_settles() -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=1) for n in range(150)]
    snapshot = Snapshot(roles, revision=Revision(1))
    gone = [Change(ChangeKind.DELETED, roles[n]) for n in range(70)]
    new = [Change(ChangeKind.CREATED, role(document(allow()), name=f"n{n}", revision=2)) for n in range(70)]
    seen = set[tuple[int, int, int]]()

    for _ in snapshot.applying(commit_of(2, *gone, *new)):
        versions = snapshot.versions()
        assert len(versions) == len(snapshot)
        seen.add((snapshot.revision, len(versions), sum(v.role.revision == 2 for v in versions)))

    assert seen == {(1, 150, 0), (2, 150, 70)}
    assert len(snapshot.versions()) == 150


def test_the_versions_of_several_roles_are_of_one_revision_also_while_a_commit_settles() -> None:
    names = [f"r{n:03}" for n in range(120)]
    keys = [f"{ACCOUNT}/{name}" for name in [*names, "none"]]
    snapshot = Snapshot([role(document(allow()), name=name) for name in names], revision=Revision(1))
    changes = [Change(ChangeKind.UPDATED, role(document(allow()), name=name, revision=2)) for name in names[:-1]]
    seen = set()

    for _ in snapshot.applying(commit_of(2, *changes, Change(ChangeKind.DELETED, role("", name=names[-1])))):
        versions = snapshot.versions_of(keys)
        assert versions == [snapshot.version(key) for key in keys]
        seen.add(tuple(version and int(version.role.revision) for version in versions))

    assert seen == {(1,) * 120 + (None,), (2,) * 119 + (None, None)}


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Snapshot([ROLE], revision=Revision(1)), True),
        (Snapshot([ROLE], revision=Revision(2)), False),
        (Snapshot([ROLE], revision=Revision(1), hash=b"other"), False),
        (Snapshot([ROLE], revision=Revision(1), incarnation="other"), False),
        (Snapshot([], revision=Revision(1)), False),
        (Snapshot([replace(ROLE, role_name="b")], revision=Revision(1)), False),
        (Snapshot([replace(ROLE, description="b")], revision=Revision(1)), False),
    ],
)
def test_two_states_are_equal_if_they_are_the_same_roles_at_one_revision(other: Snapshot, equal: bool) -> None:
    state = Snapshot([ROLE], revision=Revision(1))

    assert (state.equals(other), other.equals(state)) == (equal, equal)


def test_a_state_of_nothing_is_of_no_history_and_is_not_restored() -> None:
    snapshot = Snapshot()

    assert (snapshot.revision, snapshot.hash, snapshot.incarnation) == (0, FIRST_HASH, "")
    assert (snapshot.restored, snapshot.postings, snapshot.versions()) == (False, 0, [])


def test_each_change_of_a_large_commit_is_settled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, settled, discard = Snapshot(revision=Revision(1)), list[str](), ReverseIndex.discard

    def counted(index: ReverseIndex, key: str, principals: frozenset[Principal]) -> None:
        settled.append(key)
        discard(index, key, principals)

    monkeypatch.setattr(ReverseIndex, "discard", counted)
    changes = [Change(ChangeKind.CREATED, role(document(allow()), name=f"r{n}")) for n in range(150)]
    snapshot.apply(commit_of(2, *changes))

    assert sorted(settled) == sorted(change.role.key for change in changes)
    # Nothing is looked up in two places any more.
    assert snapshot._arriving == {}
