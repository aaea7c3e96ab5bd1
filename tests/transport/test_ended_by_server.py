"""A call that the server ends says why, whatever its shape and wherever it waits, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AbortError

from rolecall.transport.errors import StreamAgeError
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.method_handlers import wrap_handler
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.rpc.silent_calls import SilentCalls
from rolecall.transport.rpc.stats import MethodStats
from tests.repository.tree import DOCS
from tests.server.serving import for_ever, until
from tests.transport.test_method_handlers import Client, wrapped_stream
from tests.transport.test_wrapped_calls import HANDLERS

FAR = 1e12
WITH_ONE_MESSAGE = ["unary", "server", "answers"]
STREAMS = {"unary": (False, False), "server": (False, True), "answers": (False, True), "upload": (True, False)}


class Log:
    def debug(self, event: str, **facts: object) -> None: ...

    warning = error = debug


class Call:
    """A call that waits: for a message, until `sent` is set, and then in its method."""

    def __init__(self, shape: str) -> None:
        self.sent, self.in_method, self.statuses = asyncio.Event(), False, list[Status]()
        self.silent, self.limit, self.open_streams = SilentCalls(), ConcurrencyLimit(4), OpenStreams()
        streams = STREAMS.get(shape, (True, True))
        self.stats = MethodStats("s", "M", request_streaming=streams[0], response_streaming=streams[1])
        middleware = Middleware(
            concurrency=self.limit,
            silent=self.silent,
            open_streams=self.open_streams,
            boundary=ErrorBoundary(Log(), verbose=False),
            permits=lambda _: None,
            unary_seconds=30.0,
            upload_seconds=300.0,
            idle_seconds=60.0,
        )
        self._run = wrap_handler(HANDLERS[streams](getattr(self, f"_{shape}")), self.stats, middleware)

    async def ended(self, ready: Callable[[], object], end: Callable[[], None]) -> tuple[str, str]:
        """Make the call, end it when it is ready, and return the reason and the text of its status."""
        task = asyncio.create_task(self._make())
        await until(ready)
        end()
        await asyncio.wait([task])
        assert isinstance(task.exception(), AbortError)
        assert (self.limit.calls, self.silent.waiting, len(self.open_streams)) == ({}, {}, 0)
        assert (self.stats.started, sum(self.stats.handled), self.stats.handled[0]) == (1, 1, 0)
        (status,) = self.statuses
        info = ErrorInfo()
        assert status.details[0].value
        assert any(detail_of(status, info))
        return info.reason, status.message

    async def _make(self) -> None:
        called = self._run(None, self)
        if isinstance(called, AsyncIterator):
            async for _ in called:
                pass
        else:
            await called

    async def _wait(self) -> None:
        self.in_method = True
        await for_ever()

    async def _unary(self, *_: object) -> bytes:
        await self._wait()
        return b""

    async def _server(self, *_: object) -> None:
        await self._wait()

    async def _answers(self, *_: object) -> AsyncIterator[bytes]:
        await self._wait()
        yield b""

    async def _upload(self, messages: AsyncIterator[bytes], _: object) -> bytes:
        async for _message in messages:
            await self._wait()
        return b""

    async def _given(self, messages: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
        async for message in messages:
            yield message

    async def _bidi(self, stream: Any, _: object) -> None:
        await stream.read()

    # --- the context of gRPC ---

    async def read(self) -> bytes:
        await self.sent.wait()
        return b"m"

    async def send_initial_metadata(self, _: object) -> None: ...

    def invocation_metadata(self) -> None: ...

    def time_remaining(self) -> None: ...

    async def abort_with_status(self, status: Any) -> None:
        encoded = dict(status.trailing_metadata)["grpc-status-details-bin"]
        self.statuses.append(Status.FromString(encoded))
        raise AbortError


def detail_of(status: Status, info: ErrorInfo) -> list[bool]:
    return [detail.Unpack(info) for detail in status.details]


@pytest.mark.parametrize("shape", WITH_ONE_MESSAGE)
@pytest.mark.parametrize(
    ("end", "reason", "text"),
    [
        (lambda call: call.silent.sweep(FAR, 30.0), "SERVER_LIMIT", "the server's limit of 30 seconds"),
        (lambda call: call.silent.make_room(), "SILENT_CALL", "the message of the call has not arrived"),
        (lambda call: call.silent.stop(), "SERVER_STOPPING", "the server is stopping"),
    ],
)
async def test_a_call_that_waits_for_its_message(
    shape: str, end: Callable[[Call], None], reason: str, text: str
) -> None:
    call = Call(shape)

    found = await call.ended(lambda: call.silent.waiting, lambda: end(call))

    assert (found[0], text in found[1], call.in_method) == (reason, True, False)


async def test_a_call_with_one_answer_whose_method_takes_too_long() -> None:
    call = Call("unary")
    call.sent.set()

    reason, text = await call.ended(lambda: call.in_method, lambda: call.limit.sweep(FAR))

    assert (reason, text) == ("SERVER_LIMIT", "the call took longer than the server's limit of 30 seconds")


@pytest.mark.parametrize("sent", [False, True])
async def test_an_upload_that_sends_nothing_more_or_takes_too_long(sent: bool) -> None:
    call = Call("upload")
    if sent:
        call.sent.set()

    reason, text = await call.ended(lambda: call.in_method if sent else call.limit.calls, lambda: call.limit.sweep(FAR))

    assert (reason, text) == (
        ("SERVER_LIMIT", "the call took longer than the server's limit of 300 seconds")
        if sent
        else ("STREAM_IDLE", "no message has arrived for 60 seconds; nothing was written; repeat the upload")
    )


@pytest.mark.parametrize(
    ("shape", "end", "reason"),
    [
        ("answers", lambda call: call.limit.stop(), "SERVER_STOPPING"),
        ("given", lambda call: call.limit.stop(), "SERVER_STOPPING"),
        ("given", lambda call: call.limit.sweep(FAR), "STREAM_IDLE"),
        ("bidi", lambda call: call.open_streams.stop(), "SERVER_STOPPING"),
        ("bidi", lambda call: call.open_streams.sweep(FAR), "STREAM_AGE"),
        ("server", lambda call: call.open_streams.stop(), "SERVER_STOPPING"),
        ("server", lambda call: call.open_streams.sweep(FAR), "STREAM_AGE"),
        ("bidi", lambda call: call.limit.stop(), "SERVER_STOPPING"),
        ("server", lambda call: call.limit.stop(), "SERVER_STOPPING"),
    ],
)
async def test_a_stream_that_waits(shape: str, end: Callable[[Call], None], reason: str) -> None:
    call = Call(shape)
    if shape in WITH_ONE_MESSAGE:
        call.sent.set()

    found, _ = await call.ended(
        lambda: call.in_method if shape in WITH_ONE_MESSAGE else call.limit.calls, lambda: end(call)
    )

    assert found == reason


@pytest.mark.parametrize("shape", [*WITH_ONE_MESSAGE, "upload", "given", "bidi"])
@pytest.mark.parametrize("sent", [False, True])
async def test_a_call_that_its_client_cancels_stays_cancelled_and_gets_no_status(shape: str, sent: bool) -> None:
    call = Call(shape)
    if sent and shape in (*WITH_ONE_MESSAGE, "upload"):
        call.sent.set()
    task = asyncio.create_task(call._make())
    await until(lambda: call.in_method if call.sent.is_set() else (call.silent.waiting or call.limit.calls))

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert (call.limit.calls, call.silent.waiting, len(call.open_streams), call.statuses) == ({}, {}, 0, [])
    assert (call.stats.started, sum(call.stats.handled), call.stats.handled[1]) == (1, 1, 1)


async def test_the_text_of_the_age_of_a_stream_is_that_of_its_error() -> None:
    call = Call("bidi")

    _, text = await call.ended(lambda: call.limit.calls, lambda: call.open_streams.sweep(FAR))

    assert text == str(StreamAgeError(300))


async def test_the_status_of_a_stream_waits_for_the_documented_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, timeout = list[float | None](), asyncio.timeout

    def waited(seconds: float | None) -> asyncio.Timeout:
        waits.append(seconds)
        return timeout(None)

    async def fail(_request: object, _stream: object) -> None:
        raise LookupError

    monkeypatch.setattr(asyncio, "timeout", waited)
    call, _, _ = wrapped_stream(fail)

    with pytest.raises(AbortError):
        await call(b"", Client(reads=True))

    assert waits == [5.0]
    assert "Five seconds later the stream no longer counts as open" in (DOCS / "freshness.md").read_text()
