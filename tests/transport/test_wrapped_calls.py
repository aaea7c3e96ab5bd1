"""What every call passes through, whatever its shape: in which order, how it is counted, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import perf_counter
from typing import Any

import grpc
import pytest
from grpc.aio import EOF

from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.method_handlers import wrap_handler
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.silent_calls import SilentCalls
from rolecall.transport.rpc.stats import MethodStats

STREAMS = {"upload": (True, False), "bidi": (True, True), "answers": (False, True), "given": (True, True)}
HANDLERS: dict[tuple[bool, bool], Any] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""What makes the handler of a method, by whether its request and its response stream."""

SHAPES = ["unary", "upload", "bidi", "server", "answers", "given"]
"""Given and answers are generators; of a bidi and a server stream the method reads and writes the messages."""

ORDER = {
    "unary": ["authenticated", "read", "admitted", "permitted", "decoded a", "method", "encoded A"],
    "server": ["authenticated", "read", "admitted", "permitted", "begun", "decoded a", "method", "wrote x"],
    "answers": ["authenticated", "read", "admitted", "permitted", "decoded a", "method", "encoded A"],
    "upload": [
        "authenticated",
        "admitted",
        "permitted",
        "method",
        "read",
        "decoded a",
        "read",
        "decoded b",
        "read",
        "encoded AB",
    ],
    "given": [
        *("authenticated", "admitted", "permitted", "method"),
        *("read", "decoded a", "encoded A", "read", "decoded b", "encoded B", "read"),
    ],
    "bidi": [
        *("authenticated", "admitted", "permitted", "method"),
        *("read", "decoded a", "encoded A", "wrote A", "read", "decoded b", "encoded B", "wrote B", "read"),
    ],
}


class Log:
    def __init__(self) -> None:
        self.lines = list[tuple[str, dict[str, Any]]]()

    def debug(self, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))

    warning = error = debug


class Call:
    """One call, its middleware, and the steps that it takes; also the context that its method gets."""

    def __init__(self, shape: str, *, limit: int = 2, in_progress: int = 1, codec: bool = True, **parts: Any) -> None:
        self.shape, self.steps, self.log = shape, list[str](), Log()
        self.messages = iter([b"a", b"b", EOF] if shape in ("upload", "bidi", "given") else [b"a"])
        self.deadlines = list[float]()
        self.limit = ConcurrencyLimit(limit)
        self.limit.calls.update({object(): (0.0, None) for _ in range(in_progress)})  # type: ignore[misc]
        self._admit, self.limit.admit = self.limit.admit, self.admit  # type: ignore[method-assign]
        streams = STREAMS.get(shape, (False, shape != "unary"))
        self.stats = MethodStats("s", "M", request_streaming=streams[0], response_streaming=streams[1])
        verbose = parts.pop("verbose", False)
        self.middleware = Middleware(
            concurrency=self.limit,
            boundary=ErrorBoundary(self.log, verbose=verbose),
            permits=lambda _: lambda _: self.steps.append("permitted"),
            authenticate=lambda _: self.steps.append("authenticated"),
            **parts,
        )
        coding = (self.decode, self.encode) if codec else (None, None)
        self._run = wrap_handler(HANDLERS[streams](getattr(self, f"_{shape}"), *coding), self.stats, self.middleware)

    async def run(self) -> list[bytes]:
        """Make the call; return what it answers without writing it itself."""
        called = self._run(None, self)
        if isinstance(called, AsyncIterator):
            return [each async for each in called]
        answer = await called
        return [] if answer is None else [answer]

    # --- methods ---

    async def _unary(self, message: bytes, _: object) -> bytes:
        self._in_method()
        return message.upper()

    async def _upload(self, messages: AsyncIterator[bytes], _: object) -> bytes:
        self._in_method()
        return b"".join([each.upper() async for each in messages])

    async def _answers(self, message: bytes, _: object) -> AsyncIterator[bytes]:
        self._in_method()
        yield message.upper()

    async def _given(self, messages: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
        self._in_method()
        async for each in messages:
            yield each.upper()

    async def _server(self, _: bytes, stream: Any) -> None:
        self._in_method()
        await stream.write(b"x")

    async def _bidi(self, stream: Any, _: object) -> None:
        self._in_method()
        while (found := await stream.read()) is not None:
            await stream.write([each.upper() for each in found])

    def _in_method(self) -> None:
        self.steps.append("method")
        deadline, context = self.limit.calls[asyncio.current_task()]
        assert id(context) == id(self)
        self.deadlines.append(deadline - perf_counter())

    # --- what surrounds them ---

    def admit(self, task: Any, context: Any) -> None:
        self.steps.append("admitted")
        self._admit(task, context)

    def decode(self, data: bytes) -> bytes:
        self.steps.append(f"decoded {data.decode()}")
        return data

    def encode(self, data: bytes) -> bytes:
        self.steps.append(f"encoded {data.decode()}")
        return data

    async def read(self) -> Any:
        self.steps.append("read")
        return next(self.messages)

    async def write(self, data: bytes) -> None:
        self.steps.append(f"wrote {data.decode()}")

    async def send_initial_metadata(self, _: object) -> None:
        self.steps.append("begun")

    def peer(self) -> str:
        return "ipv4:10.0.0.1:7"

    def invocation_metadata(self) -> Iterable[tuple[str, str]]:
        return (("x-request-id", "of-the-client"),)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_call_takes_its_steps_in_order_and_is_counted_once(shape: str) -> None:
    call = Call(shape)

    answers = await call.run()

    assert call.steps == ORDER[shape]
    assert answers == {"unary": [b"A"], "answers": [b"A"], "upload": [b"AB"], "given": [b"A", b"B"]}.get(shape, [])
    stats, two = call.stats, shape in ("upload", "bidi", "given")
    written = {"bidi": 2, "given": 2, "answers": 1, "server": 1}.get(shape, 0)
    assert (stats.started, stats.handled[0], sum(stats.handled), sum(stats.buckets)) == (1, 1, 1, 1)
    assert (stats.messages_in, stats.messages_out) == (2 if two else 0, written)
    assert 0 < stats.seconds < 60
    assert (len(call.limit.calls), len(call.limit.shares), call.log.lines) == (1, 0, [])


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_call_whose_limit_is_not_half_used_is_not_admitted_one_by_one(shape: str) -> None:
    call = Call(shape, limit=4, in_progress=1)

    await call.run()

    assert "admitted" not in call.steps
    assert (call.limit.counting, len(call.limit.calls)) == (False, 1)


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_first_call_beyond_half_of_the_limit_is_admitted_and_forgotten_at_its_end(shape: str) -> None:
    call = Call(shape, limit=4, in_progress=2)

    await call.run()

    assert "admitted" in call.steps
    # The two that are in progress have no context, so they cannot be counted; this one is counted no longer.
    assert (call.limit.counting, len(call.limit.shares)) == (True, 0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("unary", [b"A"]),
        ("upload", [b"AB"]),
        ("answers", [b"A"]),
        ("given", [b"A", b"B"]),
        ("server", []),
        ("bidi", []),
    ],
)
async def test_messages_without_a_codec_are_bytes(shape: str, expected: list[bytes]) -> None:
    call = Call(shape, codec=False)

    assert await call.run() == expected
    assert [step for step in call.steps if step.startswith("wrote")] == {
        "server": ["wrote x"],
        "bidi": ["wrote A", "wrote B"],
    }.get(shape, [])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("verbose", [True, False])
async def test_a_call_that_succeeds_is_logged_if_all_are(shape: str, verbose: bool) -> None:
    call = Call(shape, verbose=verbose)

    await call.run()

    lines = [(event, {**facts, "milliseconds": facts["milliseconds"] > 0}) for event, facts in call.log.lines]
    logged = {"method": "/s/M", "milliseconds": True, "code": "OK", "request_id": "of-the-client"}
    assert lines == [("call", logged)] * verbose


@pytest.mark.parametrize(
    ("shape", "longest"), [("unary", 100.0), ("upload", 1_000.0), ("server", 1e300), ("bidi", 1e300), ("given", 1e300)]
)
async def test_a_call_has_the_time_of_its_shape(shape: str, longest: float) -> None:
    call = Call(shape, unary_seconds=100.0, upload_seconds=1_000.0, idle_seconds=5_000.0)

    await call.run()

    (left,) = call.deadlines
    assert left > 1e300 if longest == 1e300 else longest - 60 < left <= longest


@pytest.mark.parametrize(
    ("shape", "upload_seconds", "expected"), [("upload", 1_000.0, 50.0), ("upload", 20.0, 20.0), ("given", 1.0, 50.0)]
)
async def test_the_next_message_of_a_client_that_streams_must_come_in_time(
    shape: str, upload_seconds: float, expected: float
) -> None:
    call, found = Call(shape, upload_seconds=upload_seconds, idle_seconds=50.0), list[float]()

    async def read() -> Any:
        found.append(call.limit.calls[asyncio.current_task()][0] - perf_counter())
        return next(call.messages)

    call.read = read  # type: ignore[method-assign]
    await call.run()

    assert len(found) == 3
    assert all(expected - 15 < left <= expected for left in found)


@pytest.mark.parametrize("shape", ["unary", "server", "answers"])
@pytest.mark.parametrize(("waiting", "ended"), [(1, 0), (2, 1)])
async def test_a_call_that_waits_for_its_message_ends_the_first_of_too_many(
    shape: str, waiting: int, ended: int
) -> None:
    silent = SilentCalls(2)
    call, found = Call(shape, silent=silent, unary_seconds=100.0), list[float]()
    others = [asyncio.ensure_future(asyncio.sleep(60)) for _ in range(waiting)]
    silent.waiting.update(dict.fromkeys(others, 1.0))

    async def read() -> Any:
        found.append(silent.waiting[asyncio.current_task()] - perf_counter())
        return b"a"

    call.read = read  # type: ignore[method-assign]
    await call.run()

    assert (silent.ended, [bool(other.cancelling()) for other in others]) == (
        ended,
        [*[True] * ended, *[False] * (waiting - ended)],
    )
    assert 85 < found[0] <= 100
    assert len(silent.waiting) == waiting - ended
    for other in others:
        other.cancel()
