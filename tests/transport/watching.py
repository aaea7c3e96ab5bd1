"""Watches of a test: streams that are opened and read."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from rolecall_client.v1 import role_pb2, watch_pb2 as pb
from tests.server.serving import Served
from tests.transport.refusals import Refusal, refusal_of

CREATED, UPDATED, DELETED = role_pb2.CHANGE_KIND_CREATED, role_pb2.CHANGE_KIND_UPDATED, role_pb2.CHANGE_KIND_DELETED


class Watching:
    """One stream. `changes` and `checkpoint` are what has been read so far."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.changes: list[pb.RoleWatchChange] = []
        self.checkpoint = pb.WatchCheckpoint()
        self.resync = ""

    async def read(self) -> pb.WatchRolesResponse | None:
        """Read one message, None at the end; raise what the stream ends with."""
        message = await asyncio.wait_for(self.stream.read(), 20)
        if message is grpc.aio.EOF:
            return None
        match message.WhichOneof("event"):
            case "change":
                self.changes.append(message.change)
            case "checkpoint":
                self.checkpoint = message.checkpoint
            case "resync_required":
                self.resync = message.resync_required.reason
        assert isinstance(message, pb.WatchRolesResponse)
        return message

    async def up_to(self, revision: int) -> list[pb.RoleWatchChange]:
        """Read until a checkpoint has reached a revision; return the changes so far."""
        while not self.checkpoint.token or self.checkpoint.revision < revision:
            assert await self.read() is not None
        return self.changes

    async def ended(self) -> Refusal:
        """Read on until the stream ends with an error; return it."""
        try:
            while await self.read():
                pass
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)
        raise AssertionError("the stream ended without an error")

    def names(self) -> list[tuple[int, int, str]]:
        """Return the revision, kind and role of each change."""
        return [(change.revision, change.kind, change.role.role_name) for change in self.changes]


def watch(
    service: Served, start_token: str = "", *, initial: bool = False, accounts: tuple[str, ...] = (), stub: Any = None
) -> Watching:
    request = pb.WatchRolesRequest(start_token=start_token, include_initial_state=initial, account_ids=accounts)
    return Watching((stub or service.watches).WatchRoles(request))


def watchers(service: Served) -> int:
    """Return how many watches the server has under way."""
    return len(service.server.grpc_server.limits.watches.calls)
