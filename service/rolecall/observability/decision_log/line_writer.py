"""Lines on their way to a disk, which may be slow, full or gone: they wait in bounded room, and who does not fit is counted.

The thread that decides only puts them there. Another thread gathers them for a moment and writes what it has at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from rolecall.observability.decision_log.sinks import Sink

GATHER_SECONDS = 0.1
RETRY_SECONDS = 1.0
MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Beside the number of lines: what a queue full of the longest ones may hold."""

Tell = Callable[[str], None]
"""Tells of trouble, in one sentence."""


class LineWriter:
    """Writes lines to a sink from `start` to `close`. Each counter has one thread that counts: plain integers suffice."""

    def __init__(self, sink: Sink, *, max_lines: int, tell: Tell) -> None:
        self.queued = self.written = self.flush_errors = self.lost = 0
        self._queued_bytes = self._written_bytes = 0
        self._sink, self._max_lines, self._tell = sink, max_lines, tell
        self._lines: deque[bytes] = deque()
        self._chunk, self._chunk_lines = b"", 0
        self._work, self._hurry, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._reopening = False
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)

    @property
    def waiting(self) -> int:
        """Return how many lines are not written yet."""
        return self.queued - self.written - self.lost

    @property
    def has_room(self) -> bool:
        """Tell whether a further line may be put."""
        return (
            self.queued - self.written < self._max_lines
            and self._queued_bytes - self._written_bytes < MAX_WAITING_BYTES
        )

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Take a line to be written soon."""
        self._lines.append(line)
        self.queued += 1
        self._queued_bytes += len(line)
        if not self._work.is_set():
            self._work.set()
        if self.waiting * 2 == self._max_lines:
            self._hurry.set()

    def reopen(self) -> None:
        """Have the sink begin anew, soon."""
        self._reopening = True
        self._work.set()

    def close(self, timeout: float) -> None:
        """Write what is waiting, but for no longer than `timeout` seconds; what is left then is lost, counted and told."""
        self._closing.set()
        self._hurry.set()
        self._work.set()
        self._thread.join(timeout)
        self.lost = self.waiting
        if self.lost:
            self._tell("the server stopped before they could be written")
        if not self._thread.is_alive():
            self._sink.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._work.wait()
            self._hurry.wait(GATHER_SECONDS)
            self._work.clear()
            self._hurry.clear()
            if not (self._begun_anew() and self._flushed()):
                self._closing.wait(RETRY_SECONDS)
                self._work.set()
        self._flushed()

    def _begun_anew(self) -> bool:
        if self._reopening:
            self._reopening = False
            return self._survived(self._sink.reopen)
        return True

    def _flushed(self) -> bool:
        while self._chunk or self._gathered():
            if not self._survived(lambda: self._sink.append(self._chunk)):
                return False
            self.written += self._chunk_lines
            self._written_bytes += len(self._chunk)
            self._chunk = b""
        return True

    def _gathered(self) -> bool:
        """Make a chunk of the lines at the head of the queue; tell whether there is one."""
        lines: list[bytes] = []
        size = 0
        while self._lines and (not lines or size + len(self._lines[0]) <= self._sink.largest):
            lines.append(self._lines.popleft())
            size += len(lines[-1])
        self._chunk, self._chunk_lines = b"".join(lines), len(lines)
        return bool(lines)

    def _survived(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except OSError as error:
            self.flush_errors += 1
            self._tell((error.strerror or str(error)).lower())
            return False
        return True
