"""TLS of one connection, by `ssl` in memory: to the connection it is a transport, to the socket a protocol (ADR 0021)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

RECORD_BYTES = 16 * 1024
"""The most that one record of TLS contains."""

Secured: TypeAlias = "Callable[[SecuredTransport], asyncio.Protocol | None]"
"""Called at the end of the handshake; returns the connection, or None to refuse it."""

Failed: TypeAlias = "Callable[[SecuredTransport, OSError | None], None]"
"""Called if the handshake fails; without an error if the client has left."""


class SecuredTransport(asyncio.Protocol):
    """Encrypts what the connection writes, and decrypts what arrives. Reads nothing while the connection has paused it."""

    def __init__(self, context: ssl.SSLContext, on_secured: Secured, on_failed: Failed) -> None:
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        self._read, self._encrypt = self._tls.read, self._tls.write
        self._on_secured, self._on_failed = on_secured, on_failed
        self._socket: Any = None
        self._connection: Any = None
        self._shaking_hands = True
        self._paused = self._closing = False

    # --- what the socket's transport calls ---

    def connection_made(self, transport: Any) -> None:
        """Wait for the client to begin the handshake."""
        self._socket = transport

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        self._arrived.write(data)
        if self._shaking_hands:
            self._shake_hands()
        else:
            self._deliver()

    def eof_received(self) -> bool:
        """Close the connection: what comes without the end of TLS may have been cut by somebody else."""
        return False

    def pause_writing(self) -> None:
        """Pass on that the client does not read."""
        if self._connection:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client reads again."""
        if self._connection:
            self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection or the handshake."""
        self._closing = True
        if self._shaking_hands:
            self._end_handshake(None)
        elif self._connection:
            self._connection.connection_lost(exc)

    # --- what the connection calls ---

    def write(self, data: bytes) -> None:
        """Send data."""
        if self._closing:
            return
        try:
            sent = self._encrypt(data)
            while sent < len(data):
                sent += self._encrypt(data[sent:])
        except ssl.SSLError:
            self.abort()
            return
        self._socket.write(self._leaving.read())

    def pause_reading(self) -> None:
        """Deliver nothing, and read nothing, until `resume_reading`."""
        if not self._paused and not self._closing:
            self._paused = True
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Deliver what has arrived in the meantime, and continue to read."""
        if self._paused and not self._closing:
            self._paused = False
            self._socket.resume_reading()
            asyncio.get_running_loop().call_soon(self._deliver)

    def close(self) -> None:
        """Close the connection when everything has been sent, the end of TLS last."""
        if self._closing:
            return
        self._closing = True
        if not self._shaking_hands:
            # It raises because it would wait for the end of the client's TLS, which nobody needs.
            with suppress(ssl.SSLError):
                self._tls.unwrap()
        self._send_rest()
        self._socket.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._closing = True
        self._socket.abort()

    def is_closing(self) -> bool:
        """Return whether the connection is closed, or soon will be."""
        return self._closing or bool(self._socket.is_closing())

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the client has not accepted."""
        return int(self._socket.get_write_buffer_size())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return a fact about the connection, such as its `ssl_object`."""
        return self._tls if name == "ssl_object" else self._socket.get_extra_info(name, default)

    # --- handshake ---

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send_rest()
            return
        except OSError as error:
            self._end_handshake(error)
            self.close()  # after the alert that says why
            return
        self._shaking_hands = False
        self._connection = self._on_secured(self)
        if self._connection is None:
            self.close()
            return
        self._connection.connection_made(self)
        self._deliver()

    def _end_handshake(self, error: OSError | None) -> None:
        self._shaking_hands = False
        self._on_failed(self, error)

    # --- data ---

    def _deliver(self) -> None:
        """Pass on all data that is complete, unless the connection pauses it. Then send what the handshake has left to say."""
        if (self._arrived.pending or self._tls.pending()) and not (self._paused or self._closing):
            data, end = self._decrypted()
            if data:
                self._connection.data_received(data)
            if end:
                end()
                return
        self._send_rest()

    def _decrypted(self) -> tuple[bytes, Callable[[], None] | None]:
        """Return the data of all records that have arrived, and what is to be done after it if the client sends no more.

        Frames in several records arrive together, as they do without TLS: a frame may depend on one before it.
        """
        arrived, tls, parts = self._arrived, self._tls, list[bytes]()
        # Asking for more than there is would raise an exception for every message.
        while arrived.pending or tls.pending():
            try:
                data = self._read(RECORD_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError:
                return b"".join(parts), self._break
            if not data:
                return b"".join(parts), self.close  # the client has ended TLS
            parts.append(data)
        return b"".join(parts), None

    def _break(self) -> None:
        self._send_rest()  # an alert
        self.abort()

    def _send_rest(self) -> None:
        """Send what TLS itself has to say."""
        if self._leaving.pending and not self._socket.is_closing():
            self._socket.write(self._leaving.read())
