"""What a followed state may answer by its age, and which requirements of freshness only the followed server can judge."""

from __future__ import annotations

from math import inf

import pytest

from rolecall.engine.consistency import AtLeastAsFresh, FullyConsistent, StateAge
from rolecall.engine.errors import StaleStateError, UpstreamOnlyError
from rolecall.engine.followed_freshness import FollowedFreshness
from rolecall.engine.followed_state import FollowedState, SentCheckpoint
from rolecall.roles.role import Revision

SECOND = 1_000_000
OPENED = 50 * SECOND


class Followed:
    """A state whose stream was opened and confirmed at `OPENED`, and its freshness some time later."""

    def __init__(self, staleness: int | None = 0, **limits: float) -> None:
        self.now, self.state = OPENED, FollowedState()
        self.freshness = FollowedFreshness(self.state, clock=lambda: self.now, **limits)
        self.state.restart()
        facts = {"opened_at": OPENED, "stream_age": 0, "staleness": staleness}
        self.state.checkpoint(SentCheckpoint(revision=Revision(5), token="token-5", **facts), OPENED)  # type: ignore[arg-type]


def refusal(followed: Followed) -> StaleStateError:
    with pytest.raises(StaleStateError) as caught:
        followed.freshness.staleness()
    with pytest.raises(StaleStateError) as again:
        followed.freshness.age()
    assert str(caught.value) == str(again.value)
    return caught.value


def test_a_state_answers_up_to_the_limit_and_not_a_microsecond_longer() -> None:
    followed = Followed(staleness=2 * SECOND - 1, max_staleness_seconds=2)
    at_the_limit = followed.freshness.staleness()

    followed.now += 1
    error = refusal(followed)

    assert at_the_limit == 2 * SECOND
    assert (error.age_seconds, error.limit_seconds) == (2.000_001, 2)


def test_without_another_limit_a_state_answers_for_five_minutes() -> None:
    young, old = Followed(staleness=300 * SECOND - 1), Followed(staleness=300 * SECOND)

    assert young.freshness.staleness() == 300 * SECOND
    assert refusal(old).limit_seconds == 300


def test_a_state_of_an_unknown_age_is_refused_whatever_the_limit() -> None:
    error = refusal(Followed(staleness=None, max_staleness_seconds=1_000_000_000))

    assert (error.age_seconds, error.limit_seconds) == (inf, 1e9)
    assert str(error) == "the state is of an unknown age; the limit is 1e+09; retry on another replica"


def test_the_age_of_a_state_grows_while_it_is_used() -> None:
    followed = Followed(max_staleness_seconds=10)
    age = followed.freshness.age()

    followed.now += 4 * SECOND
    later = age.staleness()

    assert (age.at_first, later) == (1, 4 * SECOND + 1)


def test_a_state_that_becomes_too_old_while_it_is_used_is_refused() -> None:
    now = [OPENED]
    age = StateAge(SECOND, 3 * SECOND, lambda: now[0])

    now[0] += 2 * SECOND
    at_the_limit = age.staleness()
    now[0] += 1
    with pytest.raises(StaleStateError) as caught:
        age.staleness()

    assert at_the_limit == 3 * SECOND
    assert str(caught.value) == "the state may be 3 seconds stale; the limit is 3; retry on another replica"
    assert (caught.value.age_seconds, caught.value.limit_seconds) == (3.000_001, 3)


def test_the_token_is_that_of_the_last_checkpoint() -> None:
    assert Followed().freshness.token() == "token-5"


async def test_a_token_of_the_watch_is_reached_and_nothing_else_can_be_judged_here() -> None:
    freshness, refused = Followed().freshness, list[tuple[str, bool]]()

    await freshness.reach(AtLeastAsFresh("token-5"))
    for requirement in (AtLeastAsFresh("token-6"), FullyConsistent()):
        with pytest.raises(UpstreamOnlyError) as caught:
            await freshness.reach(requirement)
        refused.append((str(caught.value), caught.value.freshness))

    begin = "only the server that this agent follows can answer this: "
    assert refused == [
        (f"{begin}the consistency token is not known here", True),
        (f"{begin}`fully_consistent` is required", True),
    ]
