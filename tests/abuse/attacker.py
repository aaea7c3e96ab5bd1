"""A client that breaks the rules on purpose, and a caller beside it that must not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc

from rolecall.transport.http2.server import Http2Server
from rolecall_client.v1 import decision_pb2_grpc
from tests.server.serving import Served, check
from tests.transport import frames

PATIENCE_SECONDS = 60


def wire(service: Served) -> Http2Server:
    """Return the transport of a server."""
    transport: Any = service.server.grpc_server.wire
    return transport  # type: ignore[no-any-return]


class Attacker:
    """One connection, of which nothing is read unless a test does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.frames = reader, writer, frames.Frames(reader)

    async def send(self, parts: Iterable[bytes]) -> int:
        """Send parts until the server ends the connection; return how many were sent."""
        sent = 0
        with suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()
                sent += 1
        return sent

    async def ending(self) -> int | None:
        """Return the error code with which the server ends the connection; None if it says none."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            goaways = [payload for kind, _, _, payload in await self.frames.rest() if kind == frames.GOAWAY]
        return int.from_bytes(goaways[-1][4:8], "big") if goaways else None


async def answered(one: Attacker, stream: int) -> bool:
    """Return whether a call is answered with a message before the connection ends."""
    while received := await one.frames.next():
        if received[0] == frames.DATA and received[2] == stream:
            return True
    return False


@asynccontextmanager
async def attacker(service: Served, *settings: tuple[int, int]) -> AsyncIterator[Attacker]:
    """Give a connection with these settings."""
    host, _, port = service.server.bound.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0, b"".join(frames.setting(*one) for one in settings))
    )
    try:
        yield Attacker(reader, writer)
    finally:
        writer.transport.abort()


class Bystander:
    """A caller that asks all the time: every one of its checks must be answered."""

    def __init__(self, channel: Any) -> None:
        self._stub = decision_pb2_grpc.DecisionServiceStub(channel)
        self.answered, self.stopping = 0, False

    async def ask(self) -> None:
        while not self.stopping:
            await self._stub.CheckAssumeRole(check(), timeout=PATIENCE_SECONDS)
            self.answered += 1
            await asyncio.sleep(0)


@asynccontextmanager
async def bystander(service: Served) -> AsyncIterator[Bystander]:
    """Give a caller that asks until the end of the block, and of whom no call may fail."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(service.server.bound.address, options=options) as channel:
        caller = Bystander(channel)
        asking = asyncio.create_task(caller.ask())
        yield caller
        before = caller.answered
        async with asyncio.timeout(PATIENCE_SECONDS):
            while caller.answered < before + 3:
                assert not asking.done(), asking.exception()
                await asyncio.sleep(0.001)
            # Not cancelled: grpc.aio drops a cancellation that meets the answer, and this would ask for ever.
            caller.stopping = True
            await asking
