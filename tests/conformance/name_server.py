"""A DNS server on a thread, which knows one name and its addresses: a name as a headless Service of Kubernetes has it."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address

A, IN = 1, 1
NO_SUCH_NAME = 3
_ANSWER, _AUTHORITATIVE, _RECURSION_WANTED = 0x8000, 0x0400, 0x0100
_NAME_OF_THE_QUESTION = 0xC00C
"""A pointer to the name in the question, which begins at byte 12."""

_HEADER = struct.Struct("!6H")
_QUESTION_END = struct.Struct("!2H")
_RECORD = struct.Struct("!3HIH4s")


class NameServer:
    """Answers questions for one name over UDP; every other name does not exist."""

    def __init__(self, name: str, addresses: Sequence[str]) -> None:
        self.name, self.addresses = name, [IPv4Address(address) for address in addresses]
        self._server = socketserver.UDPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="dns", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Return HOST:PORT of the server."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        this = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                message, socket = self.request
                if (answer := this.answer(message)) is not None:
                    socket.sendto(answer, self.client_address)

        return Handler

    def answer(self, message: bytes) -> bytes | None:
        """Return the answer to a message; None if it is no question."""
        try:
            number, flags, questions, *_ = _HEADER.unpack_from(message)
            name, end = _name_at(message, _HEADER.size)
            kind, _ = _QUESTION_END.unpack_from(message, end)
        except (struct.error, IndexError, UnicodeDecodeError):
            return None
        if questions != 1 or flags & _ANSWER:
            return None
        known = name.lower() == self.name
        records = self.addresses if known and kind == A else []
        status = _ANSWER | _AUTHORITATIVE | (flags & _RECURSION_WANTED) | (0 if known else NO_SUCH_NAME)
        question = message[_HEADER.size : end + _QUESTION_END.size]
        header = _HEADER.pack(number, status, 1, len(records), 0, 0)
        return header + question + b"".join(map(_record, records))


def _record(address: IPv4Address) -> bytes:
    return _RECORD.pack(_NAME_OF_THE_QUESTION, A, IN, 0, 4, address.packed)


def _name_at(message: bytes, at: int) -> tuple[str, int]:
    """Return the name of a question, and where it ends."""
    labels: list[str] = []
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels), at + 1
