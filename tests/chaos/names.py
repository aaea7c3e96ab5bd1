"""A name server with one name, of whatever addresses there are: what a headless Service is to its clients."""

from __future__ import annotations

import socket
import struct
import threading

_HEADER_BYTES = 12
_A = 1
_TTL_SECONDS = 1


class Names:
    """Answers every question for an IPv4 address with `addresses`, on a thread of its own."""

    def __init__(self) -> None:
        self.addresses = set[str]()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)
        self._thread.start()

    @property
    def authority(self) -> str:
        """Return where it is asked: `dns://AUTHORITY/NAME:PORT` is a target of gRPC."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def close(self) -> None:
        """Answer no more."""
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        query, sender = self._socket.recvfrom(512)
        while query:
            self._socket.sendto(self._answer(query), sender)
            query, sender = self._socket.recvfrom(512)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(0, _HEADER_BYTES) + 5
        (kind,) = struct.unpack_from(">H", query, end - 4)
        addresses = sorted(self.addresses) if kind == _A else []
        header = query[:2] + struct.pack(">HHHHH", 0x8400, 1, len(addresses), 0, 0)
        record = struct.pack(">HHHIH", 0xC000 | _HEADER_BYTES, _A, 1, _TTL_SECONDS, 4)
        return header + query[_HEADER_BYTES:end] + b"".join(record + socket.inet_aton(one) for one in addresses)
