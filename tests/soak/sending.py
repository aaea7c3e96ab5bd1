"""Sends writes to the servers of one store until one of them answers, and some writes twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeVar

import grpc

from rolecall_client.v1 import role_pb2 as r
from tests.soak.servers import Asks

T = TypeVar("T")

CALL_SECONDS = 60.0
_TRIES = 10
_TRY_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_LONGEST_PAUSE_SECONDS = 3.0
_REPEATED = 0.1
_CATCH_UP_SECONDS = 60.0


class UnpredictedWriteError(Exception):
    """A write had another result than the model predicts: what comes after cannot be judged."""


class Sender:
    """Sends each write to one of the servers; `repeats` counts the writes that were sent twice."""

    def __init__(self, servers: Sequence[Asks], random: Random) -> None:
        self._servers, self._random = servers, random
        self.repeats = 0

    async def send(self, call: Callable[[Asks], Awaitable[T]]) -> T:
        """Make a write, which has a request id; a repeat of it through any server must have the first result."""
        first = await self._until_answered(call)
        if self._random.random() < _REPEATED:
            repeat = await self._until_answered(call)
            expect(repeat == first, f"a repeat has another result: {first} and {repeat}")
            self.repeats += 1
        return first

    async def read(self, arn: str, revision: int) -> r.Role:
        """Return a role as a server shows it that has reached a revision in which the role changed."""
        request, until = r.GetRoleRequest(role=arn), time.monotonic() + _CATCH_UP_SECONDS
        server = self._random.choice(self._servers)
        while time.monotonic() < until:
            try:
                role = (await server.roles.GetRole(request, timeout=CALL_SECONDS)).role
            except grpc.aio.AioRpcError as error:
                if error.code() not in (*_TRY_AGAIN, grpc.StatusCode.NOT_FOUND):
                    raise
            else:
                if role.revision >= revision:
                    return role
            await asyncio.sleep(0.02)
        raise UnpredictedWriteError(f"{server.name} does not show {arn} of revision {revision}")

    async def _until_answered(self, call: Callable[[Asks], Awaitable[T]]) -> T:
        for tries in range(_TRIES):
            try:
                return await call(self._random.choice(self._servers))
            except grpc.aio.AioRpcError as error:
                if error.code() not in _TRY_AGAIN or tries == _TRIES - 1:
                    raise UnpredictedWriteError(f"a write failed: {error.code().name} {error.details()}") from error
                await asyncio.sleep(min(0.1 * 2**tries, _LONGEST_PAUSE_SECONDS))
        raise AssertionError


def expect(held: bool, what: str) -> None:
    """Raise `UnpredictedWriteError` unless it held."""
    if not held:
        raise UnpredictedWriteError(what)
