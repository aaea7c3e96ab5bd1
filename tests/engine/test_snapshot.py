from __future__ import annotations

import pytest

from rolecall.engine.errors import ChangeGapError
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision, Role
from tests.engine.world import ACCOUNT, allow, deny, document, role

KEY = f"{ACCOUNT}/app"


def commit(revision: int, kind: ChangeKind, changed: Role) -> Commit:
    author = Author(actor="test", time=Micros(0))
    return Commit(revision=Revision(revision), author=author, changes=(Change(kind, changed),), hash=b"")


def test_commits_are_taken_up_in_order() -> None:
    snapshot = Snapshot()

    snapshot.apply(commit(1, ChangeKind.CREATED, role(document(allow()))))
    snapshot.apply(commit(2, ChangeKind.UPDATED, role(document(deny()), revision=2)))

    version = snapshot.version(KEY)
    assert version is not None
    assert (version.role.revision, snapshot.revision, len(snapshot)) == (2, 2, 1)


def test_a_commit_that_is_held_already_is_passed_over() -> None:
    snapshot = Snapshot([role(document(allow()), revision=3)], revision=Revision(3))

    snapshot.apply(commit(2, ChangeKind.DELETED, role(document(allow()))))

    assert snapshot.version(KEY) is not None


def test_a_gap_is_refused_and_changes_nothing() -> None:
    snapshot = Snapshot(revision=Revision(1))

    with pytest.raises(ChangeGapError):
        snapshot.apply(commit(3, ChangeKind.CREATED, role(document(allow()))))

    assert (snapshot.revision, len(snapshot)) == (1, 0)


def test_a_reload_keeps_the_versions_that_did_not_change() -> None:
    same, other = role(document(allow())), role(document(allow()), name="b")
    snapshot = Snapshot([same, other], revision=Revision(1))
    kept = snapshot.version(KEY)

    snapshot.replace(Snapshot([role(document(allow()))], revision=Revision(5)))

    assert snapshot.version(KEY) is kept
    assert (len(snapshot), snapshot.revision) == (1, 5)
