"""Decides about calls beside them, on threads of its own, so that no call waits for a decision."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Full, Queue

from rolecall_client.guards.judgement import MAX_OBSERVED

Observation = Callable[[], object]
"""Decides about one call, and reports it. Never raises."""

OBSERVERS = 4
"""The threads of an observer."""


class Observer:
    """Makes at most `MAX_OBSERVED` observations at the same time. Its threads start with the first one."""

    def __init__(self) -> None:
        self._observations: Queue[Observation | None] = Queue(MAX_OBSERVED)
        self._lock, self._threads, self._closed = threading.Lock(), list[threading.Thread](), False

    def observe(self, observation: Observation) -> bool:
        """Have an observation made soon; return whether there is room for it."""
        with self._lock:
            if self._closed:
                return False
            self._start()
            try:
                self._observations.put_nowait(observation)
            except Full:
                return False
            return True

    def close(self) -> None:
        """Make what is waiting, and end the threads."""
        with self._lock:
            self._closed = True
        for _ in self._threads:
            self._observations.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        if not self._threads:
            # As daemons they do not keep a process alive that ends without `close`.
            self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(OBSERVERS)]
            for thread in self._threads:
                thread.start()

    def _run(self) -> None:
        while (observation := self._observations.get()) is not None:
            observation()
