"""The error boundary: every call that fails ends here, gets its status, and is counted and logged once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol

import grpc
from grpc.aio import AbortError
from grpc_status import rpc_status

from rolecall.transport.codecs.federation import log_refusal
from rolecall.transport.error_status import SERVER_FAULTS, is_expected, status_of
from rolecall.transport.errors import STREAM_ENDINGS, RefusedCallerError, UnauthenticatedError
from rolecall.transport.rpc.call_context import CallContext, request_id
from rolecall.transport.rpc.refusal_log import RefusalLog
from rolecall.transport.rpc.stats import MethodStats

_CANCELLED = grpc.StatusCode.CANCELLED.value[0]
_DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
_UNKNOWN = grpc.StatusCode.UNKNOWN.value[0]
_OK = "OK"


class CallLog(Protocol):
    """A structured log, with one line for each call that is logged."""

    def debug(self, event: str, **facts: object) -> object:
        """Log a call that succeeded, or that failed because of its caller."""
        ...

    def warning(self, event: str, **facts: object) -> object:
        """Log a call that failed because of the server, for a known reason."""
        ...

    def error(self, event: str, **facts: object) -> object:
        """Log a call that failed with an unexpected error."""
        ...


class ErrorBoundary:
    """Ends failed calls. With `verbose`, successful calls are logged too. `refusals` logs calls whose credentials are refused."""

    def __init__(self, log: CallLog, *, verbose: bool, refusals: RefusalLog | None = None) -> None:
        self._log, self._refusals = log, refusals or RefusalLog(log)
        self.verbose = verbose

    async def close(
        self, error: BaseException, context: CallContext, stats: MethodStats, began: float, cause: Exception | None
    ) -> None:
        """End a call with the status of `error` and raise `AbortError`; return if the call has ended already.

        `cause` is given when the server cancelled the call, and is the reason.
        """
        if cause is not None and isinstance(error, asyncio.CancelledError):
            _current_task().uncancel()
            error = cause
        if isinstance(error, Exception) and not isinstance(error, AbortError):
            await self._abort(error, context, stats, began)
        code = _code_of_ended_call(error, context)
        stats.handle(code, perf_counter() - began)
        _log_call(self._log.debug, stats, began, code=_name(code))

    def log_success(self, context: CallContext, stats: MethodStats, began: float) -> None:
        """Log a call that succeeded."""
        _log_call(self._log.debug, stats, began, code=_OK, request_id=request_id(context))

    async def _abort(self, error: Exception, context: CallContext, stats: MethodStats, began: float) -> None:
        correlation = request_id(context)
        log_refusal(error)
        status = status_of(error, correlation)
        stats.handle(status.code, perf_counter() - began)
        facts = {"code": _name(status.code), "request_id": correlation}
        if isinstance(error, (RefusedCallerError, UnauthenticatedError)):
            self._refusals.note(error.cause, error.why, method=stats.name, peer=context.peer(), request_id=correlation)
        elif not is_expected(error):
            _log_call(self._log.error, stats, began, exc_info=error, **facts)
        elif status.code in SERVER_FAULTS and not isinstance(error, STREAM_ENDINGS):
            _log_call(self._log.warning, stats, began, error=str(error), **facts)
        else:
            _log_call(self._log.debug, stats, began, **facts)
        await context.abort_with_status(rpc_status.to_status(status))


def _log_call(log: Callable[..., object], stats: MethodStats, began: float, **facts: object) -> None:
    log("call", method=stats.name, milliseconds=round((perf_counter() - began) * 1_000, 3), **facts)


def _code_of_ended_call(error: BaseException, context: CallContext) -> int:
    """Return the code of a call that its client cancelled, whose deadline passed, or that ended with its own status."""
    if not isinstance(error, AbortError):
        # gRPC cancels a call at its deadline, too.
        return _DEADLINE_EXCEEDED if context.time_remaining() == 0 else _CANCELLED
    code: Any = context.code()
    return int(code.value[0]) if isinstance(code, grpc.StatusCode) else _UNKNOWN


def _name(code: int) -> str:
    return _NAMES.get(code, str(code))


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call must be handled by a task")
    return task


_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
