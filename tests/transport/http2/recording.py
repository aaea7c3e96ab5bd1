"""A connection whose server, ending and outgoing bytes write down what is asked of them."""

from __future__ import annotations

from typing import Any

from rolecall.transport.http2.connection import Http2Connection
from tests.transport.http2.test_acceptance import server
from tests.transport.http2.test_portions import Reading


class RecordingCall:
    """A call that writes down that it is cancelled."""

    def __init__(self, stream: int, done: list[Any], incoming: object = None) -> None:
        self.stream, self.incoming, self.over = stream, incoming, False
        self._done = done

    def cancel(self) -> None:
        self._done.append(("cancel", self.stream))


def connected(transport: Reading, done: list[Any]) -> Any:
    """Return a connection that writes into `done`."""
    made: Any = Http2Connection(server())
    made.connection_made(transport)
    memory: Any = type("Memory", (), {})()
    for name in ("expect_rest", "complete", "release", "wait"):
        setattr(memory, name, lambda of, name=name: done.append((name, of)))
    made.server.memory = memory
    made.flush, made.ending.look = lambda: done.append("flush"), lambda: done.append("look")
    return made
