"""What a connection does with each thing that it has received."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2.receiving import begin_call, receive_data
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

if TYPE_CHECKING:
    from rolecall.transport.http2.connection import Http2Connection


def handle(connection: Http2Connection, event: Any) -> None:
    """Handle an event; raise `SessionError` if its stream is closed."""
    kind = type(event)
    if kind is DataReceived:
        call = connection.calls.get(event.stream_id)
        if call is None:
            connection.session.consumed(len(event.data), event.stream_id)
        else:
            receive_data(connection, call, event.data, end=event.end_stream)
    elif kind is RequestReceived:
        begin_call(connection, event.stream_id, event.headers, end=event.end_stream)
    elif kind is StreamClosed or kind is StreamReset:
        connection.forget(event)
    elif kind is TrailersReceived:
        if call := connection.calls.get(event.stream_id):
            receive_data(connection, call, b"", end=True)
    else:
        _handle_for_connection(connection, event)


def _handle_for_connection(connection: Http2Connection, event: Any) -> None:
    """Handle what concerns no stream."""
    if isinstance(event, PingReceived):
        _take_ping(connection)
    elif isinstance(event, PingAcknowledged):
        connection.ending.acknowledged(event.opaque_data)
    else:
        connection.keepalive.established = True
        connection.ending.client_leaves |= isinstance(event, GoAwayReceived)


def _take_ping(connection: Http2Connection) -> None:
    now = asyncio.get_running_loop().time()
    if connection.keepalive.too_many_pings(now, connection.session.queued()):
        connection.ending.calm(ConnectionClosure.PINGS, b"too_many_pings")
