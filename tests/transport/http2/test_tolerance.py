from __future__ import annotations

from rolecall.transport.http2.tolerance import Tolerance


def test_a_burst_is_tolerated_and_then_so_many_a_second() -> None:
    tolerance = Tolerance(3, 2.0)

    burst = [tolerance.exceeded(0.0) for _ in range(4)]
    later = [tolerance.exceeded(1.0) for _ in range(3)]

    assert burst == [False, False, False, True]
    assert later == [False, True, True]  # two are forgotten, and the third of these is one more than before


def test_what_is_long_ago_is_forgotten_and_not_saved_up() -> None:
    tolerance = Tolerance(3, 2.0)
    tolerance.exceeded(0.0)

    assert [tolerance.exceeded(1_000.0) for _ in range(4)] == [False, False, False, True]
