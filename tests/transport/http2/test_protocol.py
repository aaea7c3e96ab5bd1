"""Frames that RFC 9113 forbids or allows, by its sections: what the connection answers, and where libnghttp2 differs.

Each case ends with a ping. Its acknowledgement shows that the connection lives on.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rolecall.transport.http2.options import ConnectionOptions
from tests.transport.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    fields,
    frame,
    headers,
    message,
)
from tests.transport.http2.conversation import GOAWAY, WINDOW_UPDATE, Conversation, conversation

PRIORITY, PUSH_PROMISE, CONTINUATION, UNKNOWN = 0x2, 0x5, 0x9, 0x4F
PROTOCOL, FLOW_CONTROL, STREAM_CLOSED, FRAME_SIZE, CANCEL, COMPRESSION = 0x1, 0x3, 0x5, 0x6, 0x8, 0x9
PADDED = 0x8
PATH = b"/t/Unary"


@dataclass(frozen=True)
class Case:
    """Frames, and the codes of the errors that may follow: of the connection, of stream 1, or neither. `reason` explains a difference."""

    name: str
    sent: bytes
    connection: tuple[int, ...] = ()
    stream: tuple[int, ...] = ()
    reason: str = ""


def setting(name: int, value: int) -> bytes:
    return frame(SETTINGS, 0, 0, name.to_bytes(2, "big") + value.to_bytes(4, "big"))


def window(stream: int, by: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, by.to_bytes(4, "big"))


def raw(stream: int, *more: tuple[bytes, bytes], end: bool = True) -> bytes:
    """Return headers of exactly these fields."""
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, fields(more))


OPEN = headers(1, PATH)
DONE = OPEN + message(1, b"x")
RESET = frame(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big"))
PSEUDO = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", PATH), (b":authority", b"x")]

CASES = [
    # 4. frames
    Case("4.1 a frame of an unknown kind is ignored", frame(UNKNOWN, 0, 0, b"12345678") + DONE),
    Case("4.1 unknown flags are ignored", frame(PING, 0x16, 0, b"12345678")),
    Case("4.2 a frame beyond the announced size", OPEN + frame(DATA, 0, 1, bytes(16_385)), connection=(FRAME_SIZE,)),
    Case("4.2 a frame of the largest size", OPEN + frame(DATA, 0, 1, b"\0\0\0\x40\0" + bytes(16_379))),
    Case("4.3 a header block that cannot be decoded", frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"), connection=(COMPRESSION,)),
    Case("4.3 a size of the table beyond the limit", frame(HEADERS, 5, 1, b"\x3f\xff\xff\x7f"), connection=(COMPRESSION,)),
    Case("4.3 a header block that another frame interrupts", frame(HEADERS, 0, 1, b"") + frame(PING, 0, 0, bytes(8)), connection=(PROTOCOL,)),
    # 5. streams
    Case("5.1 data on an idle stream", frame(DATA, 0, 1, b"x"), connection=(PROTOCOL,)),
    Case("5.1 a reset of an idle stream", RESET, connection=(PROTOCOL,)),
    Case("5.1 a window of an idle stream", window(1, 9), connection=(PROTOCOL,)),
    Case("5.1 a continuation on an idle stream", frame(CONTINUATION, END_HEADERS, 1, b""), connection=(PROTOCOL,)),
    Case("5.1 data after the end", headers(1, b"/t/Wait", end=True) + frame(DATA, 0, 1, b"x"), connection=(STREAM_CLOSED,), stream=(STREAM_CLOSED,)),
    Case("5.1 headers after the end", headers(1, b"/t/Wait", end=True) + headers(1, PATH), connection=(STREAM_CLOSED,), stream=(STREAM_CLOSED,)),
    Case(
        "5.1 data after a reset", OPEN + RESET + frame(DATA, 0, 1, b"x"),
        reason="libnghttp2 ignores frames of a stream that has just been reset, which may have crossed with the reset",
    ),
    Case("5.1 headers after a reset", OPEN + RESET + headers(1, PATH), reason="libnghttp2 ignores them, too, and no call begins"),
    Case("5.1 a priority of an idle stream is allowed", frame(PRIORITY, 0, 9, bytes(4) + b"\1") + DONE),
    Case("5.1 a window after the end is allowed", DONE + window(1, 9)),
    Case("5.1.1 an even stream", headers(2, PATH), connection=(PROTOCOL,)),
    Case("5.1.1 a lower stream", headers(5, PATH) + headers(3, PATH), reason="libnghttp2 takes it for a closed stream, and ignores it"),
    Case(
        "5.3.1 a stream that depends on itself", frame(PRIORITY, 0, 1, (1).to_bytes(4, "big") + b"\1"),
        reason="priorities are deprecated, and libnghttp2 does not read them",
    ),
    # 6. kinds of frames
    Case("6.1 data on stream 0", frame(DATA, 0, 0, b"x"), connection=(PROTOCOL,)),
    Case("6.1 padding longer than the frame", OPEN + frame(DATA, PADDED, 1, b"\x09x"), connection=(PROTOCOL,)),
    Case("6.2 headers on stream 0", headers(0, PATH), connection=(PROTOCOL,)),
    Case("6.2 headers with too long padding", frame(HEADERS, PADDED | 5, 1, b"\x09x"), connection=(PROTOCOL,)),
    Case(
        "6.3 a priority of stream 0", frame(PRIORITY, 0, 0, bytes(4) + b"\1"),
        reason="priorities are deprecated, and libnghttp2 does not read them",
    ),
    Case("6.4 a reset of stream 0", frame(RST_STREAM, 0, 0, bytes(4)), connection=(PROTOCOL,)),
    Case("6.4 a reset of another size", OPEN + frame(RST_STREAM, 0, 1, bytes(3)), connection=(FRAME_SIZE,)),
    Case("6.5 an acknowledgement with settings", frame(SETTINGS, 1, 0, bytes(6)), connection=(FRAME_SIZE,)),
    Case("6.5 settings of a stream", frame(SETTINGS, 0, 1, b""), connection=(PROTOCOL,)),
    Case("6.5 settings of another size", frame(SETTINGS, 0, 0, bytes(3)), connection=(FRAME_SIZE,)),
    Case("6.5.2 push that is neither on nor off", setting(2, 2), connection=(PROTOCOL,)),
    Case("6.5.2 a window beyond 2^31 - 1", setting(4, 2**31), connection=(FLOW_CONTROL,)),
    Case("6.5.2 frames below 16,384 bytes", setting(5, 16_383), connection=(PROTOCOL,)),
    Case("6.5.2 frames beyond 2^24 - 1 bytes", setting(5, 2**24), connection=(PROTOCOL,)),
    Case("6.5.2 an unknown setting is ignored", setting(0xFF, 1) + DONE),
    Case("6.6 a promise of a client", OPEN + frame(PUSH_PROMISE, 4, 1, (2).to_bytes(4, "big")), connection=(PROTOCOL,)),
    Case("6.7 a ping of a stream", frame(PING, 0, 1, bytes(8)), connection=(PROTOCOL,)),
    Case("6.7 a ping of another size", frame(PING, 0, 0, bytes(6)), connection=(FRAME_SIZE,)),
    Case("6.7 an acknowledgement that nobody waits for is ignored", frame(PING, 1, 0, bytes(8)) + DONE),
    Case("6.8 a goaway of a stream", frame(GOAWAY, 0, 1, bytes(8)), connection=(PROTOCOL,)),
    Case("6.9 a window that opens by nothing", window(0, 0), connection=(PROTOCOL,)),
    Case("6.9 a window of a stream that opens by nothing", headers(1, b"/t/Wait") + window(1, 0), connection=(PROTOCOL,), stream=(PROTOCOL,)),
    Case("6.9 a window of another size", frame(WINDOW_UPDATE, 0, 0, bytes(3)), connection=(FRAME_SIZE,)),
    Case("6.9.1 the window of the connection beyond 2^31 - 1", window(0, 2**31 - 1) * 2, connection=(FLOW_CONTROL,)),
    Case("6.9.1 the window of a stream beyond 2^31 - 1", headers(1, b"/t/Wait") + window(1, 2**31 - 1) * 2, stream=(FLOW_CONTROL,), connection=(FLOW_CONTROL,)),
    Case("6.9.2 windows of streams beyond 2^31 - 1", headers(1, b"/t/Wait") + window(1, 2**31 - 1) + setting(4, 65_536), connection=(FLOW_CONTROL,), stream=(FLOW_CONTROL,)),
    Case("6.10 a continuation after the end of headers", OPEN + frame(CONTINUATION, 4, 1, b""), connection=(PROTOCOL,)),
    Case("6.10 a continuation of another stream", frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 4, 3, b""), connection=(PROTOCOL,)),
    Case("6.10 headers in several frames", frame(HEADERS, 1, 1, fields(PSEUDO)) + frame(CONTINUATION, 0, 1, b"") + frame(CONTINUATION, 4, 1, fields([(b"te", b"trailers")]))),
    # 8. HTTP
    Case("8.1 a second header list without an end", OPEN + raw(1, (b"x", b"1"), end=False), stream=(PROTOCOL,), connection=(PROTOCOL,)),
    Case("8.2 a name in upper case", raw(1, *PSEUDO, (b"X-Test", b"1")), stream=(PROTOCOL,)),
    Case("8.2.2 a header of one connection", raw(1, *PSEUDO, (b"connection", b"keep-alive")), stream=(PROTOCOL,)),
    Case("8.2.2 te other than trailers", raw(1, *PSEUDO, (b"te", b"trailers, deflate")), stream=(PROTOCOL,)),
    Case("8.3 an unknown pseudo-header", raw(1, *PSEUDO, (b":test", b"1")), stream=(PROTOCOL,)),
    Case("8.3 a pseudo-header of responses", raw(1, *PSEUDO, (b":status", b"200")), stream=(PROTOCOL,)),
    Case("8.3 a pseudo-header among trailers", OPEN + raw(1, (b":method", b"POST")), stream=(PROTOCOL,)),
    Case("8.3 a pseudo-header after another header", raw(1, *PSEUDO[:3], (b"x", b"1"), PSEUDO[3]), stream=(PROTOCOL,)),
    Case("8.3.1 an empty path", raw(1, *PSEUDO[:2], (b":path", b"")), stream=(PROTOCOL,)),
    Case("8.3.1 no method", raw(1, *PSEUDO[1:]), stream=(PROTOCOL,)),
    Case("8.3.1 no scheme", raw(1, PSEUDO[0], *PSEUDO[2:]), stream=(PROTOCOL,)),
    Case("8.3.1 no path", raw(1, *PSEUDO[:2]), stream=(PROTOCOL,)),
    Case("8.3.1 two methods", raw(1, PSEUDO[0], *PSEUDO), stream=(PROTOCOL,)),
    Case("8.1.1 a content length that is not that of the data", headers(1, b"/t/Wait", [(b"content-length", b"1")]) + message(1, b"x"), stream=(PROTOCOL,)),
]  # fmt: skip


def codes(talk: Conversation) -> tuple[set[int], set[int]]:
    """Return the codes of the errors of the connection, and of stream 1."""
    of_connection = {int.from_bytes(payload[4:8], "big") for _, _, payload in talk.client.kinds(GOAWAY)}
    of_stream = {int.from_bytes(payload, "big") for _, stream, payload in talk.client.kinds(RST_STREAM) if stream == 1}
    return of_connection - {0}, of_stream - {0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_the_protocol_forbids_is_an_error_and_what_it_allows_is_none(case: Case) -> None:
    async with conversation(ConnectionOptions(ping_strikes=10)) as talk:
        await talk.client.send(case.sent, frame(PING, 0, 0, b"the end."))
        await talk.client.until_closed_or(lambda: (1, 0, b"the end.") in talk.client.kinds(PING))
        of_connection, of_stream = codes(talk)

        if case.connection or case.stream:
            assert of_connection | of_stream
            assert of_connection <= set(case.connection)
            assert of_stream <= set(case.stream)
        else:
            assert not of_connection | of_stream
            assert not talk.client.closed


@pytest.mark.parametrize(
    "again",
    [OPEN + RESET + headers(1, PATH), headers(5, PATH) + headers(3, PATH), DONE + headers(1, PATH)],
    ids=["reset", "lower", "answered"],
)
async def test_headers_of_a_closed_stream_begin_no_call(again: bytes) -> None:
    async with conversation(ConnectionOptions()) as talk:
        await talk.client.send(again, frame(PING, 0, 0, b"the end."))
        await talk.client.until_closed_or(lambda: (1, 0, b"the end.") in talk.client.kinds(PING))

        # The first headers may: whether a reset overtakes the task of the call depends on how the bytes arrive.
        assert len(talk.behaviour.contexts) <= 1


@pytest.mark.parametrize("late", [frame(DATA, 0, 1, b"x"), headers(1, PATH)], ids=["data", "headers"])
async def test_a_frame_of_a_stream_that_both_sides_have_ended_is_ignored(late: bytes) -> None:
    async with conversation(ConnectionOptions()) as talk:
        await talk.client.send(headers(1, PATH, method=b"GET", end=True))
        await talk.client.until(lambda: any(stream == 1 for _, stream, _ in talk.client.kinds(DATA)))

        await talk.client.send(late, frame(PING, 0, 0, b"the end."))
        await talk.client.until_closed_or(lambda: (1, 0, b"the end.") in talk.client.kinds(PING))

        assert codes(talk) == (set(), set())
        assert not talk.behaviour.contexts
        assert not talk.client.closed


@pytest.mark.parametrize(
    "preface", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + bytes(9)]
)
async def test_what_is_not_http2_is_closed(preface: bytes) -> None:
    async with conversation(ConnectionOptions(), preface=preface) as talk:
        await talk.client.until_closed()

        assert not talk.behaviour.contexts
