"""The status of a call on the wire: its trailers, and the errors that a call has before a method is reached."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TypeAlias
from urllib.parse import quote

from rolecall.transport.http2.session import Headers

Metadata: TypeAlias = Iterable[tuple[str, str | bytes]]
"""Names in lower case with their values; the value of a name that ends with `-bin` is bytes."""

OK_TRAILERS: Headers = [(b"grpc-status", b"0")]

_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_BINARY = "-bin"


class Code(IntEnum):
    """The codes that the transport itself answers with."""

    CANCELLED = 1
    UNKNOWN = 2
    DEADLINE_EXCEEDED = 4
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class StatusError(Exception):
    """A call ends with this status, which the transport itself gives it."""

    def __init__(self, code: int, message: str, metadata: Metadata = ()) -> None:
        self.code, self.message, self.metadata = code, message, metadata
        super().__init__(message)


def trailers(code: int, message: str, metadata: Metadata = ()) -> Headers:
    """Return the trailers of a call."""
    if not code and not message and not metadata:
        return OK_TRAILERS
    return [(b"grpc-status", b"%d" % code), *_message(message), *encoded(metadata)]


def encoded(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """Yield metadata as headers. Binary values are in base64 without padding."""
    for name, value in metadata:
        data = value.encode() if isinstance(value, str) else value
        yield name.encode(), b64encode(data).rstrip(b"=") if name.endswith(_BINARY) else data


def _message(message: str) -> Iterator[tuple[bytes, bytes]]:
    if message:
        yield b"grpc-message", quote(message, safe=_PRINTABLE, errors="replace").encode("ascii")
