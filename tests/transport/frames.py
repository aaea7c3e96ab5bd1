"""HTTP/2 frames made by hand, which no client library would send. Headers are literals without indexing or Huffman coding."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x9
ACK = 0x1
END_STREAM, END_HEADERS = 0x1, 0x4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def headers(
    stream: int,
    path: bytes,
    extra: Iterable[tuple[bytes, bytes]] = (),
    *,
    end: bool = False,
    method: bytes = b"POST",
    instead: Mapping[bytes, bytes | None] | None = None,
) -> bytes:
    """Return the headers of a call; `instead` replaces or removes some of them."""
    usual: dict[bytes, bytes | None] = {
        b":method": method,
        b":scheme": b"http",
        b":path": path,
        b":authority": b"localhost",
        b"content-type": b"application/grpc",
        b"te": b"trailers",
        **(instead or {}),
    }
    sent = [(name, value) for name, value in usual.items() if value is not None]
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, fields([*sent, *extra]))


def indexed(name: bytes, value: bytes) -> bytes:
    """Return a literal that the receiver also stores in its table, as the newest entry."""
    return b"\x40" + _text(name) + _text(value)


NEWEST_ENTRY = b"\xbe"
"""One byte that stands for the newest entry of the table."""


def setting(number: int, value: int) -> bytes:
    return number.to_bytes(2, "big") + value.to_bytes(4, "big")


def reset(stream: int, code: int = 8) -> bytes:
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def header_block(path: bytes) -> bytes:
    """Return the headers of a call without their frame."""
    return headers(1, path)[9:]


def fields(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(map(_literal, pairs))


def message(stream: int, data: bytes) -> bytes:
    return frame(DATA, END_STREAM, stream, b"\0" + len(data).to_bytes(4, "big") + data)


def _literal(field: tuple[bytes, bytes]) -> bytes:
    name, value = field
    return b"\0" + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, octets = len(text) - 127, [127]
    while rest >= 128:
        octets.append(rest % 128 + 128)
        rest //= 128
    return bytes([*octets, rest]) + text


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(PREFACE + frame(SETTINGS, 0, 0))
    await writer.drain()
    return reader, writer


class Frames:
    """Reads frames from a connection."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def next(self) -> tuple[int, int, int, bytes] | None:
        """Return the kind, the flags, the stream and the payload of the next frame; None at the end."""
        try:
            head = await self._reader.readexactly(9)
            payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return head[3], head[4], int.from_bytes(head[5:], "big"), payload

    async def rest(self) -> list[tuple[int, int, int, bytes]]:
        """Return all frames until the connection ends."""
        found = []
        while one := await self.next():
            found.append(one)
        return found
