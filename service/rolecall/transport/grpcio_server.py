"""The transport of grpc.aio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc

from rolecall.transport.channel_options import channel_options
from rolecall.transport.endpoint import AddressError, Endpoint, SocketAccess
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.registry import MethodRegistry
from rolecall.transport.wire import ServerTls


class GrpcioServer:
    """Accepts connections with grpc.aio.

    One request with a path that is not UTF-8 ends the loop in which grpc.aio accepts calls (seen with grpcio 1.85).
    `crashed` reports that, and `revive` starts another gRPC server in its place; the old one finishes its calls.
    """

    def __init__(self, methods: MethodRegistry, options: ServerOptions) -> None:
        self._methods, self._options = methods, channel_options(options.max_message_bytes)
        self.revivals = 0
        self.connection_counts = None  # grpc.aio does not report its connections
        self._crashed = asyncio.Event()
        self._stopped = False
        self._server = self._new_server()
        self._rebind = list[Callable[[], object]]()

    def bind(self, endpoint: Endpoint, tls: ServerTls | None) -> int:
        """Listen on an endpoint; return the port. Raise `AddressError`."""
        credentials = tls.credentials if tls else None
        port = _add_endpoint(self._server, endpoint, credentials)
        again = replace(endpoint, address=endpoint.with_port(port))
        self._rebind.append(lambda: _add_endpoint(self._server, again, credentials))
        return port

    def bind_admin(self, path: str) -> None:
        """Listen on a Unix socket that only the user of this process may use; raise `AddressError`."""
        # gRPC marks its calls as `local`, which a client cannot ask for. It cannot say which user calls.
        credentials = grpc.local_server_credentials(grpc.LocalConnectionType.UDS)
        endpoint = Endpoint(f"unix:{path}", access=SocketAccess())
        _add_endpoint(self._server, endpoint, credentials)
        self._rebind.append(lambda: _add_endpoint(self._server, endpoint, credentials))

    async def start(self) -> None:
        """Accept connections from now on."""
        before = asyncio.all_tasks()
        await self._server.start()
        for task in asyncio.all_tasks() - before:
            task.add_done_callback(self._on_task_done)

    async def crashed(self) -> None:
        """Return when the loop that accepts calls has ended."""
        await self._crashed.wait()

    async def revive(self) -> None:
        """Accept connections again on the same endpoint; raise `AddressError`."""
        self._server = self._new_server()
        for bind in self._rebind:
            bind()
        self._crashed.clear()
        await self.start()
        self.revivals += 1

    async def stop(self, grace: float) -> None:
        """Accept nothing new, and end the calls in progress after `grace` seconds."""
        self._stopped = True
        await self._server.stop(grace)

    def tick(self) -> None:
        """Do nothing: gRPC keeps the time limits of its connections itself."""

    def _new_server(self) -> grpc.aio.Server:
        # No `register_method`: the loop that accepts calls would then wait on one future for each method.
        return grpc.aio.server(handlers=[self._methods], options=self._options)

    def _on_task_done(self, task: asyncio.Task[Any]) -> None:
        # The task also fails when a server is stopped before its first call (seen with grpcio 1.85).
        if not task.cancelled() and task.exception() is not None and not self._stopped:
            self._crashed.set()


def _add_endpoint(server: grpc.aio.Server, endpoint: Endpoint, credentials: grpc.ServerCredentials | None) -> int:
    if endpoint.access is None:
        return _add_port(server, endpoint.address, credentials)
    # gRPC makes the file and listens at once: a mode that is set later would leave a moment for other users.
    umask = os.umask(0o177)
    try:
        port = _add_port(server, endpoint.address, credentials)
    finally:
        os.umask(umask)
    endpoint.access.apply(Path(endpoint.address.removeprefix("unix:")))
    return port


def _add_port(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, credentials))
    except RuntimeError:
        raise AddressError(address, "the address is in use or not one of this machine") from None
