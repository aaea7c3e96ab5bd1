"""Clients with connections of their own, as clients in separate processes have.

By default gRPC shares one connection between all channels of a process to the same address, so a new client would inherit the backoff
of another. It also intercepts every fork, and a process that starts databases forks often.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

from rolecall_client import RolecallClient, channel

_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)


def open_client(address: str, seconds: float) -> RolecallClient:
    """Return a client with its default settings, whose calls take at most `seconds`."""
    isolate_connections()
    return RolecallClient(address, timeout=seconds)


def isolate_connections() -> None:
    """Make every channel that the client opens from now on use connections of its own."""
    if _OWN_CONNECTIONS not in channel.OPTIONS:
        channel.OPTIONS = (*channel.OPTIONS, _OWN_CONNECTIONS)
