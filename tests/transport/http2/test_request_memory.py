"""Bounds of what clients have sent and no method has read, for calls and connections that only count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts
from rolecall.transport.http2.request_memory import RequestMemory, RequestMemoryLimits, is_early

LIMITS = RequestMemoryLimits(message_bytes=10, header_bytes=100, partial_frames=2, early_calls=2)


@dataclass(eq=False)
class FakeCall:
    """A call; `events` has what was done to it."""

    events: list[str] = field(default_factory=list)
    incoming: object = None
    over: bool = False
    header_bytes: int = 40

    def refuse(self) -> None:
        self.events.append("refused")
        self.over = True


@dataclass(eq=False)
class FakeConnection:
    closed: list[ConnectionClosure] = field(default_factory=list)

    def cut(self, reason: ConnectionClosure) -> None:
        self.closed.append(reason)


def start(call: Any) -> None:
    call.events.append("started")
    call.incoming = object()


@pytest.fixture
def memory() -> RequestMemory:
    def refuse(call: Any) -> None:
        call.events.append(f"ended at {made.message_bytes}")

    made = RequestMemory(LIMITS, ConnectionCounts(set()), refuse=refuse, start=start)
    return made


def calls(count: int) -> Any:
    return [FakeCall() for _ in range(count)]


def test_the_call_that_has_had_messages_for_longest_is_ended_when_all_have_too_many(memory: RequestMemory) -> None:
    first, second, third = calls(3)
    for call, size in ((first, 3), (second, 3), (first, 4), (third, 3)):
        memory.hold(call, size)
    assert (memory.message_bytes, first.events) == (10, [])

    memory.hold(third, 4)

    assert (first.events, second.events, third.events) == (["ended at 7"], [], [])
    assert (memory.message_bytes, memory.counts.memory_ended) == (7, 1)


def test_a_call_that_has_read_its_messages_loses_its_place(memory: RequestMemory) -> None:
    first, second = calls(2)
    for call, size in ((first, 5), (second, 5), (first, 0), (first, 5)):
        memory.hold(call, size)

    memory.hold(first, 6)

    assert (first.events, second.events, memory.message_bytes) == ([], ["ended at 6"], 6)


def test_as_many_calls_are_ended_as_it_takes(memory: RequestMemory) -> None:
    first, second, third = calls(3)
    memory.hold(first, 4)
    memory.hold(second, 4)

    memory.hold(third, 10)

    assert [call.events for call in (first, second, third)] == [["ended at 10"], ["ended at 10"], []]
    assert memory.counts.memory_ended == 2


def test_headers_are_counted_from_the_beginning_of_a_call_to_its_end(memory: RequestMemory) -> None:
    first, second = calls(2)
    memory.begin(first)
    memory.begin(second)
    memory.hold(first, 5)
    full = [memory.accepts_headers(size) for size in (20, 21)]

    memory.release(first)

    assert full == [True, False]
    assert [memory.accepts_headers(size) for size in (60, 61)] == [True, False]
    assert (memory.header_bytes, memory.message_bytes) == (40, 0)


def test_a_call_that_never_had_a_message_takes_the_memory_of_its_headers_alone(memory: RequestMemory) -> None:
    (call,) = calls(1)
    memory.begin(call)
    memory.hold(call, 0)
    begun = (memory.header_bytes, memory.message_bytes)

    memory.release(call)

    assert (begun, memory.header_bytes, memory.message_bytes, call.events) == ((40, 0), 0, 0, [])


def test_beyond_the_bound_the_first_call_without_a_message_is_refused(memory: RequestMemory) -> None:
    first, second, third = calls(3)

    for call in (first, second, third):
        memory.wait(call)

    assert [call.events for call in (first, second, third)] == [["refused"], [], []]
    assert memory.counts.memory_ended == 1


@pytest.mark.parametrize("change", [start, lambda call: setattr(call, "over", True)])
def test_a_call_that_has_its_message_meanwhile_is_neither_refused_nor_started(
    memory: RequestMemory, change: Callable[[Any], None]
) -> None:
    first, second, third, fourth = calls(4)
    for call in (first, second):
        memory.wait(call)
        change(call)
    before = list(first.events)
    memory.wait(third)
    memory.tick()
    memory.wait(fourth)
    change(fourth)
    after = list(fourth.events)
    memory.stop()

    assert (first.events, second.events, fourth.events) == (before, before, after)
    assert third.events == ["started"]
    assert memory.counts.memory_ended == 0


def test_sixteen_calls_without_a_message_are_started_in_a_turn_in_the_order_of_their_arrival() -> None:
    memory = RequestMemory(RequestMemoryLimits(), ConnectionCounts(set()), refuse=lambda _: None, start=start)
    waiting = calls(40)
    for call in waiting:
        memory.wait(call)

    started = []
    for _ in range(4):
        memory.tick()
        started.append([call.events == ["started"] for call in waiting].count(True))

    assert started == [16, 32, 40, 40]
    assert all(call.events == ["started"] for call in waiting)


def test_a_server_that_stops_refuses_the_calls_without_a_message_and_those_that_come_later(
    memory: RequestMemory,
) -> None:
    first, late = calls(2)
    memory.wait(first)
    memory.stop()
    memory.wait(late)
    memory.tick()

    assert (first.events, late.events, memory.counts.memory_ended) == (["refused"], ["refused"], 2)


def test_the_connection_that_has_waited_longest_with_part_of_a_frame_is_closed(memory: RequestMemory) -> None:
    first, second, third, fourth = connections = [FakeConnection() for _ in range(4)]
    for connection in (first, second, first):
        memory.expect_rest(connection)  # type: ignore[arg-type]
    memory.complete(first)  # type: ignore[arg-type]
    memory.complete(fourth)  # type: ignore[arg-type]

    memory.expect_rest(third)  # type: ignore[arg-type]
    memory.expect_rest(fourth)  # type: ignore[arg-type]
    memory.expect_rest(first)  # type: ignore[arg-type]

    partial = [ConnectionClosure.PARTIAL_FRAME]
    assert [connection.closed for connection in connections] == [[], partial, partial, []]


@pytest.mark.parametrize(("incoming", "over", "early"), [(None, False, True), (1, False, False), (None, True, False)])
def test_a_call_is_early_until_it_has_a_task_or_is_over(incoming: object, over: bool, early: bool) -> None:
    call: Any = FakeCall(incoming=incoming, over=over)

    assert is_early(call) is early
