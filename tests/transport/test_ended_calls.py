"""How each kind of failed call is counted and logged: one record, at a level that says whose fault it is."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import grpc
import pytest
from grpc.aio import AbortError

from rolecall.engine.errors import StaleStateError
from rolecall.roles.errors import RoleNotFoundError
from rolecall.transport.codecs.federation import RefusedIdentityError
from rolecall.transport.errors import (
    OverdueError,
    RefusedCallerError,
    StreamAgeError,
    StreamIdleError,
    StreamStoppedError,
    UnauthenticatedError,
)
from rolecall.transport.rpc import error_boundary
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.stats import MethodStats
from tests.server.serving import for_ever

CODE = grpc.StatusCode


class Log:
    """A log that records its calls."""

    def __init__(self) -> None:
        self.records = list[tuple[str, str, dict[str, object]]]()

    def debug(self, event: str, **facts: object) -> None:
        self.records.append(("debug", event, facts))

    def warning(self, event: str, **facts: object) -> None:
        self.records.append(("warning", event, facts))

    def error(self, event: str, **facts: object) -> None:
        self.records.append(("error", event, facts))


class Context:
    def __init__(self, code: object = None, left: float | None = None) -> None:
        self._code, self._left = code, left
        self.statuses = list[Any]()

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", "call-7"),)

    def peer(self) -> str:
        return "ipv4:10.0.0.1:7"

    def code(self) -> object:
        return self._code

    def time_remaining(self) -> float | None:
        return self._left

    async def abort_with_status(self, status: Any) -> None:
        self.statuses.append(status)
        raise AbortError


class Ended:
    """A call that began one and a half seconds ago, and how it has ended."""

    def __init__(self) -> None:
        self.log = Log()
        self.boundary = ErrorBoundary(self.log, verbose=True)
        self.stats = MethodStats("s", "M", request_streaming=False, response_streaming=False)
        self.began = perf_counter() - 1.5

    async def with_error(self, error: BaseException, context: Any, cause: Exception | None = None) -> None:
        await self.boundary.close(error, context, self.stats, self.began, cause)

    def record(self) -> tuple[str, dict[str, object]]:
        """Return the level and the facts of the only record, without how long the call took."""
        ((level, event, facts),) = self.log.records
        milliseconds: Any = facts.pop("milliseconds")
        assert 1_500 <= milliseconds < 60_000
        assert milliseconds == round(milliseconds, 3)
        assert (event, facts.pop("method")) == ("call", "/s/M")
        return level, facts

    def counted(self) -> CODE:
        assert 1.5 <= self.stats.seconds < 60
        (number,) = [number for number, count in enumerate(self.stats.handled) if count]
        return next(code for code in CODE if code.value[0] == number)


UNEXPECTED, STALE = LookupError("x"), StaleStateError(400, 300)


@pytest.mark.parametrize(
    ("error", "level", "code", "more"),
    [
        (UNEXPECTED, "error", CODE.INTERNAL, {"exc_info": UNEXPECTED}),
        (STALE, "warning", CODE.UNAVAILABLE, {"error": str(STALE)}),
        (OverdueError(3), "warning", CODE.DEADLINE_EXCEEDED, {"error": str(OverdueError(3))}),
        (RoleNotFoundError("r"), "debug", CODE.NOT_FOUND, {}),
        (StreamStoppedError(), "debug", CODE.UNAVAILABLE, {}),
        (StreamAgeError(3), "debug", CODE.UNAVAILABLE, {}),
        (StreamIdleError(3), "debug", CODE.UNAVAILABLE, {}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_an_error_is_logged_by_whose_fault_it_is_and_sent(
    error: Exception, level: str, code: CODE, more: dict[str, object]
) -> None:
    ended, context = Ended(), Context()

    with pytest.raises(AbortError):
        await ended.with_error(error, context)

    assert ended.record() == (level, {"code": code.name, "request_id": "call-7", **more})
    assert ended.counted() is code
    assert [status.code for status in context.statuses] == [code]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RefusedCallerError("EXPIRED", "the token has expired"), "EXPIRED"),
        (UnauthenticatedError("it has 2 SPIFFE ids", spiffe_ids=2, dns_names=0), "CERTIFICATE_NAMES"),
    ],
)
async def test_a_refused_credential_is_logged_with_its_reason_alone(
    error: RefusedCallerError | UnauthenticatedError, cause: str
) -> None:
    ended, context = Ended(), Context()

    with pytest.raises(AbortError):
        await ended.with_error(error, context)

    facts = {"cause": cause, "why": error.why, "method": "/s/M", "peer": "ipv4:10.0.0.1:7", "request_id": "call-7"}
    assert ended.log.records == [("warning", "credentials_refused", facts)]
    assert ended.counted() is CODE.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("error", "context", "code"),
    [
        (asyncio.CancelledError(), Context(left=None), CODE.CANCELLED),
        (asyncio.CancelledError(), Context(left=0.5), CODE.CANCELLED),
        (asyncio.CancelledError(), Context(left=0), CODE.DEADLINE_EXCEEDED),
        (AbortError(), Context(CODE.ABORTED, left=0), CODE.ABORTED),
        (AbortError(), Context(None), CODE.UNKNOWN),
    ],
)
async def test_a_call_that_has_ended_already_is_counted_as_it_ended(
    error: BaseException, context: Context, code: CODE
) -> None:
    ended = Ended()

    await ended.with_error(error, context)

    assert ended.record() == ("debug", {"code": code.name})
    assert (ended.counted(), context.statuses) == (code, [])


async def test_a_call_that_the_server_cancels_ends_with_the_reason_and_its_task_continues() -> None:
    ended, context = Ended(), Context()

    async def call() -> int:
        try:
            await for_ever()
        except asyncio.CancelledError as error:
            with pytest.raises(AbortError):
                await ended.with_error(error, context, StreamAgeError(3))
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()

    assert await task == 0
    assert ended.record() == ("debug", {"code": "UNAVAILABLE", "request_id": "call-7"})
    assert context.statuses[0].details == str(StreamAgeError(3))


async def test_a_token_of_a_query_that_is_not_valid_is_logged_with_its_reason_once() -> None:
    ended, logged = Ended(), list[str]()

    with pytest.raises(AbortError):
        await ended.with_error(RefusedIdentityError(lambda: logged.append("why")), Context())

    assert logged == ["why"]
    assert ended.record() == ("debug", {"code": "INVALID_ARGUMENT", "request_id": "call-7"})


async def test_an_error_that_precedes_the_end_by_the_server_is_the_one_that_is_sent() -> None:
    ended, context = Ended(), Context()

    with pytest.raises(AbortError):
        await ended.with_error(RoleNotFoundError("r"), context, StreamAgeError(3))

    assert [status.code for status in context.statuses] == [CODE.NOT_FOUND]


def test_a_call_that_succeeded_is_logged_with_its_request_id() -> None:
    ended, context = Ended(), Context()

    ended.boundary.log_success(context, ended.stats, ended.began)  # type: ignore[arg-type]

    assert ended.record() == ("debug", {"code": "OK", "request_id": "call-7"})
    assert not any(ended.stats.handled)


async def test_a_call_that_is_cancelled_outside_of_any_task_is_a_fault_of_the_transport() -> None:
    ended, failed = Ended(), list[BaseException]()

    def close() -> None:
        closing = ended.with_error(asyncio.CancelledError(), Context(), StreamAgeError(3))
        try:
            closing.send(None)
        except RuntimeError as error:
            failed.append(error)

    asyncio.get_running_loop().call_soon(close)
    await asyncio.sleep(0)

    assert [str(error) for error in failed] == ["a call must be handled by a task"]


def test_the_duration_of_a_call_is_logged_in_milliseconds_to_the_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, context = Ended(), Context()
    monkeypatch.setattr(error_boundary, "perf_counter", lambda: 20.012_345_678)

    ended.boundary.log_success(context, ended.stats, 20.0)  # type: ignore[arg-type]

    assert [facts["milliseconds"] for _, _, facts in ended.log.records] == [12.346]
