"""The ops HTTP port: `/metrics` for Prometheus, `/livez` and `/readyz` for the orchestrator.

It answers GET and HEAD, one request per connection, within limits on size, time and connections. It has its own thread and event
loop, so that a scrape does not delay calls, and a stuck event loop can be reported. A connection that sends no request loses its
place to a new one when there are too many: a probe, which sends its request at once, is answered beside any number of them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

MAX_HEAD_BYTES = 8 * 1024
MAX_CONNECTIONS = 256
BACKLOG = 1_024
ACCEPTED_AT_ONCE = 64
"""How many connections one turn of the loop accepts. A request is read within three turns of its connection, so that fewer than
`MAX_CONNECTIONS` others can have been accepted meanwhile, and a probe never loses its place before it is read."""

REQUEST_SECONDS = 5.0

_TEXT = "text/plain; charset=utf-8"
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}

Reasons: TypeAlias = Callable[[], list[str]]
"""Returns the reasons for a negative answer, and nothing for a positive one."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = _TEXT


class OpsServer:
    """Serves the ops port from `start` to `stop`."""

    def __init__(self, registry: CollectorRegistry, *, not_live: Reasons, not_ready: Reasons) -> None:
        self._routes: dict[str, Callable[[], Response]] = {
            "/metrics": lambda: Response(200, generate_latest(registry), CONTENT_TYPE_LATEST),
            "/livez": lambda: _health_response("live", not_live()),
            "/readyz": lambda: _health_response("ready", not_ready()),
        }
        self._silent: dict[asyncio.StreamWriter, None] = {}
        self._answering: dict[asyncio.StreamWriter, None] = {}
        self._request_stop: Callable[[], object] = lambda: None
        self._serving = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, host: str, port: int) -> int:
        """Start to serve; return the port. Raise `OSError` if the address cannot be bound."""
        listening = _listen(host, port)
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(listening),), name="ops", daemon=True)
        self._thread.start()
        return int(listening.getsockname()[1])

    def stop(self) -> None:
        """Stop; return when the port is free."""
        if self._thread is not None:
            self._serving.wait()
            self._request_stop()
            self._thread.join()
            self._thread = None

    async def _run(self, listening: socket.socket) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._request_stop = lambda: loop.call_soon_threadsafe(stopped.set)
        server = await asyncio.start_server(self._serve, sock=listening, limit=MAX_HEAD_BYTES, backlog=ACCEPTED_AT_ONCE)
        listening.listen(BACKLOG)  # asyncio has set the queue of the system to ACCEPTED_AT_ONCE
        self._serving.set()
        await stopped.wait()
        server.close()
        await self._close_connections()

    async def _close_connections(self) -> None:
        """Close every connection, also those that are being accepted; return when none is left."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in (*self._silent, *self._answering):
                writer.transport.abort()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._make_room()
        self._silent[writer] = None
        # `drain` then returns when the system has the whole answer, and nothing of it is stored after the connection is closed.
        writer.transport.set_write_buffer_limits(0)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                self._answering[writer] = self._silent.pop(writer, None)
                writer.write(self._response_bytes(head))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # An incomplete or too large head, no head or no reader in time (a `TimeoutError` is an `OSError`), or a stop.
            # `close` would wait for such a client.
            writer.transport.abort()
        finally:
            self._silent.pop(writer, None)
            self._answering.pop(writer, None)
            writer.close()

    def _make_room(self) -> None:
        """Close the connection that has been silent longest, if there are as many as are allowed; without one, the oldest."""
        if len(self._silent) + len(self._answering) >= MAX_CONNECTIONS:
            oldest = next(iter(self._silent or self._answering))
            self._silent.pop(oldest, None)
            self._answering.pop(oldest, None)
            oldest.transport.abort()

    def _response_bytes(self, head: bytes) -> bytes:
        """Request line = METHOD SP target SP "HTTP/1." digit."""
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        target, _, protocol = rest.partition(b" ")
        response = self._route(method, target.partition(b"?")[0], protocol)
        return _encoded(response, with_body=method != b"HEAD")

    def _route(self, method: bytes, path: bytes, protocol: bytes) -> Response:
        if not protocol.startswith(b"HTTP/1."):
            return Response(400, b"only HTTP/1.1 is supported\n")
        if method not in (b"GET", b"HEAD"):
            return Response(405, b"only GET and HEAD are supported\n")
        route = self._routes.get(path.decode("latin-1"))
        return route() if route else Response(404, b"not found; the paths are /metrics, /livez and /readyz\n")


def _listen(host: str, port: int) -> socket.socket:
    """Bind the address; `::` includes IPv4, as it does in gRPC."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)


def _health_response(name: str, reasons: list[str]) -> Response:
    if reasons:
        return Response(503, f"not {name}: {'; '.join(reasons)}\n".encode())
    return Response(200, f"{name}\n".encode())


def _encoded(response: Response, *, with_body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {response.status} {_PHRASES[response.status]}\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (response.body if with_body else b"")
