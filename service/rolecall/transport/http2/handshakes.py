"""The TLS handshakes in progress."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from rolecall.transport.connection_counts import ConnectionRefusal
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.tls import SecuredTransport

if TYPE_CHECKING:
    from rolecall.transport.http2.server import Http2Server

ALPN = "h2"


class Handshakes:
    """Begins TLS handshakes, each with a limit of time, and counts why some fail.

    Beyond `max_handshakes` the one that has lasted longest is ended for the next one.
    """

    def __init__(self, server: Http2Server) -> None:
        self._server, self._refused = server, server.connection_counts.refused
        self._in_progress = dict[SecuredTransport, asyncio.TimerHandle]()

    def begin(self, socket: Any, context: ssl.SSLContext) -> None:
        """Begin the handshake of a connection that has just been accepted."""
        if len(self) >= self._server.options.max_handshakes:
            self._end(next(iter(self._in_progress)), ConnectionRefusal.HANDSHAKES)
        transport = SecuredTransport(context, self._secured, self._failed)
        seconds, loop = self._server.options.handshake, asyncio.get_running_loop()
        self._in_progress[transport] = loop.call_later(seconds, self._end, transport, ConnectionRefusal.SLOW_HANDSHAKE)
        socket.set_protocol(transport)
        transport.connection_made(socket)

    def stop(self) -> None:
        """End all handshakes."""
        for transport in list(self._in_progress):
            self._finish(transport)
            transport.abort()

    def __len__(self) -> int:
        return len(self._in_progress)

    def _secured(self, transport: SecuredTransport) -> Http2Connection | None:
        self._finish(transport)
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() != ALPN:
            self._refused[ConnectionRefusal.ALPN] += 1
            return None
        return Http2Connection(self._server)

    def _failed(self, transport: SecuredTransport, error: OSError | None) -> None:
        if self._finish(transport):
            self._refused[refusal_of(error)] += 1

    def _end(self, transport: SecuredTransport, reason: ConnectionRefusal) -> None:
        self._finish(transport)
        self._refused[reason] += 1
        transport.abort()

    def _finish(self, transport: SecuredTransport) -> bool:
        """Return whether a handshake was still in progress, which it no longer is."""
        timer = self._in_progress.pop(transport, None)
        if timer:
            timer.cancel()
        return timer is not None


def refusal_of(error: OSError | None) -> ConnectionRefusal:
    """Return why a TLS handshake failed; None: the client has left."""
    match error:
        case ssl.SSLCertVerificationError() | ssl.SSLError(reason="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            return ConnectionRefusal.CERTIFICATE
        case ssl.SSLError():
            # OpenSSL names such an error after the alert that it has received: `TLSV1_ALERT_UNKNOWN_CA`.
            alert = "ALERT" in (error.reason or "")
            return ConnectionRefusal.REJECTED_BY_CLIENT if alert else ConnectionRefusal.TLS
    return ConnectionRefusal.LEFT
