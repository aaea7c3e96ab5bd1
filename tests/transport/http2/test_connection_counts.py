"""Every connection that the server closes because of a limit is counted once, by the reason; others are not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.request_memory import RequestMemoryLimits
from tests.server.serving import until
from tests.transport.frames import PING, PREFACE, SETTINGS, frame, headers, message, setting
from tests.transport.http2.conversation import GOAWAY, WINDOW_UPDATE, Conversation, conversation

OPTIONS = ConnectionOptions()
PATH = b"/t/Unary"
NO_WINDOW = PREFACE + frame(SETTINGS, 0, 0, setting(4, 0))


async def sweep(talk: Conversation, later: float) -> None:
    """Keep the time limits of the only connection as if so many seconds had passed."""
    await until(lambda: talk.server.connections)
    for connection in list(talk.server.connections):
        connection.tick(connection._loop.time() + later)


async def break_the_protocol(talk: Conversation) -> None:
    await talk.client.send(frame(WINDOW_UPDATE, 0, 0, bytes(4)))


async def send_pings(talk: Conversation) -> None:
    await talk.client.send(*[frame(PING, 0, 0, bytes(8))] * (OPTIONS.ping_strikes + 2))


async def send_no_settings(talk: Conversation) -> None:
    await sweep(talk, OPTIONS.handshake + 1)


async def be_silent(talk: Conversation) -> None:
    await until(lambda: any(one.keepalive.established for one in talk.server.connections))
    await sweep(talk, OPTIONS.keepalive + 1)
    await sweep(talk, OPTIONS.keepalive + OPTIONS.keepalive_timeout + 2)


async def accept_nothing(talk: Conversation) -> None:
    await talk.client.send(headers(1, PATH), message(1, b"x"))
    await until(lambda: any(one.queued_bytes > 0 for one in talk.server.connections))
    talk.server.options = replace(OPTIONS, max_all_queued_bytes=0)
    talk.server.tick()


async def send_a_part_of_a_frame(talk: Conversation) -> None:
    await until(lambda: any(one.keepalive.established for one in talk.server.connections))
    talk.server.memory.limits = RequestMemoryLimits(partial_frames=0)
    await talk.client.send(headers(1, PATH)[:20])


async def send_large_headers(talk: Conversation) -> None:
    burst, _ = OPTIONS.refused_headers
    large = [(b"a", b"b")] * (OPTIONS.session.header_bytes // 32)  # of which each counts 34 bytes
    await talk.client.send(*(headers(stream, PATH, large) for stream in range(1, 4 * burst, 2)))


async def grow_old(talk: Conversation) -> None:
    await until(lambda: talk.server.connections)
    for connection in talk.server.connections:
        connection.options = replace(OPTIONS, age_grace=0)
    await talk.client.send(headers(1, b"/t/Wait"))
    await until(lambda: any(one.calls for one in talk.server.connections))
    await sweep(talk, OPTIONS.age * 1.2)


@pytest.mark.parametrize(
    ("reason", "cause", "preface"),
    [
        (ConnectionClosure.HEADERS, send_large_headers, None),
        (ConnectionClosure.PROTOCOL, break_the_protocol, None),
        (ConnectionClosure.PINGS, send_pings, None),
        (ConnectionClosure.SETUP, send_no_settings, b"PRI * HTTP"),
        (ConnectionClosure.SILENCE, be_silent, None),
        (ConnectionClosure.UNACCEPTED_ANSWERS, accept_nothing, NO_WINDOW),
        (ConnectionClosure.PARTIAL_FRAME, send_a_part_of_a_frame, None),
        (ConnectionClosure.AGE, grow_old, None),
    ],
)
async def test_a_closed_connection_is_counted_once_by_its_reason(
    reason: ConnectionClosure, cause: Callable[[Conversation], Awaitable[None]], preface: bytes | None
) -> None:
    async with conversation(OPTIONS, **({"preface": preface} if preface else {})) as talk:
        await cause(talk)
        await talk.client.until_closed()
        await until(lambda: not talk.server.connections)

        counted = {name: count for name, count in talk.server.connection_counts.closed.items() if count}
        assert counted == {reason: 1}
        assert talk.server.connection_counts.open == 0


@pytest.mark.parametrize("last", [b"", frame(GOAWAY, 0, 0, bytes(8))], ids=["without", "with"])
async def test_a_client_that_leaves_is_not_counted(last: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, PATH), message(1, b"x"))
        await talk.client.answer(1)
        await talk.client.send(last)
        if not last:
            talk.client.close()
        await until(lambda: not talk.server.connections)

        assert not any(talk.server.connection_counts.closed.values())


async def test_a_server_that_stops_counts_no_connection() -> None:
    async with conversation(OPTIONS) as talk:
        await until(lambda: talk.server.connections)
        await talk.server.stop(0)

        assert not any(talk.server.connection_counts.closed.values())
