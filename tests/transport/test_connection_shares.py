"""The shares of one caller's connections in a limit that is reached: equal, at least one, and of the connections it has now."""

from __future__ import annotations

import pytest

from rolecall.transport.rpc.call_origin import CallOrigin
from rolecall.transport.rpc.shares import Shares


def shares(limit: int, *calls: tuple[str, int]) -> Shares:
    """Return the shares in a limit with so many calls in progress by connection, such as `a1`: the first of the caller `a`."""
    made = Shares(limit)
    for connection, count in calls:
        for _ in range(count):
            made.add(CallOrigin(connection[0], connection))
    return made


def end(made: Shares, connection: str, count: int = 1) -> None:
    for _ in range(count):
        made.remove(CallOrigin(connection[0], connection))


def admitted(made: Shares, connection: str, in_progress: int) -> bool:
    return made.admit(CallOrigin(connection[0], connection), in_progress)


@pytest.mark.parametrize(
    ("first", "second", "admits"),
    [
        # Of a caller that has all of eight, each of two connections may have four.
        (5, 3, {"a1": False, "a2": True}),
        (4, 4, {"a1": False, "a2": False}),
        (3, 1, {"a1": True, "a2": True}),
        # A third one may have two.
        (7, 1, {"a1": False, "a2": True, "a3": True}),
    ],
)
def test_the_connections_of_a_caller_have_equal_shares(first: int, second: int, admits: dict[str, bool]) -> None:
    made = shares(8, ("a1", first), ("a2", second))

    assert {name: admitted(made, name, 8) for name in admits} == admits


def test_the_first_call_of_a_connection_is_below_every_share() -> None:
    # Of seven calls each of three connections may have two.
    made = shares(7, ("a1", 3), ("a2", 2), ("a3", 2))

    assert [admitted(made, name, 7) for name in ("a1", "a2", "a3", "a4")] == [False, False, False, True]


def test_the_share_of_a_connection_is_at_least_one_and_no_more_than_one_of_many() -> None:
    made = shares(2, ("a1", 1), ("a2", 1), ("b1", 0))

    assert [admitted(made, name, 2) for name in ("a1", "a2", "a3")] == [False, False, True]


def test_calls_that_have_ended_count_no_longer_as_those_of_their_connection() -> None:
    made = shares(8, ("a1", 4), ("a2", 4))

    end(made, "a1", 2)
    before = [admitted(made, name, 8) for name in ("a1", "a2")]
    for _ in range(2):
        made.add(CallOrigin("a", "a1"))

    assert before == [True, False]
    assert [admitted(made, name, 8) for name in ("a1", "a2")] == [False, False]


def test_a_connection_without_calls_has_no_share() -> None:
    made = shares(8, ("a1", 4), ("a2", 4))

    end(made, "a2", 4)

    assert admitted(made, "a1", 8)


def test_a_caller_without_calls_has_no_share() -> None:
    made = shares(8, ("a1", 4), ("b1", 4))
    a, b = CallOrigin("a", "a1"), CallOrigin("b", "b1")
    before = made.share(a), made.share(CallOrigin("c", "c1"))

    end(made, "b1", 4)

    assert (before, made.share(a), made.share(b), len(made)) == ((4, 2), 8, 4, 1)


@pytest.mark.parametrize(
    ("in_progress", "below", "at"),
    [(8, True, True), (11, True, True), (12, True, False), (15, True, False), (16, False, False)],
)
def test_a_caller_below_its_share_has_twice_the_limit_and_one_at_its_share_half_more(
    in_progress: int, below: bool, at: bool
) -> None:
    # Of two callers each has a share of four.
    made = shares(8, ("a1", 3), ("b1", 4))

    assert (admitted(made, "a2", in_progress), admitted(made, "b2", in_progress)) == (below, at)
