"""Ports of this machine that nobody listens on, and that no outgoing connection is given while nobody does."""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path

LOWEST = 12_000

_TRIED = count(os.getpid() * 41)


def free_port() -> int:
    """Return a port below those that the kernel hands out, so that a server which restarts finds it free again."""
    lowest_handed_out = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = LOWEST + next(_TRIED) % (lowest_handed_out - LOWEST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
