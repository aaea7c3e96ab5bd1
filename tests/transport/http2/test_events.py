"""What a connection does with each kind of event, with and without a call on its stream."""

from __future__ import annotations

from typing import Any

import pytest
from ngh2.events import SettingsAcknowledged

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2 import events
from rolecall.transport.http2.session import (
    DataReceived,
    GoAwayReceived,
    PingAcknowledged,
    PingReceived,
    RequestReceived,
    StreamClosed,
    StreamReset,
    TrailersReceived,
)

HEADERS = ((b":method", b"POST"),)


class Connection:
    """A connection that writes down what is done with it, and is the parts of itself. It has a call on stream 1."""

    def __init__(self) -> None:
        self.calls = {1: "the call"}
        self.done = list[tuple[object, ...]]()
        self.established = self.client_leaves = self.too_many = False

    @property
    def session(self) -> Any:
        return self

    keepalive = ending = session

    def consumed(self, size: int, stream: int) -> None:
        self.done.append(("consumed", size, stream))

    def forget(self, event: Any) -> None:
        self.done.append(("forget", event.stream_id))

    def acknowledged(self, payload: bytes) -> None:
        self.done.append(("acknowledged", payload))

    def queued(self) -> int:
        return 5

    def too_many_pings(self, now: float, queued: int) -> bool:
        assert now > 0
        self.done.append(("ping", queued))
        return self.too_many

    def calm(self, reason: ConnectionClosure, text: bytes) -> None:
        self.done.append(("calm", reason, text))


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    made = Connection()

    def begin(_: object, stream: int, headers: object, *, end: bool) -> None:
        made.done.append(("begin", stream, headers, end))

    def receive(_: object, call: object, data: bytes, *, end: bool) -> None:
        made.done.append(("data", call, data, end))

    monkeypatch.setattr(events, "begin_call", begin)
    monkeypatch.setattr(events, "receive_data", receive)
    return made


@pytest.mark.parametrize(
    ("event", "done"),
    [
        (RequestReceived(3, HEADERS, True), [("begin", 3, HEADERS, True)]),
        (RequestReceived(3, HEADERS, False), [("begin", 3, HEADERS, False)]),
        (DataReceived(1, b"abc", False), [("data", "the call", b"abc", False)]),
        (DataReceived(1, b"abc", True), [("data", "the call", b"abc", True)]),
        # It counts against the window of the connection, although no call is there to read it.
        (DataReceived(3, b"abc", True), [("consumed", 3, 3)]),
        (TrailersReceived(1, HEADERS), [("data", "the call", b"", True)]),
        (TrailersReceived(3, HEADERS), []),
        (StreamClosed(1, 0, None), [("forget", 1)]),
        (StreamReset(1, 8), [("forget", 1)]),
        (PingAcknowledged(b"12345678"), [("acknowledged", b"12345678")]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_reaches_its_call_or_its_connection(
    connection: Connection, event: object, done: list[tuple[object, ...]]
) -> None:
    events.handle(connection, event)  # type: ignore[arg-type]

    assert connection.done == done
    assert (connection.established, connection.client_leaves) == (False, False)


@pytest.mark.parametrize(("event", "leaves"), [(SettingsAcknowledged(), False), (GoAwayReceived(0, 0, b""), True)])
def test_what_is_left_establishes_a_connection_and_a_goaway_says_that_its_client_leaves(
    connection: Connection, event: object, leaves: bool
) -> None:
    events.handle(connection, event)  # type: ignore[arg-type]
    events.handle(connection, SettingsAcknowledged())  # type: ignore[arg-type]

    assert (connection.established, connection.client_leaves, connection.done) == (True, leaves, [])


@pytest.mark.parametrize("too_many", [False, True])
async def test_a_ping_is_counted_with_what_is_queued_and_one_too_many_ends_the_connection(
    connection: Connection, too_many: bool
) -> None:
    connection.too_many = too_many

    events.handle(connection, PingReceived(b"12345678"))  # type: ignore[arg-type]

    assert connection.done == [("ping", 5), *[("calm", ConnectionClosure.PINGS, b"too_many_pings")] * too_many]
