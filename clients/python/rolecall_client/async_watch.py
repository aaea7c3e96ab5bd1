"""Watch roles from an event loop, by the rules of `watch`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from rolecall_client import watch_progress
from rolecall_client.boottime import boottime
from rolecall_client.errors import ResyncRequiredError, RolecallError
from rolecall_client.v1 import watch_pb2 as w
from rolecall_client.watch import ended_error, silent_error
from rolecall_client.watch_progress import (
    GIVE_UP_SECONDS,
    MOST_BACKOFF_SECONDS,
    Opened,
    Resumed,
    RoleWatchEvent,
    WatchProgress,
    ignore,
)

AsyncOpen = Callable[[w.WatchRolesRequest], Awaitable[Any]]
"""Opens a stream."""


class AsyncWatch:
    """One watch, over as many streams as it needs. The first message must arrive within `timeout` seconds."""

    def __init__(
        self,
        open_stream: AsyncOpen,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        give_up_after: float = GIVE_UP_SECONDS,
        resumed: Resumed = ignore,
        opened: Opened = ignore,
        longest_pause: float = MOST_BACKOFF_SECONDS,
    ) -> None:
        self._open, self._resumed, self._opened = open_stream, resumed, opened
        self._progress = WatchProgress(
            request, timeout=timeout, give_up_after=give_up_after, longest_pause=longest_pause
        )

    async def events(self) -> AsyncGenerator[RoleWatchEvent, None]:
        """Yield the events; raise `ResyncRequiredError`, and `RolecallError` for an error that a new stream cannot correct."""
        self._progress.caller_continues()
        while True:
            try:
                async with aclosing(self._on_one_stream()) as events:
                    async for event in events:
                        yield event
                        self._progress.caller_continues()
            except ResyncRequiredError:
                raise
            except RolecallError as error:
                pause = self._progress.pause_after(error)
                self._resumed(error)
                await asyncio.sleep(pause)

    async def _on_one_stream(self) -> AsyncGenerator[RoleWatchEvent, None]:
        self._progress.stream_opens()
        self._opened(boottime())
        stream = await self._open(self._progress.request)
        try:
            while True:
                for event in self._progress.events(await _next(stream)):
                    yield event
                    if self._progress.continues_elsewhere(event):
                        return
        finally:
            stream.cancel()


async def _next(stream: Any) -> w.WatchRolesResponse:  # noqa: ANN401 - also a call of gRPC
    try:
        async with asyncio.timeout(watch_progress.SILENT_SECONDS):
            message: w.WatchRolesResponse | None = await stream.read()
    except TimeoutError:
        raise silent_error() from None
    if message is None:
        raise ended_error()
    return message
