"""The port between the methods of the server and what reads calls from connections."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Protocol, TypeAlias

import grpc

from rolecall.transport.connection_counts import ConnectionCounts
from rolecall.transport.endpoint import Endpoint
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.registry import MethodRegistry


class ServerTls(Protocol):
    """The certificate of a server, in the form that each transport takes; a renewed one is used for new connections."""

    @property
    def credentials(self) -> grpc.ServerCredentials:
        """Return what grpc.aio takes."""
        ...

    def context(self) -> ssl.SSLContext:
        """Return what a connection takes that Python itself accepts."""
        ...


class WireServer(Protocol):
    """Accepts connections, and passes their calls to the methods of the server. For one event loop."""

    @property
    def revivals(self) -> int:
        """Return how often `revive` has succeeded."""
        ...

    @property
    def connection_counts(self) -> ConnectionCounts | None:
        """Return counters of connections; None if the transport does not count them."""
        ...

    def bind(self, endpoint: Endpoint, tls: ServerTls | None) -> int:
        """Listen on an endpoint; return the port. Raise `AddressError`."""
        ...

    def bind_admin(self, path: str) -> None:
        """Listen on a Unix socket that only the user of this process may use; raise `AddressError`.

        Its calls have the fact `transport_security_type` with the value `local`, and no others have it.
        """
        ...

    async def start(self) -> None:
        """Accept connections from now on."""
        ...

    async def crashed(self) -> None:
        """Return when no connections are accepted any more although `stop` was not called."""
        ...

    async def revive(self) -> None:
        """Accept connections again; raise `AddressError`."""
        ...

    async def stop(self, grace: float) -> None:
        """Accept nothing new, and end the calls in progress after `grace` seconds."""
        ...

    def tick(self) -> None:
        """Keep the time limits of connections. It is called a few times a second."""
        ...


MakeWire: TypeAlias = Callable[[MethodRegistry, ServerOptions], WireServer]
