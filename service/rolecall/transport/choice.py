"""Which transport reads the calls: our own HTTP/2, or grpc.aio."""

from __future__ import annotations

from importlib.util import find_spec

from rolecall.transport.grpcio_server import GrpcioServer
from rolecall.transport.options import H2, ServerOptions
from rolecall.transport.rpc.registry import MethodRegistry
from rolecall.transport.wire import MakeWire, WireServer

BINDING = "ngh2"
"""The package with libnghttp2, which `h2` needs."""


class MissingTransportError(Exception):
    """The transport that was asked for cannot be loaded."""

    def __init__(self) -> None:
        super().__init__(
            f"--transport h2 needs the package `{BINDING}`: install `rolecall[h2]`, or use --transport grpcio"
        )


def transport_named(name: str) -> MakeWire:
    """Return what makes the transport of that name; raise `MissingTransportError`. `auto` is grpcio in this version."""
    if name != H2:
        return GrpcioServer
    if find_spec(BINDING) is None:
        raise MissingTransportError
    return _http2


def _http2(methods: MethodRegistry, options: ServerOptions) -> WireServer:
    # Imported here, because the binding is optional.
    from rolecall.transport.http2.wire import http2_server  # noqa: PLC0415

    return http2_server(methods, options)
