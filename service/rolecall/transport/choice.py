"""Which transport reads the calls: our own HTTP/2, or grpc.aio."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from rolecall.transport.grpcio_server import GrpcioServer
from rolecall.transport.options import AUTO, GRPCIO, H2, ServerOptions
from rolecall.transport.rpc.registry import MethodRegistry
from rolecall.transport.wire import MakeWire, WireServer

BINDING = "ngh2"
"""The package with libnghttp2, which `h2` needs."""


AUTO_PREFERS = GRPCIO
"""The transport that `auto` chooses where it is available."""


@dataclass(frozen=True, slots=True)
class ChosenTransport:
    """A transport, why it was chosen, and what makes it."""

    name: str
    why: str
    make: MakeWire


class MissingTransportError(Exception):
    """The transport that was asked for cannot be loaded."""

    def __init__(self) -> None:
        super().__init__(
            f"--transport h2 needs the package `{BINDING}`: install rolecall with its extra `h2`, or use --transport grpcio"
        )


def transport_named(name: str) -> ChosenTransport:
    """Return the transport that a value of `--transport` stands for; raise `MissingTransportError`."""
    if name == AUTO:
        return _automatic()
    if name == H2 and not _available():
        raise MissingTransportError
    return _named(name, f"--transport is `{name}`")


def _automatic() -> ChosenTransport:
    if AUTO_PREFERS == H2 and not _available():
        return _named(GRPCIO, f"--transport is `auto`, and the package `{BINDING}` is not installed")
    return _named(AUTO_PREFERS, f"--transport is `auto`, which prefers `{AUTO_PREFERS}`")


def _named(name: str, why: str) -> ChosenTransport:
    return ChosenTransport(name, why, _http2 if name == H2 else GrpcioServer)


def _available() -> bool:
    return find_spec(BINDING) is not None


def _http2(methods: MethodRegistry, options: ServerOptions) -> WireServer:
    # Imported here, because the binding is optional.
    from rolecall.transport.http2.wire import http2_server  # noqa: PLC0415

    return http2_server(methods, options)
