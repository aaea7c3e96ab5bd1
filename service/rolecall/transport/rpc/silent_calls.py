"""Calls with one request message that has not arrived yet.

They are counted apart, so that calls without a message never refuse calls with one. When there are too many, the one that has
waited longest is ended for the next: a message follows its headers at once, so beside any number of silent calls the others
are answered.
"""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn, TypeAlias

from grpc.aio import EOF

from rolecall.transport.errors import (
    MissingMessageError,
    OverdueError,
    SilentCallError,
    StreamStoppedError,
    TransportError,
)
from rolecall.transport.rpc.call_context import CallContext

Task: TypeAlias = "asyncio.Task[object] | None"

MAX_SILENT = 1_000
"""How many calls may wait for their message: as many as one connection may have in progress."""


class SilentCalls:
    """The calls that wait for their message, each with its deadline, those that have waited longest first."""

    def __init__(self, limit: int = MAX_SILENT) -> None:
        self.limit = limit
        self.waiting: dict[Task, float] = {}
        self.ended = 0
        self._errors: dict[Task, TransportError] = {}

    async def message(self, context: CallContext, deadline: float) -> bytes:
        """Return the message of a call; raise `MissingMessageError`."""
        task = asyncio.current_task()
        if len(self.waiting) >= self.limit:
            self.make_room()
        self.waiting[task] = deadline
        data: Any = await context.read()
        del self.waiting[task]
        if data is EOF:
            await missing_message()
        return data  # type: ignore[no-any-return]

    def make_room(self) -> None:
        """End the call that has waited longest."""
        self._end(next(iter(self.waiting)), SilentCallError(self.limit))

    def sweep(self, now: float, limit_seconds: float) -> None:
        """End the calls whose deadline has passed at `now`."""
        for task, deadline in list(self.waiting.items()):
            if deadline <= now:
                self._end(task, OverdueError(limit_seconds))

    def stop(self) -> None:
        """End all calls because the server stops."""
        for task in list(self.waiting):
            self._end(task, StreamStoppedError())

    def remove_failed(self, task: Task) -> TransportError | None:
        """Remove a call, which may have its message; return the error with which the server ended it, if it did."""
        self.waiting.pop(task, None)
        return self._errors.pop(task, None)

    def __len__(self) -> int:
        return len(self.waiting)

    def _end(self, task: Task, error: TransportError) -> None:
        del self.waiting[task]
        if task is not None:
            self.ended += 1
            self._errors[task] = error
            task.cancel()


async def missing_message() -> NoReturn:
    """Raise `MissingMessageError`, unless the client has cancelled the call."""
    # The messages of a client that cancels end, too, one turn of the loop before the cancellation arrives.
    await asyncio.sleep(0)
    raise MissingMessageError
