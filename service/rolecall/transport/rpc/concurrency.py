"""The limits of the calls in progress: how many there may be, of which callers, and how long each may take."""

from __future__ import annotations

import asyncio
import math
from typing import TypeAlias

from rolecall.transport.errors import TooManyCallsError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.call_origin import CallerName, CallOrigin, no_name, origin_of
from rolecall.transport.rpc.shares import Shares

NO_LIMIT = math.inf

Task: TypeAlias = "asyncio.Task[object] | None"

STOPPED = -math.inf
"""What `remove_failed` returns of a call that `stop` ended."""

_CANCELLED = -1.0
_COUNTED_AT_ONCE = 2


class ConcurrencyLimit:
    """The calls in progress, each with its deadline and its context. `of` names them in errors and metrics.

    Before a call is added while at least `free` are in progress, `admit` must be called, and after one is removed while
    `counting`, `forget`. Until `half` of the limit is in progress no caller is counted, so that calls cost nothing more; from
    then on every call is, until few are in progress.

    A sweep cancels overdue calls: a timer for every call would cost more than most calls do.
    """

    def __init__(self, limit: int, *, of: str = "calls", name_of: CallerName = no_name) -> None:
        self.limit, self.half, self.of = limit, limit // 2, of
        self.calls: dict[Task, tuple[float, CallContext | None]] = {}
        self.counting, self.free = False, self.half
        self.refused = 0
        self.shares = Shares(limit)
        self._name_of = name_of
        self._counted: dict[Task, CallOrigin] = {}
        self._uncounted: list[tuple[Task, CallContext | None]] = []
        self._passed: dict[Task, float] = {}

    def admit(self, task: Task, context: CallContext) -> None:
        """Count a call that is about to be added; raise `TooManyCallsError`."""
        if not self.counting:
            # A call that is not counted now would be missing from its caller's count once the limit is reached.
            self.counting, self.free = True, 0
            self._uncounted = [(task, context) for task, (_, context) in self.calls.items()]
        self._count_earlier_calls()
        caller = origin_of(context, self._name_of)
        if len(self.calls) >= self.limit and not self.shares.admit(caller, len(self.calls)):
            self.refused += 1
            raise TooManyCallsError(self.of, self.limit, self.shares.share(caller))
        self._count(task, caller)

    def forget(self, task: Task) -> None:
        """Stop counting a call that has ended, and all calls when few are in progress."""
        caller = self._counted.pop(task, None)
        if caller is not None:
            self.shares.remove(caller)
        if len(self.calls) <= self.limit // 8:
            self._stop_counting()

    def remove_failed(self, task: Task) -> float | None:
        """Remove a call, which may never have been added; return the deadline if `sweep` cancelled it for that, else None."""
        self.calls.pop(task, None)
        if self.counting:
            self.forget(task)
        return self._passed.pop(task, None)

    def sweep(self, now: float) -> None:
        """Cancel the calls whose deadline has passed at `now`, each once."""
        for task, (deadline, context) in list(self.calls.items()):
            # A call that is cancelled a second time would break off the status that it is sending.
            if task is not None and _CANCELLED < deadline <= now:
                self.calls[task] = _CANCELLED, context
                self._passed[task] = deadline
                task.cancel()

    def stop(self) -> None:
        """End the calls in progress because the server stops, unless a sweep has ended them."""
        for task, (deadline, context) in list(self.calls.items()):
            if task is not None and deadline != _CANCELLED:
                self.calls[task] = _CANCELLED, context
                self._passed[task] = STOPPED
                task.cancel()

    def _count_earlier_calls(self) -> None:
        # Each newcomer counts two of the calls before it. Half of the limit is uncounted at first, so all are counted before the
        # limit is reached, and no call pays for many.
        for _ in range(min(_COUNTED_AT_ONCE, len(self._uncounted))):
            task, context = self._uncounted.pop()
            if context is not None and task in self.calls:
                self._count(task, origin_of(context, self._name_of))

    def _count(self, task: Task, caller: CallOrigin) -> None:
        self._counted[task] = caller
        self.shares.add(caller)

    def _stop_counting(self) -> None:
        self.counting, self.free = False, self.half
        self.shares = Shares(self.limit)
        self._counted, self._uncounted = {}, []
