"""A channel that is replaced while calls go on: those in progress end on the old one, which is closed after them.

The channels of gRPC read their TLS files once, so other files need another channel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rolecall_client.errors import closed_error
from rolecall_client.methods import Method, callables_of

if TYPE_CHECKING:
    from rolecall_client.connection.tls import ReloadingTls, TlsMaterial

MAX_REPLACED = 4
"""The most channels that are replaced and still have calls. Until one of them ends the current channel stays."""

Channel = TypeVar("Channel")


class OneChannel(Generic[Channel]):
    """One channel, with what calls its methods and the number of its calls."""

    __slots__ = ("callables", "calls", "channel", "streams")

    def __init__(self, channel: Channel) -> None:
        self.channel, self.calls = channel, 0
        self.callables: dict[Method[Any, Any], Any] = callables_of(channel)
        self.streams: dict[object, Callable[[], object]] = {}


class ReplaceableChannel(Generic[Channel]):
    """The channel of a client. `open_channel` opens one with TLS files, or without any; `close_channel` closes one.

    Safe to share between threads.
    """

    def __init__(
        self,
        open_channel: Callable[[TlsMaterial | None], Channel],
        close_channel: Callable[[Channel], object],
        tls: ReloadingTls | None,
    ) -> None:
        self._open, self._close_channel, self._tls = open_channel, close_channel, tls
        self._lock, self._is_closed = threading.Lock(), False
        self._current = OneChannel(open_channel(None if tls is None else tls.material))
        self._replaced: set[OneChannel[Channel]] = set()

    def use(self) -> OneChannel[Channel]:
        """Return the channel of a new call, whose end `done` must report; raise `RolecallError` if this is closed."""
        if self._tls is None and not self._is_closed:
            return self._current  # it is never replaced, so nothing needs the number of its calls
        self.refresh()
        with self._lock:
            if self._is_closed:
                raise closed_error()
            self._current.calls += 1
            return self._current

    def done(self, used: OneChannel[Channel]) -> None:
        """Note that a call has ended."""
        if self._tls is None:
            return
        with self._lock:
            used.calls -= 1
            if used.calls or used not in self._replaced:
                return
            self._replaced.discard(used)
        self._close_channel(used.channel)

    def refresh(self) -> None:
        """Replace the channel if the TLS files have changed. Its streams end, since they are opened again by their owners."""
        if self._tls is None:
            return
        with self._lock:
            old = self._replace(self._tls)
        if old is None:
            return
        for cancel in list(old.streams.values()):
            cancel()
        self._close_if_unused(old)

    def is_current(self, used: OneChannel[Channel]) -> bool:
        """Return whether new calls use this channel."""
        return used is self._current

    def refreshed_material(self) -> TlsMaterial | None:
        """Return the TLS files that a new call would use."""
        self.refresh()
        return None if self._tls is None else self._tls.material

    @property
    def is_closed(self) -> bool:
        """Return whether the client was closed."""
        return self._is_closed

    def close(self) -> list[Channel]:
        """Allow no further calls; return the channels to close."""
        with self._lock:
            if self._is_closed:
                return []
            self._is_closed = True
            open_ = [self._current.channel, *(old.channel for old in self._replaced)]
            self._replaced.clear()
            return open_

    def _replace(self, tls: ReloadingTls) -> OneChannel[Channel] | None:
        if self._is_closed or len(self._replaced) >= MAX_REPLACED:
            return None
        material = tls.changed()
        if material is None:
            return None
        old, self._current = self._current, OneChannel(self._open(material))
        self._replaced.add(old)
        return old

    def _close_if_unused(self, old: OneChannel[Channel]) -> None:
        with self._lock:
            if old.calls or old not in self._replaced:
                return
            self._replaced.discard(old)
        self._close_channel(old.channel)
