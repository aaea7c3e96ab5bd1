"""Clients that share nothing but this process: each has connections of its own, as clients of separate processes have.

gRPC lends one connection to all channels of a process that lead to the same place, so that a new client would begin in the middle of
another one's backoff. And it wants to be told of every fork, of which a process that starts databases has many.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

from rolecall_client import RolecallClient, channel

_APART = ("grpc.use_local_subchannel_pool", 1)


def open_client(address: str, seconds: float) -> RolecallClient:
    """Return a client, with the settings that it is shipped with, whose calls take at most `seconds`."""
    stand_apart()
    return RolecallClient(address, timeout=seconds)


def stand_apart() -> None:
    """Give every channel that the client opens from now on connections of its own."""
    if _APART not in channel.OPTIONS:
        channel.OPTIONS = (*channel.OPTIONS, _APART)
