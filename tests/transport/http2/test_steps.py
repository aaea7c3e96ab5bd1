"""What one connection does with what arrives, step by step, and for how long at once."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2 import connection as module
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.session import DataReceived, SessionError, StreamClosed, StreamReset
from tests.transport.frames import PING, PREFACE, SETTINGS, frame
from tests.transport.http2.recording import RecordingCall
from tests.transport.http2.test_acceptance import newcomer, server
from tests.transport.http2.test_portions import PORTION, Reading
from tests.transport.http2.test_session import frames

pytestmark = pytest.mark.usefixtures("no_time_passes")

BEGIN = PREFACE + frame(SETTINGS, 0, 0)
WHOLE = frame(PING, 0, 0, bytes(8))


async def test_the_settings_of_the_server_are_sent_before_anything_arrives() -> None:
    sent = frames(newcomer(server()).written)

    assert sent[0][:2] == (SETTINGS, 0)


async def test_a_client_that_closes_its_half_has_its_connection_closed(connection: Http2Connection) -> None:
    assert not connection.eof_received()


@pytest.mark.parametrize(("admin", "own"), [(False, False), (True, True), (True, False)])
async def test_only_the_own_user_may_use_the_admin_socket(
    admin: bool, own: bool, transport: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_own_user", lambda _: own)
    monkeypatch.setattr(module, "facts_of", lambda _: {"peer_uid": [b"7"]})
    accepted = own or not admin
    made = Http2Connection(server(), admin=admin)

    made.connection_made(transport)

    assert (transport.aborted, bool(transport.written)) == (not accepted, accepted)
    assert made.server.connections == ({made} if accepted else set())
    facts = {"transport_security_type": [b"local"]} if admin else {"peer_uid": [b"7"]}
    assert (made.auth_context, made.peer) == ((facts, "unix:") if accepted else ({}, ""))


# --- what arrives ---


async def test_only_whole_frames_are_a_sign_of_life(connection: Any) -> None:
    seen = list[bool]()

    for data in (BEGIN, WHOLE[:5], WHOLE[5:]):
        connection.keepalive.last_data = -1.0
        connection.data_received(data)
        seen.append(connection.keepalive.last_data > 0)

    assert seen == [True, False, True]


async def test_the_server_knows_from_its_first_part_to_its_end_that_a_frame_is_incomplete(
    connection: Any, done: list[Any]
) -> None:
    noted = list[list[str]]()

    for data in (BEGIN, WHOLE[:5], WHOLE[5:7], WHOLE[7:], WHOLE, WHOLE[:5]):
        connection.data_received(data)
        noted.append([step[0] for step in done if isinstance(step, tuple) and step[1] is connection])
        done.clear()

    assert noted == [[], ["expect_rest"], [], ["complete"], [], ["expect_rest"]]


async def test_events_are_handled_before_what_is_pending_is_sent_once(
    connection: Any, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    early, started, over = (RecordingCall(number, done) for number in (1, 3, 5))
    started.incoming, over.over = object(), True
    connection.outgoing.hold = lambda: done.append("hold")
    monkeypatch.setattr(module, "handle", lambda _, event: done.append(event))
    connection.begun = [early, started, over]

    connection._handle(["event"])

    assert done == ["hold", "event", ("wait", early), "flush", "look"]
    assert connection.begun == []


async def test_an_event_of_a_stream_that_is_closed_ends_its_call_and_the_next_is_handled(
    connection: Any, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle(_: object, event: object) -> None:
        done.append(event)
        if event == "first":
            raise SessionError

    connection.forget = lambda event: done.append(("forget", event))
    monkeypatch.setattr(module, "handle", handle)

    connection._handle(["first", "second"])

    assert done == ["first", ("forget", "first"), "second", "flush", "look"]


async def test_the_call_of_a_closed_stream_is_cancelled_and_its_stream_is_not_reset(
    connection: Any, done: list[Any]
) -> None:
    connection.calls.update({1: RecordingCall(1, done), 3: RecordingCall(3, done)})
    connection.outgoing.forget = lambda stream: done.append(("forget", stream))

    for stream in (1, 5):
        connection.forget(StreamReset(stream, 8))

    assert done == [("forget", 1), ("cancel", 1), ("forget", 5)]


async def test_a_client_that_breaks_the_protocol_has_its_ended_calls_cancelled_and_is_read_no_further(
    connection: Any, done: list[Any]
) -> None:
    def receive(data: bytes) -> None:
        done.append(len(data))
        raise SessionError

    closed, reset = StreamClosed(1, 0, None), StreamReset(3, 8)
    connection.session.receive = receive
    connection.session.last_events = lambda: [closed, DataReceived(5, b"x", False), reset]
    connection.forget = lambda event: done.append(("forget", event))
    connection.ending.fail = done.append

    connection.data_received(bytes(2 * PORTION))

    assert done == [PORTION, ("forget", closed), ("forget", reset), ConnectionClosure.PROTOCOL]


async def test_a_connection_has_the_limits_of_its_server() -> None:
    made = Http2Connection(server(refused_headers=(2, 0.001)))

    assert made.options is made.server.options
    assert [made.refused_headers.exceeded(0.0) for _ in range(3)] == [False, False, True]


async def test_what_a_session_reads_is_handled(
    connection: Any, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "handle", lambda _, event: done.append(event))
    connection.session.receive = lambda data: [data, len(data)]

    connection.data_received(b"abc")

    assert done == [b"abc", 3, "flush", "look"]


# --- how long the calls of a read take ---


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the time, in milliseconds, that a connection reads."""
    now = [100.0]
    monkeypatch.setattr(module, "perf_counter", lambda: now[0] / 1_000)
    return now


@pytest.mark.parametrize(("connections", "read"), [(0, 6), (1, 3), (4, 2)])
async def test_the_portions_of_a_read_have_five_milliseconds_that_connections_share(
    connection: Any, clock: list[float], connections: int, read: int
) -> None:
    sizes = list[int]()

    def receive(data: bytes) -> list[object]:
        sizes.append(len(data))
        clock[0] += 0.99
        return []

    connection.session.receive = receive
    connection.server.defer(connections)

    connection.data_received(bytes(20 * PORTION))

    assert len(sizes) == read


@pytest.mark.parametrize(("connections", "handled"), [(0, 6), (1, 3), (4, 2)])
async def test_the_events_of_a_read_have_five_milliseconds_that_connections_share(
    connection: Any, clock: list[float], connections: int, handled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = list[object]()

    def handle(_: object, event: object) -> None:
        events.append(event)
        clock[0] += 0.99

    monkeypatch.setattr(module, "handle", handle)
    connection.server.defer(connections)

    connection._handle([*range(20)])

    assert events == [*range(handled)]
