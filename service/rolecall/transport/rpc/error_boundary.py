"""The error boundary: every call that fails ends here, gets its status, and is counted and told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol
from uuid import uuid4

import grpc
from grpc.aio import AbortError, ServicerContext
from grpc_status import rpc_status

from rolecall.transport.error_status import SERVER_FAULTS, foreseen, status_of
from rolecall.transport.errors import STREAM_ENDINGS, OverdueError
from rolecall.transport.rpc.stats import MethodStats

REQUEST_ID_KEY = "x-request-id"
MAX_REQUEST_ID_CHARACTERS = 128

_CANCELLED = grpc.StatusCode.CANCELLED.value[0]
_DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
_UNKNOWN = grpc.StatusCode.UNKNOWN.value[0]
_OK = "OK"

Context = ServicerContext[Any, Any]


class CallLog(Protocol):
    """Where calls are told of: one line each."""

    def debug(self, event: str, **facts: object) -> object:
        """Tell of any call."""
        ...

    def warning(self, event: str, **facts: object) -> object:
        """Tell of a call that failed through no fault of the caller's."""
        ...

    def error(self, event: str, **facts: object) -> object:
        """Tell of a call that failed for a reason nobody foresaw."""
        ...


class ErrorBoundary:
    """Ends failed calls. `verbose` also tells of calls that went well."""

    def __init__(self, log: CallLog, *, verbose: bool) -> None:
        self._log = log
        self.verbose = verbose

    async def close(
        self, error: BaseException, context: Context, stats: MethodStats, began: float, overdue: float | None
    ) -> None:
        """End a call with the status of what went wrong, and raise `AbortError`; return if the call has ended already.

        `overdue` is the limit in seconds for which the server itself cancelled the call, if it did.
        """
        if overdue is not None and isinstance(error, asyncio.CancelledError):
            _own_task().uncancel()
            error = OverdueError(overdue)
        if isinstance(error, Exception) and not isinstance(error, AbortError):
            await self._abort(error, context, stats, began)
        code = _ended_with(error, context)
        stats.handle(code, perf_counter() - began)
        self._tell(self._log.debug, stats, began, code=_name(code))

    def tell_success(self, context: Context, stats: MethodStats, began: float) -> None:
        """Tell of a call that went well."""
        self._tell(self._log.debug, stats, began, code=_OK, request_id=request_id(context))

    async def _abort(self, error: Exception, context: Context, stats: MethodStats, began: float) -> None:
        correlation = request_id(context)
        status = status_of(error, correlation)
        stats.handle(status.code, perf_counter() - began)
        facts = {"code": _name(status.code), "request_id": correlation}
        if not foreseen(error):
            self._tell(self._log.error, stats, began, exc_info=error, **facts)
        elif status.code in SERVER_FAULTS and not isinstance(error, STREAM_ENDINGS):
            self._tell(self._log.warning, stats, began, error=str(error), **facts)
        else:
            self._tell(self._log.debug, stats, began, **facts)
        await context.abort_with_status(rpc_status.to_status(status))

    @staticmethod
    def _tell(tell: Callable[..., object], stats: MethodStats, began: float, **facts: object) -> None:
        tell("call", method=stats.name, milliseconds=round((perf_counter() - began) * 1_000, 3), **facts)


def request_id(context: Context) -> str:
    """Return the caller's name for the call if it gave exactly one that can be repeated in a log, else a new one."""
    given = [value for key, value in context.invocation_metadata() or () if key == REQUEST_ID_KEY]
    if len(given) == 1 and isinstance(given[0], str) and _repeatable(given[0]):
        return given[0]
    return uuid4().hex


def _repeatable(text: str) -> bool:
    return 1 <= len(text) <= MAX_REQUEST_ID_CHARACTERS and text.isascii() and text.isprintable()


def _ended_with(error: BaseException, context: Context) -> int:
    """Return the code of a call that has ended: by the caller's will or deadline, or with a status of its own."""
    if not isinstance(error, AbortError):
        # At its deadline a call is cancelled, too.
        return _DEADLINE_EXCEEDED if context.time_remaining() == 0 else _CANCELLED
    code: Any = context.code()
    return int(code.value[0]) if isinstance(code, grpc.StatusCode) else _UNKNOWN


def _name(code: int) -> str:
    return _NAMES.get(code, str(code))


def _own_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("calls are answered by tasks")
    return task


_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
