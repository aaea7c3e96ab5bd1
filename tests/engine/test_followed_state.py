"""A followed state is always of one revision, never goes back, and knows how old it is at most."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, strategies as st

from rolecall.engine.errors import NotAvailableError
from rolecall.engine.followed_state import FollowedState, SentCheckpoint
from rolecall.engine.request import read_principal
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Revision, Role
from tests.engine.world import ACCOUNT, ALICE, OTHER, allow, deny, document, role

CREATED, UPDATED, DELETED = ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED
SECOND = 1_000_000
OPENED = 50 * SECOND


def sent(revision: int, **facts: Any) -> SentCheckpoint:
    whole: dict[str, Any] = {"token": f"token-{revision}", "opened_at": OPENED, "stream_age": 0, "staleness": 0} | facts
    return SentCheckpoint(revision=Revision(revision), **whole)


def change(state: FollowedState, kind: ChangeKind, changed: Role) -> None:
    state.change(changed.revision, kind, changed)


def names(state: FollowedState) -> dict[str, int]:
    return {version.role.role_name: version.role.revision for version in state.snapshot.versions()}


def loaded(*roles: Role, revision: int = 5, accounts: tuple[str, ...] = (), **facts: Any) -> FollowedState:
    state = FollowedState(accounts)
    state.restart()
    for found in roles:
        change(state, CREATED, found)
    state.checkpoint(sent(revision, **facts), OPENED)
    return state


APP = role(document(allow()))


def test_the_initial_state_takes_effect_whole_at_its_first_checkpoint() -> None:
    state = FollowedState()
    state.restart()
    for number in range(3):
        change(state, CREATED, role(document(allow()), name=f"app-{number}"))
    before = (names(state), state.age(OPENED))

    state.checkpoint(sent(5), OPENED)

    assert before == ({}, None)
    assert names(state) == {"app-0": 1, "app-1": 1, "app-2": 1}
    assert (state.snapshot.revision, state.token) == (5, "token-5")


def test_a_state_that_has_received_nothing_is_empty_has_no_token_and_is_of_an_unknown_age() -> None:
    state = FollowedState()

    assert (names(state), state.snapshot.revision, state.token, state.age(OPENED)) == ({}, 0, "", None)


def test_the_generation_counts_whole_states_and_not_changes() -> None:
    state = loaded(APP)
    generations = [FollowedState().generation, state.generation]

    change(state, UPDATED, role(document(deny()), revision=6))
    state.checkpoint(sent(6), OPENED)
    generations.append(state.generation)
    state.restart()
    state.checkpoint(sent(7), OPENED)

    assert [*generations, state.generation] == [0, 1, 1, 2]


def test_changes_take_effect_together_at_their_checkpoint() -> None:
    state = loaded(APP, role(document(allow()), name="old"))

    change(state, UPDATED, role(document(deny()), revision=6))
    change(state, DELETED, role(document(allow()), name="old", revision=7))
    change(state, CREATED, role(document(allow()), name="new", revision=7))
    before = names(state)
    state.checkpoint(sent(7), OPENED)

    assert before == {"app": 1, "old": 1}
    assert names(state) == {"app": 6, "new": 7}


def test_the_state_before_stays_until_a_new_one_is_whole() -> None:
    state = loaded(APP)

    state.restart()
    change(state, CREATED, role(document(allow()), name="other", revision=8))
    meanwhile = (names(state), state.snapshot.revision, state.age(OPENED))
    state.checkpoint(sent(9), OPENED)

    assert meanwhile == ({"app": 1}, 5, 1)
    assert (names(state), state.snapshot.revision) == ({"other": 8}, 9)


def test_an_initial_state_that_breaks_off_leaves_nothing_behind() -> None:
    state = loaded(APP)

    state.restart()
    change(state, CREATED, role(document(allow()), name="half", revision=8))
    state.restart()
    state.checkpoint(sent(9), OPENED)

    assert names(state) == {}


def test_a_role_that_is_deleted_while_the_initial_state_arrives_is_not_in_it() -> None:
    state = FollowedState()
    state.restart()

    change(state, CREATED, APP)
    change(state, DELETED, APP)
    change(state, DELETED, role(document(allow()), name="never-found"))
    state.checkpoint(sent(5), OPENED)

    assert names(state) == {}


def test_changes_that_wait_for_a_checkpoint_are_not_applied_to_a_later_initial_state() -> None:
    state = loaded(APP)

    change(state, UPDATED, role(document(deny()), revision=6))
    state.restart()
    for revision in (8, 9):
        state.checkpoint(sent(revision), OPENED)

    assert names(state) == {}


def test_a_changed_role_keeps_its_version_at_later_checkpoints() -> None:
    state = loaded()
    change(state, CREATED, role(document(allow()), revision=6))
    state.checkpoint(sent(6), OPENED)
    version = state.snapshot.version(APP.key)

    change(state, CREATED, role(document(allow()), name="other", revision=7))
    state.checkpoint(sent(7), OPENED)

    assert names(state) == {"app": 6, "other": 7}
    assert state.snapshot.version(APP.key) is version is not None


def test_what_is_unchanged_in_a_new_state_keeps_its_version() -> None:
    state = loaded(APP)
    version = state.snapshot.version(APP.key)

    state.restart()
    change(state, CREATED, role(document(allow())))
    state.checkpoint(sent(9), OPENED)

    assert state.snapshot.version(APP.key) is version


def test_events_before_the_first_restart_are_ignored() -> None:
    state = FollowedState()

    state.checkpoint(sent(5), OPENED)

    assert (state.snapshot.revision, state.age(OPENED)) == (0, None)


def test_changes_after_a_repeated_checkpoint_of_a_resumed_stream_wait_for_their_own() -> None:
    state = loaded(APP)

    change(state, UPDATED, role(document(deny()), revision=6))
    change(state, UPDATED, role(document(allow()), revision=7))
    seen = []
    for revision in (5, 6, 7):
        state.checkpoint(sent(revision), OPENED)
        seen.append(names(state))

    assert seen == [{"app": 1}, {"app": 6}, {"app": 7}]


def test_a_checkpoint_of_an_earlier_revision_changes_nothing() -> None:
    state = loaded(APP, revision=5, staleness=SECOND)

    state.checkpoint(sent(4, staleness=0), OPENED)

    assert (state.snapshot.revision, state.token, state.age(OPENED)) == (5, "token-5", SECOND + 1)


def test_the_age_counts_from_the_earliest_time_at_which_the_checkpoint_can_have_been_sent() -> None:
    state = loaded(stream_age=3 * SECOND, staleness=2 * SECOND)

    age = state.age(OPENED + 1_000 * SECOND)

    # Two clocks may differ by 200 microseconds for each second since the stream was opened.
    assert age == (1_000 - 3 + 2) * SECOND + 1_000 * 200 + 1


@given(
    travel=st.integers(0, 60 * SECOND),
    later=st.integers(0, 3_600 * SECOND),
    staleness=st.integers(0, 60 * SECOND),
    drift=st.integers(-200, 200),
)
def test_the_age_is_never_less_than_the_truth(travel: int, later: int, staleness: int, drift: int) -> None:
    """The stream begins at the server, and the checkpoint leaves it, `travel` after `OPENED`; its clock drifts all the time."""
    server_age = later * (1_000_000 + drift) // 1_000_000
    left_at = OPENED + travel + later
    state = loaded(stream_age=server_age, staleness=staleness)

    bound = state.age(left_at + SECOND)

    assert bound is not None
    assert bound >= left_at + SECOND - (left_at - staleness)


def test_a_checkpoint_of_a_server_that_is_further_behind_does_not_make_the_state_older() -> None:
    state = loaded(staleness=SECOND)

    state.checkpoint(sent(5, staleness=9 * SECOND), OPENED)

    assert state.age(OPENED) == SECOND + 1


@pytest.mark.parametrize("missing", ["stream_age", "staleness"])
def test_the_age_is_unknown_where_the_server_does_not_send_it(missing: str) -> None:
    state = FollowedState()
    state.restart()

    state.checkpoint(sent(5, **{missing: None}), OPENED)

    assert state.age(OPENED) is None


def test_a_state_covers_the_accounts_that_it_follows() -> None:
    some, every = loaded(accounts=(ACCOUNT,)), loaded()

    assert [some.covers(f"{ACCOUNT}/app"), some.covers(f"{OTHER}/app")] == [True, False]
    assert every.covers(f"{OTHER}/app")


def test_only_tokens_of_the_watch_are_reached() -> None:
    state = loaded(revision=5)
    state.checkpoint(sent(6), OPENED)

    known = [state.reached(token) for token in ("token-5", "token-6", "token-7", "")]
    state.restart()

    assert known == [True, True, False, False]
    assert not state.reached("token-6")


def test_the_newest_tokens_are_known() -> None:
    state = loaded(revision=1)

    for revision in range(2, 1_025):
        state.checkpoint(sent(revision), OPENED)
    all_known = state.reached("token-1")
    state.checkpoint(sent(1_024), OPENED)
    repeated = state.reached("token-1")
    state.checkpoint(sent(1_025), OPENED)

    assert (all_known, repeated) == (True, True)
    assert [state.reached(f"token-{revision}") for revision in (1, 2, 1_025)] == [False, True, True]


def test_a_token_that_is_repeated_counts_as_new() -> None:
    state = loaded(revision=1, token="first")

    for revision in range(2, 1_025):
        state.checkpoint(sent(revision), OPENED)
    state.checkpoint(sent(1_024, token="first"), OPENED)
    state.checkpoint(sent(1_025), OPENED)

    assert [state.reached(token) for token in ("first", "token-2")] == [True, False]


def test_a_restored_state_has_the_age_that_it_had_and_its_token_is_of_no_watch() -> None:
    state = FollowedState()

    state.restore(Snapshot([APP], revision=Revision(5)), "saved", age=7 * SECOND, now=OPENED)

    assert (names(state), state.token, state.generation) == ({"app": 1}, "saved", 0)
    assert state.age(OPENED + 3 * SECOND) == 10 * SECOND + 10 * 200 + 1
    assert not state.reached("saved")


def test_a_state_is_never_younger_than_nothing() -> None:
    state = loaded(stream_age=5 * SECOND, staleness=0)

    assert state.age(OPENED) == 0


def test_of_two_checkpoints_that_are_ahead_of_the_clock_the_first_counts() -> None:
    state = loaded(stream_age=5 * SECOND)

    state.checkpoint(sent(5, stream_age=SECOND), OPENED)

    assert state.age(OPENED + 10 * SECOND) == 5 * SECOND + 10 * 200 + 1


@pytest.mark.parametrize("make", [FollowedState, partial(loaded, APP)], ids=["empty", "loaded"])
def test_a_followed_state_cannot_be_listed_by_principal(make: Callable[[], FollowedState]) -> None:
    state = make()

    with pytest.raises(NotAvailableError):
        state.snapshot.naming(read_principal(ALICE), after="", limit=1)
    assert state.snapshot.postings == 0
