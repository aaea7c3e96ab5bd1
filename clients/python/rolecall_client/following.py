"""Feed a sink from a watch on a thread, as long as the client is open.

1. A watch that must start over calls `restart` of the sink first, so nothing that was built survives lost changes.
2. An error that no later watch would avoid, such as a missing right, ends it: the sink gets the error, and no event after it.
   With `refused_pause` a watch is tried again after that time, since a right can be given again.
"""

from __future__ import annotations

import math
import random
import threading
from typing import Any

from rolecall_client.errors import RolecallError
from rolecall_client.v1 import watch_pb2 as w
from rolecall_client.watch import Open, Watch
from rolecall_client.watch_sink import WatchSink

FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 0.1, 30.0
CLOSE_SECONDS = 10.0

_PERMANENT_CODES = frozenset({"PERMISSION_DENIED", "UNIMPLEMENTED", "INVALID_ARGUMENT"})


def is_permanent(error: RolecallError) -> bool:
    """Return whether every later watch with the same request would fail in the same way."""
    return error.code in _PERMANENT_CODES


class Pauses:
    """The pauses between watches: random, and longer after each that failed, up to `longest` seconds.

    `refused` is the pause after an error that no other watch would avoid.
    """

    def __init__(self, refused: float | None = None, longest: float = MOST_PAUSE_SECONDS) -> None:
        self._most, self._refused, self._longest = FIRST_PAUSE_SECONDS, refused, longest

    def start_over(self) -> None:
        """Make the next pause short: a watch works."""
        self._most = FIRST_PAUSE_SECONDS

    def after(self, error: RolecallError) -> float | None:
        """Return the seconds of the pause after an error; None: no other watch follows."""
        return self._refused if is_permanent(error) else self.next()

    def next(self) -> float:
        """Return the seconds of the next pause."""
        seconds = self._most * random.uniform(0.5, 1)  # noqa: S311  (it spreads load; it is no secret)
        self._most = min(self._most * 2, self._longest)
        return seconds


class Following:
    """Feeds a sink from the watch of a request, from `start` until `close`.

    `open_stream` is `WatchRoles` of a stub. The first message of a watch must arrive within `timeout` seconds.
    """

    def __init__(
        self,
        sink: WatchSink,
        open_stream: Open,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        refused_pause: float | None = None,
    ) -> None:
        self._sink, self._request, self._timeout = sink, request, timeout
        self._streams = _Streams(open_stream)
        self._pauses = Pauses(refused_pause)
        self._opened_at = 0.0
        self._thread = threading.Thread(target=self._run, name="rolecall-following", daemon=True)
        self._starting, self._started = threading.Lock(), False

    def start(self) -> None:
        """Start the thread, unless it was started before or this is closed."""
        with self._starting:
            if not self._started and not self._streams.closed.is_set():
                self._sink.restart()
                self._thread.start()
            self._started = True

    def close(self) -> None:
        """End the watch, and wait for the thread, unless this is called on it."""
        with self._starting:
            self._streams.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            error = self._follow()
            if self._streams.closed.is_set():
                return
            self._sink.broken(error)
            pause = self._pauses.after(error)
            if pause is None or self._streams.closed.wait(pause):
                return
            self._sink.restart()

    def _follow(self) -> RolecallError:
        """Feed the sink until the watch ends; return the error that ended it."""
        request = w.WatchRolesRequest()
        request.CopyFrom(self._request)
        watch = Watch(
            self._streams.open,
            request,
            timeout=self._timeout,
            give_up_after=math.inf,
            resumed=self._on_broken,
            opened=self._on_opened,
            pause=self._streams.closed.wait,
        )
        try:
            for event in watch.events():
                if isinstance(event, w.RoleWatchChange):
                    self._sink.change(event)
                else:
                    self._sink.checkpoint(event, self._opened_at)
                    self._pauses.start_over()
        except RolecallError as error:
            return error
        raise AssertionError("a watch ends with an error")

    def _on_opened(self, at: float) -> None:
        self._opened_at = at

    def _on_broken(self, error: RolecallError) -> None:
        if not self._streams.closed.is_set():
            self._sink.broken(error)


class _Streams:
    """Opens streams until it is closed, which cancels the open one."""

    def __init__(self, open_stream: Open) -> None:
        self._open, self._lock, self.closed = open_stream, threading.Lock(), threading.Event()
        self._stream: Any = None

    def open(self, request: w.WatchRolesRequest) -> Any:  # noqa: ANN401 - gRPC's calls have no public type
        """Open a stream; raise `ValueError` when this is closed."""
        if self.closed.is_set():
            raise ValueError("closed")
        # Not under the lock: a token may come from a command, for which nobody who closes the client should wait.
        stream = self._open(request)
        with self._lock:
            self._stream = stream
            if self.closed.is_set():
                stream.cancel()
                raise ValueError("closed")
        return stream

    def close(self) -> None:
        """Cancel the open stream, and open no other."""
        with self._lock:
            self.closed.set()
            if self._stream is not None:
                self._stream.cancel()
