"""Feed a sink from a watch in a task, by the rules of `following`."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing

from rolecall_client.async_watch import AsyncOpen, AsyncWatch
from rolecall_client.errors import RolecallError
from rolecall_client.following import MOST_PAUSE_SECONDS, Pauses
from rolecall_client.v1 import watch_pb2 as w
from rolecall_client.watch_progress import MOST_BACKOFF_SECONDS
from rolecall_client.watch_sink import WatchSink


class AsyncFollowing:
    """Feeds a sink from the watch of a request, from `start` until `close`, in one event loop.

    The first message of a watch must arrive within `timeout` seconds. With `longest_pause` no pause is longer, whatever failed.
    """

    def __init__(
        self,
        sink: WatchSink,
        open_stream: AsyncOpen,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        refused_pause: float | None = None,
        longest_pause: float | None = None,
    ) -> None:
        self._sink, self._open, self._request, self._timeout = sink, open_stream, request, timeout
        self._pauses = Pauses(refused_pause, longest_pause or MOST_PAUSE_SECONDS)
        self._longest_pause = longest_pause or MOST_BACKOFF_SECONDS
        self._opened_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def start(self) -> None:
        """Start the task in the running event loop, unless it was started before or this is closed."""
        if self._task is None and not self._is_closed:
            self._sink.restart()
            self._task = asyncio.get_running_loop().create_task(self._run(), name="rolecall-following")

    async def wait(self) -> None:
        """Return when the task has ended; raise what ended it, if that is not an error of the watch."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def close(self) -> None:
        """End the watch and the task."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            error = await self._follow()
            self._sink.broken(error)
            pause = self._pauses.after(error)
            if pause is None:
                return
            await asyncio.sleep(pause)
            self._sink.restart()

    async def _follow(self) -> RolecallError:
        """Feed the sink until the watch ends; return the error that ended it."""
        request = w.WatchRolesRequest()
        request.CopyFrom(self._request)
        watch = AsyncWatch(
            self._open,
            request,
            timeout=self._timeout,
            give_up_after=math.inf,
            resumed=self._sink.broken,
            opened=self._on_opened,
            longest_pause=self._longest_pause,
        )
        try:
            async with aclosing(watch.events()) as events:
                async for event in events:
                    if isinstance(event, w.RoleWatchChange):
                        self._sink.change(event)
                    else:
                        self._sink.checkpoint(event, self._opened_at)
                        self._pauses.start_over()
        except RolecallError as error:
            return error
        raise AssertionError("a watch ends with an error")

    def _on_opened(self, at: float) -> None:
        self._opened_at = at
