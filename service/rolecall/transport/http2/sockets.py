"""Listening sockets of endpoints."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from rolecall.transport.endpoint import AddressError, Endpoint, family_of

UNSENT_BYTES = 128 * 1024
"""How much of the answers of one connection the kernel buffers beyond what is on its way: by default it is up to megabytes."""

_UNIX = "unix:"


def listening_socket(endpoint: Endpoint, backlog: int) -> socket.socket:
    """Return a listening socket that does not block; raise `OSError` or `AddressError`."""
    unix = endpoint.address.startswith(_UNIX)
    bound = _unix_socket(endpoint, backlog) if unix else _tcp_socket(endpoint, backlog)
    bound.setblocking(False)  # noqa: FBT003  (the standard library has no keyword here)
    return bound


def _tcp_socket(endpoint: Endpoint, backlog: int) -> socket.socket:
    host, _, port = endpoint.address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    bound = socket.create_server((host, int(port)), family=family_of(host), backlog=backlog)
    # Accepted connections inherit it: an answer is one write, which must not wait for more.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A client that does not read is noticed after so many bytes, and its next calls are not read.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    return bound


def _unix_socket(endpoint: Endpoint, backlog: int) -> socket.socket:
    path = Path(endpoint.address.removeprefix(_UNIX))
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX)
    try:
        bound.bind(str(path))
        if endpoint.access is not None:
            # Before it listens nobody can connect, so that no other user can in between.
            endpoint.access.apply(path)
        bound.listen(backlog)
    except (OSError, AddressError):
        bound.close()
        raise
    return bound


def _remove_stale(path: Path) -> None:
    """Remove the file of a server that was killed; raise `OSError` if a server listens on it."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


class SocketFile:
    """The file of a Unix socket, which a server removes when it stops, unless another server has replaced it."""

    def __init__(self, bound: socket.socket) -> None:
        name = bound.getsockname()
        self._path = Path(name) if bound.family == socket.AF_UNIX else None
        self._file = self._found()

    def remove(self) -> None:
        """Remove the file if it is still the same, and there is one."""
        if self._path and self._file and self._found() == self._file:
            self._path.unlink()

    def _found(self) -> tuple[int, int] | None:
        with suppress(OSError):
            if self._path:
                status = self._path.stat()
                return status.st_dev, status.st_ino
        return None
