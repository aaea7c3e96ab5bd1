"""Writes lines on a background thread, in batches, from a bounded queue; the disk may be slow, full or gone."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from rolecall.observability.decision_log.sinks import Sink

BATCH_SECONDS = 0.1
RETRY_SECONDS = 1.0
MAX_QUEUED_BYTES = 64 * 1024 * 1024
"""Limit on the size of the queue, in addition to the number of lines."""

OnError: TypeAlias = Callable[[str], None]
"""Called with the description of an error, in one sentence."""


class LineWriter:
    """Writes lines to a sink from `start` to `close`."""

    def __init__(self, sink: Sink, *, max_lines: int, on_error: OnError) -> None:
        # Only one thread changes each counter, so that plain integers are safe.
        self.queued = self.written = self.flush_errors = self.lost = 0
        self._queued_bytes = self._written_bytes = 0
        self._sink, self._max_lines, self._on_error = sink, max_lines, on_error
        self._lines: deque[bytes] = deque()
        self._chunk, self._chunk_lines = b"", 0
        self._work, self._flush_now, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._reopening = False
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)

    @property
    def waiting(self) -> int:
        """Return how many lines are not written yet."""
        return self.queued - self.written - self.lost

    @property
    def has_room(self) -> bool:
        """Return whether another line may be put."""
        return (
            self.queued - self.written < self._max_lines and self._queued_bytes - self._written_bytes < MAX_QUEUED_BYTES
        )

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Queue a line."""
        self._lines.append(line)
        self.queued += 1
        self._queued_bytes += len(line)
        if not self._work.is_set():
            self._work.set()
        if self.waiting * 2 == self._max_lines:
            self._flush_now.set()

    def reopen(self) -> None:
        """Reopen the sink before the next write."""
        self._reopening = True
        self._work.set()

    def close(self, timeout: float) -> None:
        """Write what is queued, for at most `timeout` seconds; the rest is lost, counted and reported."""
        self._closing.set()
        self._flush_now.set()
        self._work.set()
        self._thread.join(timeout)
        self.lost = self.waiting
        if self.lost:
            self._on_error("the server stopped before they could be written")
        if not self._thread.is_alive():
            self._sink.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._work.wait()
            self._flush_now.wait(BATCH_SECONDS)
            self._work.clear()
            self._flush_now.clear()
            if not (self._reopened() and self._flushed()):
                self._closing.wait(RETRY_SECONDS)
                self._work.set()
        self._flushed()

    def _reopened(self) -> bool:
        if self._reopening:
            self._reopening = False
            return self._succeeded(self._sink.reopen)
        return True

    def _flushed(self) -> bool:
        while self._chunk or self._take_chunk():
            if not self._succeeded(lambda: self._sink.append(self._chunk)):
                return False
            self.written += self._chunk_lines
            self._written_bytes += len(self._chunk)
            self._chunk = b""
        return True

    def _take_chunk(self) -> bool:
        """Take a chunk of lines from the queue; return whether there is one."""
        lines: list[bytes] = []
        size = 0
        while self._lines and (not lines or size + len(self._lines[0]) <= self._sink.largest):
            lines.append(self._lines.popleft())
            size += len(lines[-1])
        self._chunk, self._chunk_lines = b"".join(lines), len(lines)
        return bool(lines)

    def _succeeded(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except OSError as error:
            self.flush_errors += 1
            self._on_error((error.strerror or str(error)).lower())
            return False
        return True
