"""A followed state of a lower revision than before decides only when it must include what was seen of the higher one."""

from __future__ import annotations

import pytest

from rolecall.engine.followed_state import FollowedState
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.role import Revision
from tests.engine.test_followed_state import APP, OPENED, SECOND, loaded, sent


def test_a_new_state_of_a_lower_revision_decides_nothing_until_it_must_include_what_was_seen_before() -> None:
    state = loaded(APP, revision=9)

    state.restart()
    state.checkpoint(sent(7, opened_at=OPENED + SECOND, staleness=5 * SECOND), OPENED + SECOND)
    behind = state.age(OPENED + SECOND)
    state.checkpoint(sent(7, opened_at=OPENED + SECOND, stream_age=9 * SECOND, staleness=SECOND), OPENED + 10 * SECOND)

    assert behind is None
    assert state.age(OPENED + 10 * SECOND) is not None


def test_a_new_state_of_a_lower_revision_decides_when_it_reaches_the_higher_one() -> None:
    state = loaded(APP, revision=9)

    behind = list[int | None]()
    for revision in (7, 6, 8):
        state.restart()
        state.checkpoint(sent(revision, staleness=5 * SECOND), OPENED)
        behind.append(state.age(OPENED))
    state.checkpoint(sent(9, staleness=5 * SECOND), OPENED)

    assert behind == [None] * 3
    assert state.age(OPENED) == 5 * SECOND + 1


def test_a_higher_revision_counts_as_seen_when_it_was_last_loaded() -> None:
    state = loaded(APP, revision=9)
    state.restart()
    state.checkpoint(sent(9, staleness=None), OPENED + 10 * SECOND)
    state.restart()

    decides = list[bool]()
    for as_of in (5, 9, 11):
        lower = sent(7, opened_at=OPENED + as_of * SECOND)
        state.checkpoint(lower, lower.opened_at)
        decides.append(state.age(OPENED + 20 * SECOND) is not None)

    assert decides == [False, False, True]


@pytest.mark.parametrize(("revision", "as_of"), [(8, 1), (9, 11)])
def test_a_revision_counts_as_seen_when_its_first_checkpoint_came(revision: int, as_of: int) -> None:
    state = loaded(APP, revision=8)
    state.checkpoint(sent(revision, staleness=None), OPENED + 10 * SECOND)
    state.restart()

    decides = list[bool]()
    for seconds in (as_of - 2, as_of):
        lower = sent(7, opened_at=OPENED + seconds * SECOND)
        state.checkpoint(lower, lower.opened_at)
        decides.append(state.age(OPENED + 20 * SECOND) is not None)

    assert decides == [False, True]


def test_a_restored_state_of_a_higher_revision_counts_as_seen_when_it_was_restored() -> None:
    state = FollowedState()
    state.restore(Snapshot([APP], revision=Revision(9)), "saved", age=60 * SECOND, now=OPENED)
    state.restart()

    ages = list[bool]()
    for behind in (2 * SECOND, 0, -SECOND):
        # The server's state includes every write until so long before the stream was opened.
        state.checkpoint(sent(7, stream_age=0, staleness=behind, opened_at=OPENED), OPENED)
        ages.append(state.age(OPENED) is not None)

    assert ages == [False, False, True]
