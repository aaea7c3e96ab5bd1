"""The HTTP/2 transport as the server uses it: made from the registered methods and the server's options."""

from __future__ import annotations

from rolecall.transport.channel_options import (
    GRACE_SECONDS,
    MAX_CONNECTION_AGE_SECONDS,
    MAX_METADATA_BYTES,
    MAX_STREAMS,
)
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from rolecall.transport.http2.session import SessionLimits
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.registry import MethodRegistry


def http2_server(methods: MethodRegistry, options: ServerOptions) -> Http2Server:
    """Return a server that is not bound to an address yet."""
    connections = ConnectionOptions(
        session=SessionLimits(streams=MAX_STREAMS, header_bytes=MAX_METADATA_BYTES),
        max_connections=options.max_connections,
        max_message_bytes=options.max_message_bytes,
        age=MAX_CONNECTION_AGE_SECONDS,
        age_grace=GRACE_SECONDS,
    )
    return Http2Server(Methods(methods.named, methods.at_once), connections)
