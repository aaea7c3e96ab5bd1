"""What the connection answers to frames, over a real socket."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from rolecall.transport.http2 import connection as connection_module
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.session import CANCEL, NO_ERROR, REFUSED_STREAM, SessionLimits
from tests.server.serving import until
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

PROTOCOL_ERROR = 0x1
HEAD = {
    b":status": b"200",
    b"content-type": b"application/grpc",
    b"grpc-accept-encoding": b"identity,deflate,gzip",
}
OPTIONS = ConnectionOptions(session=SessionLimits(header_bytes=2_048), max_message_bytes=200_000)


def reset(stream: int) -> bytes:
    return frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))


def part(stream: int, data: bytes, *, end: bool = False) -> bytes:
    return frame(DATA, END_STREAM if end else 0, stream, data)


def framed(data: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(data).to_bytes(4, "big") + data


def goaways(talk: Conversation) -> list[tuple[int, int, bytes]]:
    """Return the last stream, the code and the debug text of each GOAWAY."""
    found = [payload for _, _, payload in talk.client.kinds(GOAWAY)]
    return [(int.from_bytes(p[:4], "big"), int.from_bytes(p[4:8], "big"), p[8:]) for p in found]


async def echoed(talk: Conversation, stream: int, path: bytes = b"/t/Unary") -> None:
    await talk.client.send(headers(stream, path), message(stream, b"still"))
    assert (await talk.client.answer(stream)).messages == [b"still"]


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce", b"/t/Echo"])
async def test_a_message_is_answered_with_headers_a_message_and_trailers(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path), message(1, b"hello"))
        answer = await talk.client.answer(1)

        assert answer.head == HEAD
        assert (answer.messages, answer.trailers) == ([b"hello"], {b"grpc-status": b"0"})
        assert answer.reset is None


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce"])
async def test_a_message_in_several_frames_and_reads_is_one_message(path: bytes) -> None:
    whole = framed(b"in parts")
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path))
        for start in range(len(whole)):
            await talk.client.send(part(1, whole[start : start + 1]))
            await asyncio.sleep(0)
        await talk.client.send(part(1, b"", end=True))

        assert (await talk.client.answer(1)).messages == [b"in parts"]


async def test_a_method_that_declines_to_answer_at_once_loses_no_message() -> None:
    async with conversation(OPTIONS) as talk:
        talk.behaviour.at_once_answers = False
        await talk.client.send(*(headers(n, b"/t/AtOnce") + message(n, b"%d" % n) for n in range(1, 200, 2)))

        for stream in range(1, 200, 2):
            assert (await talk.client.answer(stream)).messages == [b"%d" % stream]
        assert len(talk.behaviour.contexts) == 200


async def test_only_the_first_message_of_a_unary_call_counts() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/AtOnce"), part(1, framed(b"one") + framed(b"two"), end=True))
        answer = await talk.client.answer(1)

        assert (answer.messages, answer.status) == ([b"one"], b"0")


async def test_trailers_of_the_client_end_its_messages() -> None:
    async with conversation(OPTIONS) as talk:
        end = frame(HEADERS, END_STREAM | END_HEADERS, 1, fields([(b"x-checksum", b"1")]))
        await talk.client.send(headers(1, b"/t/Echo"), part(1, framed(b"one")), end)
        answer = await talk.client.answer(1)

        assert (answer.messages, answer.status) == ([b"one"], b"0")


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce"])
async def test_a_call_without_a_message_reaches_its_method(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path, end=True))
        answer = await talk.client.answer(1)

        assert (answer.status, answer.head[b"grpc-message"]) == (b"13", b"no message")


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce"])
async def test_a_message_that_is_cut_short_is_an_error(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path), part(1, framed(b"hello")[:-1], end=True))
        answer = await talk.client.answer(1)

        assert (answer.status, answer.head[b"grpc-message"]) == (b"13", b"the stream ended within a message")


async def test_a_refusal_of_a_method_is_one_header_list_with_its_message_percent_encoded() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Refuse"), message(1, b"x"))
        answer = await talk.client.answer(1)

        assert not answer.trailers
        assert not answer.body
        assert answer.head == {
            **HEAD,
            b"grpc-status": b"5",
            b"grpc-message": b"kein Schl%C3%BCssel: 100 %25",
            b"facts-bin": b"AP8",
        }


async def test_a_path_that_is_no_text_is_an_unknown_method() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/\xff\xfe"), message(1, b"x"))

        assert (await talk.client.answer(1)).status == b"5"


@pytest.mark.parametrize(
    ("extra", "method", "status"),
    [
        ({b"content-type": b"application/json"}, b"POST", b"415"),
        ({b"content-type": b"application/grpcweb"}, b"POST", b"415"),
        ({b"te": None}, b"POST", b"400"),
        ({}, b"GET", b"405"),
    ],
)
async def test_a_request_that_is_not_grpc_gets_a_status_of_http_and_a_short_body(
    extra: dict[bytes, bytes | None], method: bytes, status: bytes
) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Unary", end=True, method=method, instead=extra))
        answer = await talk.client.answer(1)

        assert answer.head[b":status"] == status
        assert answer.head[b"content-type"] == b"text/plain"
        assert (answer.head.get(b"allow") == b"POST") is (status == b"405")
        assert 10 < len(answer.body) < 200


@pytest.mark.parametrize("kind", [b"application/grpc+proto", b"application/grpc;charset=utf-8", b"Application/gRPC"])
async def test_content_types_with_a_suffix_or_parameters_are_those_of_grpc(kind: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Unary", instead={b"content-type": kind}), message(1, b"x"))

        assert (await talk.client.answer(1)).status == b"0"


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce"])
@pytest.mark.parametrize(
    ("encoding", "packed"), [(b"gzip", gzip.compress(b"hello", mtime=0)), (b"deflate", zlib.compress(b"hello"))]
)
async def test_compressed_messages_are_unpacked(path: bytes, encoding: bytes, packed: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path, [(b"grpc-encoding", encoding)]), part(1, framed(packed, 1), end=True))

        assert (await talk.client.answer(1)).messages == [b"hello"]


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce"])
async def test_an_unknown_compression_is_refused_with_the_known_ones(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path, [(b"grpc-encoding", b"br")]), part(1, framed(b"x", 1), end=True))
        answer = await talk.client.answer(1)

        assert (answer.status, answer.head[b"grpc-accept-encoding"]) == (b"12", b"identity,deflate,gzip")


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/AtOnce", b"/t/Echo"])
async def test_a_message_beyond_the_limit_is_refused_before_it_has_arrived(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path), part(1, b"\0" + (200_001).to_bytes(4, "big")))
        answer = await talk.client.answer(1)
        await talk.client.until(lambda: answer.reset is not None)

        assert answer.status == b"8"
        assert answer.head[b"grpc-message"] == b"Received message larger than max (200001 vs. 200000)"
        assert answer.reset == NO_ERROR
        await echoed(talk, 3)


async def test_a_header_list_over_the_announced_limit_ends_its_call_only() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Unary", [(b"x-long", b"x" * 2_000)]))
        answer = await talk.client.answer(1)
        await talk.client.until(lambda: answer.reset is not None)

        assert answer.status == b"8"
        assert answer.head[b"grpc-message"].endswith(b"at most 2048 are allowed")
        assert answer.reset == NO_ERROR
        await echoed(talk, 3)


async def test_a_header_list_over_four_times_the_limit_ends_the_connection() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Unary", [(b"x-long", b"x" * 8_200)]))
        await talk.client.until_closed()

        assert not talk.behaviour.contexts


async def test_a_deadline_that_has_passed_ends_the_call_before_it_begins() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Unary", [(b"grpc-timeout", b"0n")]), message(1, b"x"))
        answer = await talk.client.answer(1)

        assert (answer.status, answer.head[b"grpc-message"]) == (b"4", b"the deadline passed before the call began")
        assert not talk.behaviour.contexts


@pytest.mark.parametrize("path", [b"/t/Wait", b"/t/AtOnce"])
async def test_a_call_ends_at_its_deadline(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path, [(b"grpc-timeout", b"50m")]))
        await talk.client.until(lambda: len(talk.client.kinds(SETTINGS)) == 2)
        talk.server.tick()
        answer = await talk.client.answer(1)

        assert (answer.status, answer.head[b"grpc-message"]) == (b"4", b"Deadline Exceeded")
        assert talk.behaviour.cancelled == (path == b"/t/Wait")


@pytest.mark.parametrize("limit", [b"5", b"S", b"123456789S", b"5x", b"-5S", b"5.0S"])
async def test_a_timeout_that_cannot_be_read_is_refused(limit: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Unary", [(b"grpc-timeout", limit)]), message(1, b"x"))

        answer = await talk.client.answer(1)
        await echoed(talk, 3)

    hint = b"`grpc-timeout` is not 1 to 8 digits and one of the units H, M, S, m, u, n"
    assert answer.head == {
        b":status": b"200",
        b"content-type": b"application/grpc",
        b"grpc-status": b"13",
        b"grpc-message": hint,
    }
    assert answer.reset is None


async def test_the_trailers_precede_the_reset_even_if_the_window_was_closed() -> None:
    async with conversation(OPTIONS) as talk:
        no_window = frame(SETTINGS, 0, 0, b"\0\4" + bytes(4))
        await talk.client.send(no_window, headers(1, b"/t/Unary"), part(1, framed(b"hello")))
        await talk.client.until(lambda: talk.client.kinds(HEADERS))
        assert not talk.client.kinds(RST_STREAM)

        await talk.client.send(frame(WINDOW_UPDATE, 0, 1, (100).to_bytes(4, "big")))
        answer = await talk.client.answer(1)
        await talk.client.until(lambda: answer.reset is not None)

        assert [kind for kind, _, stream, _ in talk.client.frames if stream == 1] == [
            HEADERS,
            DATA,
            HEADERS,
            RST_STREAM,
        ]
        assert (answer.messages, answer.status, answer.reset) == ([b"hello"], b"0", NO_ERROR)


async def test_a_stream_that_its_client_has_ended_is_not_reset() -> None:
    async with conversation(OPTIONS) as talk:
        for stream, path in ((1, b"/t/Unary"), (3, b"/t/AtOnce"), (5, b"/t/Refuse"), (7, b"/t/Echo")):
            await talk.client.send(headers(stream, path), message(stream, b"x"))
            await talk.client.answer(stream)
        await echoed(talk, 9)

        assert not talk.client.kinds(RST_STREAM)


@pytest.mark.parametrize("path", [b"/t/Wait", b"/t/AtOnce", b"/t/Echo", b"/t/Unary"])
async def test_a_reset_in_the_read_of_its_request_is_no_error(path: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, path), message(1, b"x"), reset(1), headers(3, path), reset(3))
        await echoed(talk, 5)

        assert 1 not in talk.client.answers
        assert 3 not in talk.client.answers
        (connection,) = talk.server.connections
        assert not connection.calls


async def test_a_reset_cancels_the_method() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Wait"))
        await echoed(talk, 3)
        await talk.client.send(reset(1))
        await echoed(talk, 5)

        assert talk.behaviour.cancelled == 1


async def test_a_method_that_generates_its_answers_is_closed_by_its_own_task() -> None:
    async with conversation(OPTIONS) as talk:
        no_window = frame(SETTINGS, 0, 0, b"\0\4" + bytes(4))
        await talk.client.send(no_window, headers(1, b"/t/Echo"))
        for count in range(5):  # their answers wait for the window
            await talk.client.send(part(1, framed(b"x" * 16_000)))
            await until(partial(talk.behaviour.has_seen_more_than, count))
        (context,) = talk.behaviour.contexts
        await talk.client.send(reset(1))
        await until(lambda: talk.behaviour.closed_by)

        assert talk.behaviour.closed_by == [context.task]


async def test_a_method_waits_when_more_than_64_kib_of_its_answers_wait_for_the_client() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(frame(SETTINGS, 0, 0, b"\0\4" + bytes(4)), headers(1, b"/t/Echo"))
        size = 64 * 1024 // 4 - 5
        for count in range(4):  # with their prefixes exactly 64 KiB
            await talk.client.send(part(1, framed(bytes(size))))
            await until(partial(talk.behaviour.has_seen_more_than, count))
        for count in (4, 5):
            await talk.client.send(part(1, framed(b"%d" % count)))
            await echoed_to_the_window(talk, 2 * count + 1)
        before = len(talk.behaviour.seen)

        windows = [frame(WINDOW_UPDATE, 0, stream, (100_000).to_bytes(4, "big")) for stream in (0, 1)]
        await talk.client.send(*windows, part(1, b"", end=True))
        answer = await talk.client.answer(1)

        assert before == 5 + 2  # the fifth was read and its answer waits; the others are of the calls beside it
        assert (len(answer.messages), answer.status) == (6, b"0")


async def echoed_to_the_window(talk: Conversation, stream: int) -> None:
    """Make a call beside others, whose client accepts its answer."""
    open_window = frame(WINDOW_UPDATE, 0, stream, (1_000).to_bytes(4, "big"))
    await talk.client.send(headers(stream, b"/t/Unary"), open_window, message(stream, b"still"))
    assert (await talk.client.answer(stream)).messages == [b"still"]


async def test_the_end_of_a_connection_cancels_its_methods() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Wait"))
        await echoed(talk, 3)
        talk.client.close()
        await until(lambda: talk.behaviour.cancelled)

        assert not talk.server.connections


async def test_what_a_method_does_not_read_does_not_use_up_the_window_of_the_connection() -> None:
    window = 100_000
    options = replace(OPTIONS, session=SessionLimits(connection_window_bytes=window, stream_window_bytes=window))
    async with conversation(options) as talk:
        for stream in range(1, 41, 2):  # four times the window
            await talk.client.send(
                headers(stream, b"/t/Refuse"), part(stream, framed(b"x" * 16_000)), part(stream, b"", end=True)
            )
            assert (await talk.client.answer(stream)).status == b"5"
        opened = [int.from_bytes(p, "big") for _, stream, p in talk.client.kinds(WINDOW_UPDATE) if stream == 0]

        assert sum(opened) > window - 65_535 + 2 * window


async def test_calls_that_end_within_a_frame_do_not_use_up_the_window_of_the_connection() -> None:
    window = 100_000
    options = replace(OPTIONS, session=SessionLimits(connection_window_bytes=window, stream_window_bytes=window))
    async with conversation(options) as talk:
        for stream in range(1, 41, 2):  # three times the window
            data = part(stream, framed(b"x" * 16_000))
            await talk.client.send(headers(stream, b"/t/Refuse"), data[:9_000])
            assert (await talk.client.answer(stream)).status == b"5"
            await talk.client.send(data[9_000:])
        await talk.client.send(headers(41, b"/t/Unary"), message(41, b"still"))

        assert (await talk.client.answer(41)).messages == [b"still"]
        opened = [int.from_bytes(p, "big") for _, stream, p in talk.client.kinds(WINDOW_UPDATE) if stream == 0]
        assert sum(opened) > window - 65_535 + 2 * window


async def test_messages_that_fill_the_window_of_a_stream_continue_when_they_are_read() -> None:
    options = replace(OPTIONS, session=SessionLimits(stream_window_bytes=65_535))
    async with conversation(options) as talk:
        await talk.client.send(
            headers(1, b"/t/Echo"), *(part(1, framed(b"x" * 16_000)[n:][:8_000]) for n in (0, 8_000, 16_000))
        )
        for _ in range(20):
            await talk.client.send(*(part(1, framed(b"x" * 16_000)[n:][:8_000]) for n in (0, 8_000, 16_000)))
            count = len(talk.behaviour.seen)
            await until(partial(talk.behaviour.has_seen_more_than, count))
            await talk.client.send(
                frame(WINDOW_UPDATE, 0, 1, (20_000).to_bytes(4, "big")),
                frame(WINDOW_UPDATE, 0, 0, (20_000).to_bytes(4, "big")),
            )
        await talk.client.send(part(1, b"", end=True))

        assert (await talk.client.answer(1)).status == b"0"
        assert len(talk.behaviour.seen) == 21


async def test_a_read_of_many_calls_lets_other_work_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "SLICE_SECONDS", -1.0)
    async with conversation(OPTIONS) as talk:
        await talk.client.send(*(headers(n, b"/t/AtOnce") + message(n, b"%d" % n) for n in range(1, 100, 2)), reset(99))
        turns = 0
        while len(talk.behaviour.seen) < 49:
            turns += 1
            await asyncio.sleep(0)

        assert turns >= 49
        for stream in range(1, 98, 2):
            assert (await talk.client.answer(stream)).messages == [b"%d" % stream]


async def test_a_client_may_ping_after_each_part_of_a_large_answer() -> None:
    # The client of Go does so to measure the path.
    body = b"x" * 60_000
    ping = frame(PING, 0, 0, b"12345678")
    async with conversation(OPTIONS) as talk:
        no_window = frame(SETTINGS, 0, 0, b"\0\4" + bytes(4))
        parts = [part(1, framed(body)[n : n + 16_000]) for n in range(0, 60_005, 16_000)]
        await talk.client.send(no_window, headers(1, b"/t/Unary"), *parts, part(1, b"", end=True))
        for number in range(1, 11):
            await talk.client.send(frame(WINDOW_UPDATE, 0, 1, (5_000).to_bytes(4, "big")), ping)
            await talk.client.until(partial(talk.client.has, PING, number))

        await talk.client.send(frame(WINDOW_UPDATE, 0, 1, (20_000).to_bytes(4, "big")))
        answer = await talk.client.answer(1)

        assert not talk.client.kinds(GOAWAY)
        assert answer.messages == [body]


async def test_a_client_that_pings_too_often_gets_a_goaway_that_says_so() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(frame(PING, 0, 0, b"12345678") * (OPTIONS.ping_strikes + 1))
        await talk.client.until(lambda: len(talk.client.kinds(PING)) == 3)
        assert not talk.client.kinds(GOAWAY)

        await talk.client.send(frame(PING, 0, 0, b"12345678"))
        await talk.client.until_closed()

        assert goaways(talk) == [(0, 0xB, b"too_many_pings")]


async def test_pings_after_answers_are_not_too_many() -> None:
    async with conversation(OPTIONS) as talk:
        for stream in range(1, 21, 2):
            await talk.client.send(frame(PING, 0, 0, b"12345678") * 3)
            await echoed(talk, stream, b"/t/AtOnce")

        assert not talk.client.kinds(GOAWAY)


async def test_a_shutdown_announces_itself_and_names_the_last_stream_after_the_client_knows() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Wait"))
        await echoed(talk, 3)
        (connection,) = talk.server.connections

        connection.shut_down()
        await talk.client.until(lambda: talk.client.kinds(PING))
        assert [kind for kind, *_ in talk.client.frames][-2:] == [GOAWAY, PING]
        assert goaways(talk) == [(2**31 - 1, NO_ERROR, b"")]

        await echoed(talk, 5)  # it was on its way
        await talk.client.send(frame(PING, 1, 0, talk.client.kinds(PING)[0][2]))
        await talk.client.until(lambda: len(talk.client.kinds(GOAWAY)) == 2)
        assert goaways(talk)[1] == (5, NO_ERROR, b"")

        await talk.client.send(headers(7, b"/t/Unary"), message(7, b"late"))
        talk.behaviour.hold.set()
        assert (await talk.client.answer(1)).messages == [b"waited"]
        await talk.client.until_closed()

        assert 7 not in talk.client.answers
        assert b"late" not in talk.behaviour.seen


async def test_a_shutdown_does_not_close_before_the_client_knows_although_all_calls_have_ended() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Wait"))
        await echoed(talk, 3)
        (connection,) = talk.server.connections
        connection.shut_down()
        talk.behaviour.hold.set()
        await talk.client.answer(1)

        await echoed(talk, 5)
        assert len(talk.client.kinds(GOAWAY)) == 1


async def test_a_shutdown_waits_for_a_client_that_has_not_accepted_its_answer() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(frame(SETTINGS, 0, 0, b"\0\4" + bytes(4)), headers(1, b"/t/Unary"), message(1, b"hello"))
        await talk.client.until(lambda: talk.client.kinds(HEADERS))
        (connection,) = talk.server.connections
        connection.shut_down()
        await talk.client.until(lambda: talk.client.kinds(PING))
        await talk.client.send(frame(PING, 1, 0, talk.client.kinds(PING)[0][2]))
        await talk.client.until(lambda: len(talk.client.kinds(GOAWAY)) == 2)
        await asyncio.sleep(0)
        assert not connection.ending.lingering

        await talk.client.send(frame(WINDOW_UPDATE, 0, 1, (100).to_bytes(4, "big")))

        assert (await talk.client.answer(1)).messages == [b"hello"]
        await talk.client.until_closed()


async def test_a_stopping_server_ends_the_calls_that_do_not_end_with_unavailable() -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Wait"))
        await echoed(talk, 3)
        stopping = asyncio.ensure_future(talk.server.stop(0.05))
        answer = await talk.client.answer(1)
        talk.client.close()
        await stopping

        assert (answer.status, answer.head[b"grpc-message"]) == (b"14", b"the server is stopping")


async def test_a_client_that_has_not_accepted_its_answers_has_its_calls_refused() -> None:
    async with conversation(replace(OPTIONS, max_queued_bytes=100)) as talk:
        no_window = frame(SETTINGS, 0, 0, b"\0\4" + bytes(4))
        await talk.client.send(
            no_window, headers(1, b"/t/AtOnce"), message(1, b"x" * 200), headers(3, b"/t/AtOnce"), message(3, b"x")
        )

        assert (await talk.client.answer(3)).reset == REFUSED_STREAM


async def test_streams_beyond_the_announced_number_are_refused_until_the_client_knows_it() -> None:
    options = replace(OPTIONS, session=SessionLimits(streams=2))
    async with conversation(options) as talk:
        await talk.client.send(*(headers(stream, b"/t/Wait") for stream in (1, 3, 5)))
        assert (await talk.client.answer(5)).reset == REFUSED_STREAM

        await talk.client.send(frame(SETTINGS, 1, 0), headers(7, b"/t/Wait"))
        await talk.client.until_closed()

        assert goaways(talk)[0][:2] == (3, PROTOCOL_ERROR)
        await until(lambda: talk.behaviour.cancelled == 2)


@pytest.mark.parametrize(
    "broken",
    [
        frame(DATA, 0, 9, b"x"),
        frame(RST_STREAM, 0, 9, bytes(4)),
        frame(PING, 0, 0, b"short"),
        frame(WINDOW_UPDATE, 0, 0, bytes(4)),
        headers(2, b"/t/Unary"),
        frame(HEADERS, END_HEADERS, 3, b"\xff\xff\xff\xff"),
    ],
)
async def test_a_client_that_breaks_the_protocol_gets_a_goaway_and_its_calls_are_cancelled(broken: bytes) -> None:
    async with conversation(OPTIONS) as talk:
        await talk.client.send(headers(1, b"/t/Wait"))
        await until(lambda: talk.behaviour.contexts)
        await talk.client.send(broken)
        await talk.client.until_closed()
        await until(lambda: not talk.server.connections)

        assert talk.client.kinds(GOAWAY)
        await until(lambda: talk.behaviour.cancelled == 1)


async def test_an_answer_that_cannot_be_sent_ends_the_stream_instead_of_leaving_its_client_waiting() -> None:
    async with conversation(OPTIONS) as talk:
        talk.behaviour.facts = (("x", "x" * 100_000),)
        await talk.client.send(headers(1, b"/t/Refuse"), message(1, b"x"))

        assert (await talk.client.answer(1)).reset == 0x2
        await echoed(talk, 3)


async def test_a_silent_client_is_pinged_and_one_that_does_not_acknowledge_is_closed() -> None:
    async with conversation(OPTIONS) as talk:
        await echoed(talk, 1)
        (connection,) = talk.server.connections
        now = asyncio.get_running_loop().time()

        connection.tick(now + OPTIONS.keepalive + 1)
        await talk.client.until(lambda: talk.client.kinds(PING))
        assert talk.client.kinds(PING) == [(0, 0, bytes(8))]

        connection.tick(now + OPTIONS.keepalive + OPTIONS.keepalive_timeout + 2)
        await talk.client.until_closed()


async def test_a_client_that_acknowledges_stays() -> None:
    async with conversation(OPTIONS) as talk:
        await echoed(talk, 1)
        (connection,) = talk.server.connections
        now = asyncio.get_running_loop().time()
        connection.tick(now + OPTIONS.keepalive + 1)
        await talk.client.until(lambda: talk.client.kinds(PING))

        await talk.client.send(frame(PING, 1, 0, bytes(8)))
        await echoed(talk, 3)
        connection.tick(now + OPTIONS.keepalive - 1)

        await echoed(talk, 5)


async def test_an_old_connection_is_shut_down_in_two_steps() -> None:
    async with conversation(OPTIONS) as talk:
        await echoed(talk, 1)
        (connection,) = talk.server.connections

        connection.keepalive.received(asyncio.get_running_loop().time() + 1.2 * OPTIONS.age)
        connection.tick(asyncio.get_running_loop().time() + 1.2 * OPTIONS.age)
        await talk.client.until(lambda: talk.client.kinds(PING))
        assert goaways(talk) == [(2**31 - 1, NO_ERROR, b"")]

        await talk.client.send(frame(PING, 1, 0, talk.client.kinds(PING)[0][2]))
        await talk.client.until(lambda: len(talk.client.kinds(GOAWAY)) == 2)
        assert goaways(talk)[1] == (1, NO_ERROR, b"")


async def test_a_client_that_sends_no_preface_is_closed() -> None:
    async with conversation(OPTIONS, preface=b"PRI") as talk:
        await until(lambda: talk.server.connections)
        (connection,) = talk.server.connections

        connection.tick(asyncio.get_running_loop().time() + OPTIONS.handshake)
        await talk.client.until_closed()


async def test_a_client_that_stays_after_the_second_goaway_is_closed() -> None:
    async with conversation(OPTIONS) as talk:
        await echoed(talk, 1)
        (connection,) = talk.server.connections
        connection.shut_down()
        await talk.client.until_closed()

        assert [last for last, *_ in goaways(talk)] == [2**31 - 1, 1]


async def test_an_error_that_passed_the_error_boundary_ends_the_call_and_is_not_lost() -> None:
    async with conversation(OPTIONS) as talk:
        reported, error = list[Any](), RuntimeError("of the boundary")
        asyncio.get_running_loop().set_exception_handler(lambda _, facts: reported.append(facts))
        talk.behaviour.error = error
        await talk.client.send(headers(1, b"/t/Unary"), message(1, b"x"))

        answer = await talk.client.answer(1)

        (context,) = talk.behaviour.contexts
        assert (answer.status, answer.head[b"grpc-message"]) == (b"2", b"internal error")
        assert reported == [
            {"message": "a call failed outside of its error boundary", "exception": error, "task": context.task}
        ]
