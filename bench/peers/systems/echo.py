"""The lower bound: a bare grpc.aio server on uvloop that reads Rolecall's messages and returns one prepared response."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from bench.peers.systems.rolecall import Rolecall
from bench.processes import echo_server

BATCH = 100


@contextmanager
def start(_directory: Path) -> Iterator[Rolecall]:
    """Run the echo."""
    with echo_server(BATCH) as (pid, address), grpc.insecure_channel(address) as channel:
        yield Rolecall("echo", pid, channel, address, max_batch=BATCH)
