"""The shares of callers and connections, as laws of the limit itself, over any order of calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from rolecall.transport.errors import TooManyCallsError
from rolecall.transport.rpc.call_origin import CallOrigin
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.shares import Shares


class Context:
    """A call as far as its caller goes. It counts how often it is asked for its connection."""

    def __init__(self, name: str | None, connection: str) -> None:
        self.name, self.connection, self.asked = name, connection, 0

    def peer(self) -> str:
        self.asked += 1
        return self.connection


class Calls:
    """The calls in progress of a limit, begun and ended as the handlers do it."""

    def __init__(self, limit: int) -> None:
        name_of: Any = lambda context: context.name  # noqa: E731
        self.limit = ConcurrencyLimit(limit, of="streams", name_of=name_of)
        self.open: list[Any] = []
        self.contexts: list[Context] = []

    def begin(self, name: str | None, connection: str) -> bool:
        task: Any = object()
        context: Any = Context(name, connection)
        self.contexts.append(context)
        try:
            if len(self.limit.calls) >= self.limit.free:
                self.limit.admit(task, context)
        except TooManyCallsError:
            self.limit.remove_failed(task)
            return False
        self.limit.calls[task] = 0.0, context
        self.open.append(task)
        return True

    def begin_many(self, count: int, name: str | None, connection: str) -> int:
        return sum(self.begin(name, connection) for _ in range(count))

    def end(self, index: int) -> None:
        task = self.open.pop(index)
        del self.limit.calls[task]
        if self.limit.counting:
            self.limit.forget(task)

    def of(self, name: str, connection: str = "") -> int:
        contexts: list[Any] = [context for _, context in self.limit.calls.values()]
        return sum(c.name == name and (not connection or c.connection == connection) for c in contexts)

    @property
    def callers(self) -> set[str]:
        contexts: list[Any] = [context for _, context in self.limit.calls.values()]
        return {context.name for context in contexts}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abc"), st.integers(0, 2)),
        st.integers(0, 40),
    ),
    max_size=120,
)


@given(limit=st.integers(1, 12), steps=STEPS)
def test_whatever_happens_the_limits_bind_and_a_caller_below_its_share_is_admitted(
    limit: int, steps: list[Any]
) -> None:
    calls = Calls(limit)

    for step in steps:
        if isinstance(step, int):
            if calls.open:
                calls.end(step % len(calls.open))
            continue
        name, connection = step[0], f"{step[0]}{step[1]}"
        before, held = len(calls.open), calls.of(name)
        share = max(1, limit // len(calls.callers | {name}))
        first_of_connection = calls.of(name, connection) == 0
        admitted = calls.begin(name, connection)

        assert len(calls.open) <= 2 * limit
        if before < limit or (held < share and first_of_connection and before < 2 * limit):
            assert admitted
        if before >= limit + limit // 2 and held >= share:
            assert not admitted

    while calls.open:
        calls.end(0)
    assert (calls.limit.counting, len(calls.limit.shares), calls.limit.calls) == (False, 0, {})
    assert (calls.limit._counted, calls.limit._uncounted) == ({}, [])


# Calls end until fewer than half of the limit are left, then as many begin.
@example(limit=4, steps=[("a", 0), ("a", 0), ("a", 0), 0, 0, ("a", 0), ("a", 0), ("a", 0)])
@given(limit=st.integers(1, 12), steps=STEPS)
def test_the_counts_of_callers_are_those_of_the_calls_whenever_the_limit_is_reached(
    limit: int, steps: list[Any]
) -> None:
    calls = Calls(limit)

    for step in steps:
        if isinstance(step, int):
            if calls.open:
                calls.end(step % len(calls.open))
        else:
            calls.begin(step[0], f"{step[0]}{step[1]}")
        if len(calls.open) >= limit:
            held = {name: counts.total for name, counts in calls.limit.shares._held.items()}
            assert held == {name: calls.of(name) for name in calls.callers}


def test_a_lone_caller_may_have_all_and_no_more() -> None:
    calls = Calls(10)

    assert calls.begin_many(30, None, "ipv4:1") == 10
    assert calls.limit.refused == 20


def test_a_second_caller_is_admitted_up_to_its_half_beside_one_that_has_all() -> None:
    calls = Calls(10)
    calls.begin_many(10, "heavy", "1")

    assert calls.begin_many(20, "light", "2") == 5
    assert calls.begin_many(20, "heavy", "1") == 0


def test_a_second_connection_of_a_caller_that_has_all_is_admitted_and_leaves_room_for_other_callers() -> None:
    calls = Calls(10)
    calls.begin_many(10, "heavy", "1")

    assert calls.begin_many(20, "heavy", "2") == 5
    assert calls.begin_many(20, "heavy", "3") == 0
    assert calls.begin_many(20, "light", "4") == 5


def test_the_heavy_caller_gets_no_more_until_it_is_below_its_share() -> None:
    calls = Calls(4)
    calls.begin_many(4, "heavy", "1")
    calls.begin("light", "2")

    refused = [calls.begin("heavy", "1")]
    calls.end(0)
    refused.append(calls.begin("heavy", "1"))
    calls.end(0)

    assert refused == [False, False]
    assert calls.begin("heavy", "1")


def test_below_half_of_the_limit_no_caller_is_looked_at_and_then_each_once() -> None:
    calls = Calls(10)

    calls.begin_many(5, None, "1")
    before = [context.asked for context in calls.contexts]
    calls.begin_many(5, None, "1")

    assert (before, calls.limit.counting) == ([0] * 5, True)
    assert [context.asked for context in calls.contexts] == [1] * 10


def test_a_newcomer_looks_at_two_earlier_calls_and_never_at_all() -> None:
    calls = Calls(1_000)
    calls.begin_many(500, None, "1")

    calls.begin(None, "1")

    assert sum(context.asked for context in calls.contexts) == 3


def test_the_refusal_says_the_limit_and_the_share() -> None:
    calls = Calls(10)
    calls.begin_many(10, "a", "1")
    calls.begin("b", "2")
    context: Any = Context("a", "1")

    with pytest.raises(TooManyCallsError) as caught:
        calls.limit.admit(None, context)

    assert str(caught.value) == "too many concurrent streams (limit 10, this caller's share 5); retry later"
    assert (caught.value.what, caught.value.limit, caught.value.share) == ("streams", 10, 5)


def test_more_callers_than_the_limit_have_a_share_of_one() -> None:
    shares = Shares(2)
    for number in range(3):
        shares.add(CallOrigin(f"{number}", f"{number}"))

    assert shares.share(CallOrigin("new", "9")) == 1
    assert shares.admit(CallOrigin("new", "9"), 3)
    assert not shares.admit(CallOrigin("0", "0"), 3)
    assert not shares.admit(CallOrigin("new", "9"), 4)
