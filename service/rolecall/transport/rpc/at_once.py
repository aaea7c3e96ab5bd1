"""Calls that are answered at once, without a task, by a transport that can.

What cannot be answered so, or fails, returns None, and the method itself then takes the call from its beginning: so every
refusal, error and wait has one place.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeAlias

from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.stats import OK, MethodStats

AtOnce: TypeAlias = Callable[[bytes, CallContext], bytes | None]
"""Returns the response to the message of a call as bytes, or None."""


def wrap_at_once(answer: AtOnce, stats: MethodStats, middleware: Middleware) -> AtOnce | None:
    """Return `answer` with its middleware; None if its calls must be tasks, because they are limited in rate or all logged."""
    if middleware.rate or middleware.boundary.verbose:
        return None
    authenticate, permitted = middleware.authenticate, middleware.permits(stats.name)
    concurrency = middleware.limit_of(stats)
    calls, half = concurrency.calls, concurrency.half

    def answered(data: bytes, context: CallContext) -> bytes | None:
        if len(calls) >= half:
            return None
        began = perf_counter()
        try:
            if authenticate:
                authenticate(context)
            if permitted:
                permitted(context)
            response = answer(data, context)
        except Exception:  # noqa: BLE001 -- the method fails in the same way, before the error boundary
            return None
        if response is not None:
            stats.started += 1
            stats.handle(OK, perf_counter() - began)
        return response

    return answered
