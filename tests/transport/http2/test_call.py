"""What a method can do with the context of its call, and what it learns from it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import pytest

from rolecall.transport.http2 import call as call_module
from rolecall.transport.http2.call import Call
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.request_head import RequestHead
from rolecall.transport.http2.session import REFUSED_STREAM
from tests.server.serving import until
from tests.transport.frames import HEADERS, SETTINGS, frame, headers, message
from tests.transport.http2.conversation import WINDOW_UPDATE, Conversation, conversation
from tests.transport.http2.test_connection import HEAD, framed, part
from tests.transport.http2.test_request_head import GRPC

OPTIONS = ConnectionOptions()
OK = {b"grpc-status": b"0"}
TRAILING = (("x-a", "1"), ("b-bin", b"\0\xff"))


async def prepared(
    talk: Conversation, path: bytes, prepare: Callable[[Any], Awaitable[None]], *more: tuple[bytes, bytes]
) -> Any:
    """Return what a call is answered whose method first does something with its context."""
    talk.behaviour.prepare = prepare
    await talk.client.send(headers(1, path, list(more)), message(1, b"hello"))
    return await talk.client.answer(1)


SETTERS: list[tuple[Callable[[Any], object], dict[bytes, bytes]]] = [
    (lambda c: c.set_code(grpc.StatusCode.NOT_FOUND), {b"grpc-status": b"5"}),
    (lambda c: c.set_details("100 %"), {**OK, b"grpc-message": b"100 %25"}),
    (lambda c: c.set_trailing_metadata(TRAILING), {**OK, b"x-a": b"1", b"b-bin": b"AP8"}),
]


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/Echo"])
@pytest.mark.parametrize(("set_one", "trailers"), SETTERS)
async def test_the_status_that_a_method_sets_follows_its_answer(
    path: bytes, set_one: Callable[[Any], object], trailers: dict[bytes, bytes]
) -> None:
    async def prepare(context: Any) -> None:
        set_one(context)

    async with conversation(OPTIONS) as talk:
        answer = await prepared(talk, path, prepare)

    assert (answer.head, answer.messages, answer.trailers) == (HEAD, [b"hello"], trailers)


async def test_a_method_can_read_the_status_that_it_has_set() -> None:
    found = list[tuple[object, ...]]()

    async def prepare(context: Any) -> None:
        found.append((context.code(), context.details(), context.trailing_metadata()))
        context.set_code(grpc.StatusCode.ABORTED)
        context.set_details("m")
        context.set_trailing_metadata(iter(TRAILING))
        found.append((context.code(), context.details(), context.trailing_metadata()))

    async with conversation(OPTIONS) as talk:
        await prepared(talk, b"/t/Unary", prepare)

    assert found == [(grpc.StatusCode.OK, "", ()), (grpc.StatusCode.ABORTED, "m", TRAILING)]


@pytest.mark.parametrize("given", [(), (("x-c", "2"),)])
async def test_a_call_that_is_aborted_has_the_metadata_of_the_abort_or_else_what_was_set_before(given: Any) -> None:
    found = list[tuple[object, ...]]()

    async def prepare(context: Any) -> None:
        context.set_trailing_metadata((("x-a", "1"),))
        try:
            await context.abort(grpc.StatusCode.NOT_FOUND, "m", given)
        finally:
            found.append((context.code(), context.details(), context.done(), context.cancelled()))

    async with conversation(OPTIONS) as talk:
        answer = await prepared(talk, b"/t/Unary", prepare)

    metadata = {b"x-c": b"2"} if given else {b"x-a": b"1"}
    assert answer.head == {**HEAD, b"grpc-status": b"5", b"grpc-message": b"m", **metadata}
    assert found == [(grpc.StatusCode.NOT_FOUND, "m", True, True)]


@pytest.mark.parametrize("path", [b"/t/Unary", b"/t/Echo"])
@pytest.mark.parametrize("compressed", [True, False])
async def test_a_method_may_have_its_answers_compressed(path: bytes, compressed: bool) -> None:
    async def prepare(context: Any) -> None:
        context.set_compression(grpc.Compression.Gzip)
        if not compressed:
            context.set_compression(grpc.Compression.NoCompression)

    async with conversation(OPTIONS) as talk:
        answer = await prepared(talk, path, prepare)

    (found,) = answer.messages
    assert answer.head == ({**HEAD, b"grpc-encoding": b"gzip"} if compressed else HEAD)
    assert answer.body[0] == compressed
    assert (zlib.decompress(found, 31) if compressed else found) == b"hello"
    assert answer.trailers == OK


async def test_initial_metadata_is_sent_before_the_answer_is_known() -> None:
    async def prepare(context: Any) -> None:
        await context.send_initial_metadata(TRAILING)
        await context.send_initial_metadata((("x-late", "1"),))

    async with conversation(OPTIONS) as talk:
        talk.behaviour.prepare = prepare
        await talk.client.send(headers(1, b"/t/Wait"))
        await talk.client.until(lambda: talk.client.kinds(HEADERS))
        talk.behaviour.hold.set()
        answer = await talk.client.answer(1)

    assert answer.head == {**HEAD, b"x-a": b"1", b"b-bin": b"AP8"}
    assert (answer.messages, answer.trailers) == ([b"waited"], OK)


async def test_a_method_learns_who_calls_with_what_and_how_much_time_is_left() -> None:
    found = dict[str, Any]()

    async def prepare(context: Any) -> None:
        found.update(peer=context.peer(), facts=context.auth_context(), metadata=context.invocation_metadata())
        found.update(left=context.time_remaining(), known=context.has_authorization, over=context.done())
        found.update(bytes=context.header_bytes, encoding=context.encoding)

    sent = [(b"authorization", b"x"), (b"grpc-timeout", b"100S"), (b"grpc-encoding", b"gzip"), (b"x-bin", b"AP8")]
    async with conversation(OPTIONS) as talk:
        await prepared(talk, b"/t/Unary", prepare, *sent)
        port = talk.client._writer.get_extra_info("sockname")[1]

    assert 60 < found.pop("left") <= 100
    assert found.pop("bytes") > sum(len(name) + len(value) + 32 for name, value in sent)
    assert found == {
        "peer": f"ipv4:127.0.0.1:{port}",
        "facts": {},
        "metadata": (("authorization", "x"), ("x-bin", b"\0\xff")),
        "known": True,
        "over": False,
        "encoding": b"gzip",
    }


async def test_a_method_may_read_its_messages_in_a_loop_and_those_that_have_arrived_at_once() -> None:
    found, counts = list[bytes](), list[int]()

    async def prepare(context: Any) -> None:
        found.append(await context.read())
        found.extend(context.arrived(1))
        counts.append(len(found))
        found.extend([each async for each in context.messages()])

    async with conversation(OPTIONS) as talk:
        talk.behaviour.prepare = prepare
        data = b"".join(framed(b"%d" % number) for number in range(5))
        await talk.client.send(headers(1, b"/t/Echo"), part(1, data, end=True))
        answer = await talk.client.answer(1)

    assert (found, counts) == ([b"0", b"1", b"2", b"3", b"4"], [2])
    assert (answer.messages, answer.status) == ([], b"0")


@pytest.mark.parametrize("started", [False, True])
async def test_a_call_whose_task_is_cancelled_says_so_to_its_client(started: bool) -> None:
    async def prepare(context: Any) -> None:
        if started:
            await context.send_initial_metadata(())

    async with conversation(OPTIONS) as talk:
        talk.behaviour.prepare = prepare
        await talk.client.send(headers(1, b"/t/Wait"))
        await until(lambda: talk.behaviour.contexts)
        talk.behaviour.contexts[0].task.cancel()
        answer = await talk.client.answer(1)

    status = {b"grpc-status": b"1", b"grpc-message": b"the call was cancelled"}
    assert (answer.head, answer.trailers) == ((HEAD, status) if started else ({**HEAD, **status}, {}))


async def test_everything_that_waits_for_the_end_of_a_call_is_called_once_with_it() -> None:
    ended = list[tuple[int, Any, bool]]()

    async def prepare(context: Any) -> None:
        for number in range(2):
            context.add_done_callback(lambda call, number=number: ended.append((number, call, call.done())))

    async with conversation(OPTIONS) as talk:
        await prepared(talk, b"/t/Unary", prepare)
        (context,) = talk.behaviour.contexts
        context.close()

    assert ended == [(0, context, True), (1, context, True)]


async def test_a_method_whose_client_resets_the_call_while_its_answer_waits_is_cancelled() -> None:
    async with conversation(OPTIONS) as talk:
        no_window = frame(SETTINGS, 0, 0, b"\0\4" + bytes(4))
        await talk.client.send(no_window, headers(1, b"/t/Echo"), part(1, framed(bytes(16_000))))
        for count in range(5):
            await until(partial(talk.behaviour.has_seen_more_than, count))
            await talk.client.send(part(1, framed(bytes(16_000))))
        (context,) = talk.behaviour.contexts
        await talk.client.send(frame(3, 0, 1, (8).to_bytes(4, "big")))
        await until(context.done)
        await until(context.task.done)

        await talk.client.send(
            frame(WINDOW_UPDATE, 0, 0, (1_000).to_bytes(4, "big")), headers(3, b"/t/Unary", end=True)
        )
        assert (await talk.client.answer(3)).status == b"13"
        assert context.task.cancelled()


class Connection:
    """What a call that is cancelled needs of its connection."""

    def __init__(self) -> None:
        self.removed = list[Any]()
        self.remove = self.removed.append
        self.done = list[tuple[object, ...]]()

    @property
    def session(self) -> Any:
        return self

    def reset(self, stream: int, code: int) -> None:
        self.done.append(("reset", stream, code))

    def flush_soon(self) -> None:
        self.done.append(("flush",))


def test_a_call_that_no_method_has_seen_is_refused_so_that_its_client_may_repeat_it_at_once() -> None:
    connection: Any = Connection()
    call = Call(connection, 7, RequestHead([*GRPC.items()], 10_000), None)

    call.refuse()

    assert connection.done == [("reset", 7, REFUSED_STREAM), ("flush",)]
    assert (call.over, connection.removed) == (True, [call])


@pytest.mark.parametrize(
    ("left", "at_the_deadline"), [(b"40m", True), (b"99m", True), (b"100m", False), (b"1H", False), (None, False)]
)
@pytest.mark.parametrize("now", [0.0, 64.0])
async def test_a_client_that_resets_a_call_shortly_before_its_deadline_did_so_at_the_deadline(
    left: bytes | None, at_the_deadline: bool, now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clock that stands still, and at zero adds up without rounding; the bound itself is only compared there.
    left = b"101m" if now and left == b"100m" else left
    monkeypatch.setattr(call_module, "monotonic", lambda: now)
    connection: Any = Connection()
    fields = {**GRPC, b"grpc-timeout": left} if left else GRPC
    call = Call(connection, 1, RequestHead([*fields.items()], 10_000), None)

    call.cancel()

    assert (call.time_remaining() == 0.0, call.expired) == (at_the_deadline, at_the_deadline)
    assert (call.over, connection.removed) == (True, [call])


@pytest.mark.parametrize(("given", "passed", "timers"), [(b"100S", 40.0, [60.0]), (b"1S", 5.0, [0.0]), (None, 5.0, [])])
async def test_a_call_expires_when_what_is_left_until_its_deadline_has_passed(
    given: bytes | None, passed: float, timers: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [0.0], list[tuple[object, ...]]()

    class Loop:
        def call_later(self, seconds: float, *more: object) -> None:
            asked.append((seconds, *more))

    connection: Any = Connection()
    monkeypatch.setattr(call_module, "monotonic", lambda: now[0])
    call = Call(
        connection, 1, RequestHead([*({**GRPC, b"grpc-timeout": given} if given else GRPC).items()], 10_000), None
    )
    now[0] = passed
    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    call.expire_at_deadline(print)
    monkeypatch.undo()

    assert asked == [(seconds, print, call) for seconds in timers]
