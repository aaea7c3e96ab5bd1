"""How one connection waits for its client, does what is due, and ends, step by step."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2 import connection as module
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.keepalive import Due, Keepalive
from tests.transport.http2.recording import RecordingCall
from tests.transport.http2.test_acceptance import server
from tests.transport.http2.test_portions import Reading


async def test_a_client_that_reads_again_gets_what_waits_and_may_be_closed(connection: Any, done: list[Any]) -> None:
    connection.pause_writing()
    paused = connection.outgoing.paused

    connection.resume_writing()

    assert (paused, connection.outgoing.paused, done) == (True, False, ["flush", "look"])


async def test_what_a_client_has_not_accepted_waits_for_its_windows_or_in_its_socket(
    connection: Any, transport: Any
) -> None:
    transport.get_write_buffer_size = lambda: 7
    connection.session.queued = lambda: 5

    assert connection.queued_bytes == 12


@pytest.mark.parametrize(("announced", "left", "looks"), [(True, 0, True), (True, 1, False), (False, 0, False)])
async def test_a_connection_that_is_shut_down_is_looked_at_after_its_last_call(
    connection: Any, done: list[Any], announced: bool, left: int, looks: bool
) -> None:
    connection.ending.announced = announced
    waiting, running = RecordingCall(1, done), RecordingCall(3, done, object())
    connection.calls.update({1: waiting, 3: running, **{5 + n: RecordingCall(5 + n, done) for n in range(left)}})

    connection.remove(waiting)
    connection.remove(waiting)
    connection.remove(running)
    before = [*done]
    await asyncio.sleep(0)

    assert before == [("release", running)]
    assert done[1:] == ["look"] * looks
    assert len(connection.calls) == left


async def test_nothing_that_has_arrived_from_a_client_that_is_gone_is_handled(
    connection: Any, transport: Reading, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(module, "handle", lambda _, event: done.append(event))
    connection.session.receive = lambda data: done.append(len(data))
    connection.calls.update({1: RecordingCall(1, done), 3: RecordingCall(3, done)})
    connection._handle(["first", "second", "third"])
    connection.data_received(bytes(5))
    before = [*done]
    done.clear()
    transport.aborted = True

    connection.connection_lost(None)
    lost = [*done]
    done.clear()
    for _ in range(3):
        await asyncio.sleep(0)

    assert before == ["first", "flush", "look"]
    assert lost == [("complete", connection), ("cancel", 1), ("cancel", 3)]
    assert done == ["flush", "look"]
    assert (connection.server.connections, connection.server.share) == (set(), 1.0)


@pytest.mark.parametrize("ended_by_client", [True, False])
async def test_the_stream_of_a_finished_call_is_reset_if_its_client_may_still_send_to_it(
    connection: Any, done: list[Any], ended_by_client: bool
) -> None:
    call: Any = RecordingCall(7, done)
    call.ended_by_client = ended_by_client
    connection.keepalive = SimpleNamespace(answered=lambda: done.append("answered"))
    connection.outgoing.reset_when_sent = lambda stream: done.append(("reset", stream))
    connection.flush_soon = lambda: done.append("soon")

    connection.on_finished(call)

    assert done == ["answered", *[("reset", 7)] * (not ended_by_client), "soon"]


class Ending:
    """The end of a connection that writes down what is asked of it."""

    def __init__(self, done: list[Any]) -> None:
        self._done = done

    def ping(self, payload: bytes) -> None:
        self._done.append(("ping", payload))

    def shut_down(self) -> None:
        self._done.append("shut down")

    def later(self, seconds: float, action: Any) -> None:
        self._done.append(seconds)
        action()


@pytest.mark.parametrize(
    ("due", "established", "does"),
    [
        (Due.NOTHING, True, []),
        (Due.PING, True, [("ping", bytes(8))]),
        (Due.CLOSE, True, [ConnectionClosure.SILENCE]),
        (Due.CLOSE, False, [ConnectionClosure.SETUP]),
        (Due.SHUTDOWN, True, ["shut down", 7.5, ConnectionClosure.AGE]),
    ],
)
async def test_a_connection_does_what_is_due(
    due: Due, established: bool, does: list[object], done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def due_at(_: Keepalive, now: float) -> Due:
        assert now == 3.0
        return due

    made: Any = Http2Connection(server(age_grace=7.5))
    made.ending, made.cut = Ending(done), done.append
    made.keepalive.established = established
    monkeypatch.setattr(Keepalive, "due", due_at)

    made.tick(3.0)

    assert done == does


async def test_what_arrives_while_events_wait_is_read_after_them(
    connection: Any, transport: Reading, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(data: bytes) -> list[object]:
        done.append(len(data))
        return []

    monkeypatch.setattr(module, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(module, "handle", lambda _, event: done.append(event))
    connection.session.receive, connection.flush, connection.ending.look = receive, int, int
    connection._handle(["first", "second", "third"])
    connection.data_received(bytes(5))

    for _ in range(3):
        await asyncio.sleep(0)

    assert done[:4] == ["first", "second", "third", 5]
    assert transport.reading == [False, False, True]


async def test_the_end_of_a_connection_ends_its_timers_and_wakes_what_waits_for_its_client(
    connection: Any, transport: Reading, done: list[Any]
) -> None:
    connection.session.queued = lambda stream: 9
    connection.ending.later(5.0, lambda: None)
    (timer,) = connection.ending._timers
    waiting = asyncio.ensure_future(connection.accepted(1, 5))
    await asyncio.sleep(0)
    transport.aborted = True

    connection.connection_lost(None)
    await asyncio.wait([waiting], timeout=5)

    assert (timer.cancelled(), waiting.done()) == (True, True)
