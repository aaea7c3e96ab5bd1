"""Listening sockets of endpoints."""

from __future__ import annotations

import socket
import stat
from contextlib import suppress
from pathlib import Path

from rolecall.transport.endpoint import Endpoint, family_of

_UNIX = "unix:"


def listening_socket(endpoint: Endpoint, backlog: int) -> socket.socket:
    """Return a listening socket that does not block; raise `OSError`."""
    unix = endpoint.address.startswith(_UNIX)
    bound = _unix_socket(endpoint, backlog) if unix else _tcp_socket(endpoint, backlog)
    bound.setblocking(False)  # noqa: FBT003  (the standard library has no keyword here)
    return bound


def _tcp_socket(endpoint: Endpoint, backlog: int) -> socket.socket:
    host, _, port = endpoint.address.rpartition(":")
    host = host.strip("[]")
    bound = socket.create_server((host, int(port)), family=family_of(host), backlog=backlog)
    # Accepted connections inherit it: an answer is one write, which must not wait for more.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _unix_socket(endpoint: Endpoint, backlog: int) -> socket.socket:
    path = Path(endpoint.address.removeprefix(_UNIX))
    # The file of a server that was killed is left behind, and nobody listens on it.
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
    bound = socket.socket(socket.AF_UNIX)
    try:
        bound.bind(str(path))
        bound.listen(backlog)
    except OSError:
        bound.close()
        raise
    return bound
