"""Both Python clients behind one face, so that one interpreter drives them: the asynchronous one on a loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rolecall_client import AsyncRolecallClient, RolecallClient
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.connection.tokens import FileToken

Json = dict[str, Any]
T = TypeVar("T")

SETTLED_SECONDS = 10.0


class Driven(Protocol):
    """A client whose methods block, and which can show what it has left behind."""

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the client that returns one response."""
        ...

    def iterate(self, method: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        """Call a method of the client that returns an iterator."""
        ...

    def close(self) -> None:
        """Close the client."""
        ...

    def left(self) -> list[str]:
        """Return the names of the threads or tasks that a closed client has left."""
        ...


class Threaded:
    """The client for threads."""

    def __init__(self, **options: Any) -> None:
        self._before = set(threading.enumerate())
        self._client = RolecallClient(**options)

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        return getattr(self._client, method)(*arguments, **options)

    def iterate(self, method: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        yield from getattr(self._client, method)(*arguments, **options)

    def close(self) -> None:
        self._client.close()

    def left(self) -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread not in self._before]


class OnALoop:
    """The client for an event loop, on a loop and a thread of its own."""

    def __init__(self, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._client = self._done(self._made(options))

    async def _made(self, options: Json) -> AsyncRolecallClient:
        return AsyncRolecallClient(**options)

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        return self._done(getattr(self._client, method)(*arguments, **options))

    def iterate(self, method: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        if method == "stream":
            # The steps of a script block; the loop must not.
            arguments = (self._asked(iter(arguments[0])),)
        answers = getattr(self._client, method)(*arguments, **options)
        try:
            while True:
                try:
                    yield self._done(anext(answers))
                except StopAsyncIteration:
                    return
        finally:
            self._done(answers.aclose())

    def close(self) -> None:
        self._done(self._client.close())

    def left(self) -> list[str]:
        async def others() -> list[str]:
            return [str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        if not self._loop.is_running():
            return []
        if not (left := self._done(others())):
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        return left

    async def _asked(self, queries: Iterator[T]) -> Any:
        end = object()
        while (query := await asyncio.to_thread(next, queries, end)) is not end:
            yield query

    def _done(self, work: Awaitable[T]) -> T:
        return asyncio.run_coroutine_threadsafe(_awaited(work), self._loop).result()


async def _awaited(work: Awaitable[T]) -> T:
    return await work


KINDS: dict[str, Callable[..., Driven]] = {"threads": Threaded, "event loop": OnALoop}


def options_of(client: Json, world: Json) -> Json:
    """Return the options of the Python clients that the client of a scenario means."""
    known = {"target", "tls", "server_name", "token_file", "agent", "timeout_seconds"}
    if unknown := client.keys() - known:
        raise ValueError(f"a client has no {sorted(unknown)}")
    address = world["addresses"][client["target"]]
    options: Json = {"address": address["ipv4"] if client["target"] == "headless" else address}
    if files := client.get("tls"):
        paths = {name: Path(world["tls"][file]) for name, file in files.items()}
        options["tls"] = TlsFiles(server_name=client.get("server_name", world["tls"]["server_name"]), **paths)
    if client.get("token_file"):
        options["token"] = FileToken(Path(world["token_file"]))
    if client.get("agent"):
        options["agent"] = world["addresses"]["agent"]
    if seconds := client.get("timeout_seconds"):
        options["timeout"] = seconds
    return options


def eventually_nothing(left: Callable[[], list[str]]) -> None:
    """Return when `left` returns nothing; raise `AssertionError` with what is still there after a while."""
    until = time.monotonic() + SETTLED_SECONDS
    while found := left():
        assert time.monotonic() < until, f"left after close: {found}"
        time.sleep(0.02)
