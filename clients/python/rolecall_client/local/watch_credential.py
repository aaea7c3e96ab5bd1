"""Under which credential a watch runs: another one has to be judged by the server before anything is decided for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rolecall_client.async_watch import AsyncOpen
from rolecall_client.v1 import watch_pb2 as w
from rolecall_client.watch import Open

Digest = Callable[[], bytes]
"""Returns a digest of the credential that the next call would send."""


class WatchCredential:
    """The credential whose watch the server has accepted. Any thread may ask `is_current`; the others are of the watch's own."""

    def __init__(self) -> None:
        self._opened = self._accepted = b""
        self._stream: Any = None

    def opened(self, stream: Any, digest: bytes) -> None:  # noqa: ANN401 - gRPC's calls have no public type
        """Note with which credential the stream was opened."""
        # In this order: a thread that sees the new stream sees its digest.
        self._stream = None
        self._opened, self._stream = digest, stream

    def accepted(self) -> None:
        """Note that the server has sent a checkpoint on the stream."""
        self._accepted = self._opened

    def is_current(self, digest: bytes) -> bool:
        """Return whether the server has accepted the watch of this credential; if not, have the stream opened again with it."""
        if digest == self._accepted:
            return True
        stream = self._stream
        if stream is not None and digest != self._opened:
            self._stream = None
            stream.cancel()
        return False


def noting(open_watch: Open, digest: Digest, credential: WatchCredential) -> Open:
    """Return what opens streams as `open_watch` does, and notes the credential."""

    def open_noted(request: w.WatchRolesRequest) -> Any:  # noqa: ANN401
        before = digest()
        stream = open_watch(request)
        credential.opened(stream, _sent(before, digest()))
        return stream

    return open_noted


def noting_later(open_watch: AsyncOpen, digest: Digest, credential: WatchCredential) -> AsyncOpen:
    """Return the same for an event loop."""

    async def open_noted(request: w.WatchRolesRequest) -> Any:  # noqa: ANN401
        before = digest()
        stream = await open_watch(request)
        credential.opened(stream, _sent(before, digest()))
        return stream

    return open_noted


def _sent(before: bytes, after: bytes) -> bytes:
    # If the credential changed meanwhile it is unknown which was sent: a digest that no credential has.
    return after if before == after else b"unknown"
