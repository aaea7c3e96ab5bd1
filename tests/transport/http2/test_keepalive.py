"""When a connection is pinged, has pinged too often, and is old; all times are arguments."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from rolecall.transport.http2.keepalive import Due, Keepalive
from rolecall.transport.http2.options import ConnectionOptions

OPTIONS = ConnectionOptions(
    handshake=10, age=1_000, keepalive=60, keepalive_timeout=20, ping_interval=30, ping_strikes=2
)


def keepalive(now: float = 0.0, options: ConnectionOptions = OPTIONS, *, established: bool = True) -> Keepalive:
    made = Keepalive(options, now)
    made.established = established
    return made


def test_a_connection_without_a_preface_is_closed_although_bytes_arrive() -> None:
    slow = keepalive(5.0, established=False)
    slow.received(14.0)

    assert slow.due(14.9) is Due.NOTHING
    assert slow.due(15.0) is Due.CLOSE


def test_a_silent_connection_is_pinged_once_and_closed_without_an_acknowledgement() -> None:
    silent = keepalive()

    assert silent.due(59.9) is Due.NOTHING
    assert silent.due(60.0) is Due.PING
    assert silent.due(79.9) is Due.NOTHING
    assert silent.due(80.0) is Due.CLOSE


def test_data_is_an_acknowledgement() -> None:
    active = keepalive()
    active.received(50.0)
    assert active.due(109.9) is Due.NOTHING
    assert active.due(110.0) is Due.PING

    active.received(129.0)

    assert active.due(131.0) is Due.NOTHING
    assert active.due(189.0) is Due.PING


def test_an_old_connection_is_shut_down_once() -> None:
    old = keepalive(options=replace(OPTIONS, keepalive=1e9))

    assert old.due(899.0) is Due.NOTHING
    assert old.due(1_101.0) is Due.SHUTDOWN
    assert old.due(5_000.0) is Due.NOTHING


def test_a_connection_is_old_at_its_age_give_or_take_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    for share in (0.9, 1.0, 1.1):

        def uniform(least: float, most: float, share: float = share) -> float:
            assert (least, most) == (0.9, 1.1)
            return share

        monkeypatch.setattr(random, "uniform", uniform)
        old = keepalive(50.0, options=replace(OPTIONS, keepalive=1e9))

        assert old.due(50.0 + 1_000 * share - 0.1) is Due.NOTHING
        assert old.due(50.0 + 1_000 * share) is Due.SHUTDOWN


def test_connections_of_one_moment_do_not_end_at_one_moment() -> None:
    options = replace(OPTIONS, keepalive=1e9)
    connections = [keepalive(options=options) for _ in range(200)]

    ended = [sum(one.due(now) is Due.SHUTDOWN for one in connections) for now in (950.0, 1_000.0, 1_050.0, 1_100.0)]

    assert min(ended) > 10
    assert sum(ended) == 200


@pytest.mark.parametrize(("gap", "refused"), [(30.0, False), (29.9, True)])
def test_pings_that_come_too_soon_are_counted(gap: float, refused: bool) -> None:
    pinged = keepalive()
    answers = [pinged.too_many_pings(number * gap, 0) for number in range(4)]

    assert answers == [False, False, False, refused]


def test_an_answer_clears_the_count_of_pings() -> None:
    pinged = keepalive()
    for now in (0.0, 1.0, 2.0):
        assert not pinged.too_many_pings(now, 0)

    pinged.answered()

    assert [pinged.too_many_pings(now, 0) for now in (3.0, 4.0, 5.0, 6.0)] == [False, False, False, True]


def test_parts_of_an_answer_that_have_left_clear_the_count_of_pings() -> None:
    pinged = keepalive()

    assert not any(pinged.too_many_pings(float(number), queued) for number, queued in enumerate([9, 8, 7, 6, 5, 4]))
    assert [pinged.too_many_pings(6.0 + number, 4) for number in range(3)] == [False, False, True]
