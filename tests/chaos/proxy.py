"""A TCP proxy between a replica and its database, which can cut connections, refuse them, or stop forwarding."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum
from typing import TypeVar

from tests.coherence.ports import free_port

T = TypeVar("T")

CHUNK_BYTES = 65_536


class Mode(Enum):
    """What the proxy does with connections."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


class Proxy:
    """One proxy, on a thread and a loop of its own. SILENT connections stay open, and forward nothing until the mode is OPEN again."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self.port = free_port()
        self._mode, self._open = Mode.OPEN, asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._ask(self._begin())

    def open(self) -> None:
        """Forward everything again, also what was held back."""
        self._ask(self._set_mode(Mode.OPEN))

    def cut(self) -> None:
        """Break every connection; accept new ones."""
        self._ask(self._break())

    def refuse(self) -> None:
        """Break every connection and accept no new one."""
        self._ask(self._set_mode(Mode.REFUSED))
        self.cut()

    def redirect(self, port: int) -> None:
        """Break every connection; new ones lead to another port, as when an address moves to another machine."""
        self._target = self._target[0], port
        self.open()
        self.cut()

    def silence(self) -> None:
        """Accept connections and forward nothing."""
        self._ask(self._set_mode(Mode.SILENT))

    def close(self) -> None:
        """Break every connection and release the port."""
        self._ask(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _ask(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _begin(self) -> asyncio.Server:
        self._open.set()
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _set_mode(self, way: Mode) -> None:
        self._mode = way
        if way is Mode.SILENT:
            self._open.clear()
        else:
            self._open.set()

    async def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._set_mode(Mode.REFUSED)
        await self._break()
        while self._writers:  # noqa: ASYNC110  (the tasks that serve end one after the other)
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._mode is not Mode.REFUSED:
                await self._forward(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            return
        self._writers.add(back)
        try:
            await asyncio.wait(
                [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._writers.discard(back)
            back.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
