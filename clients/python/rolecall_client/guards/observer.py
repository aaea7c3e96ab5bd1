"""Decides about calls beside them, on threads of its own, so that no call waits for a decision."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Full, Queue

from rolecall_client.guards.decision import GuardDecision
from rolecall_client.guards.judgement import MAX_OBSERVED, GuardedCall, not_observed

OBSERVERS = 4
"""The threads of an observer."""


class Observer:
    """Decides about at most `MAX_OBSERVED` calls at the same time; of further ones it reports that they were not observed."""

    def __init__(self, judge: Callable[[GuardedCall], object], report: Callable[[GuardDecision], object]) -> None:
        self._judge, self._report = judge, report
        self._calls: Queue[GuardedCall | None] = Queue(MAX_OBSERVED)
        self._lock, self._threads, self._closed = threading.Lock(), list[threading.Thread](), False

    def observe(self, call: GuardedCall) -> None:
        """Have a call decided soon, or report that it is not."""
        if not self._put(call):
            self._report(not_observed(call))

    def close(self) -> None:
        """Decide what is waiting, and end the threads."""
        with self._lock:
            self._closed = True
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _put(self, call: GuardedCall) -> bool:
        with self._lock:
            if self._closed:
                return False
            self._start()
            try:
                self._calls.put_nowait(call)
            except Full:
                return False
            return True

    def _start(self) -> None:
        if not self._threads:
            # As daemons they do not keep a process alive that ends without `close`.
            self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(OBSERVERS)]
            for thread in self._threads:
                thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._judge(call)
