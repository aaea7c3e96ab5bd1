"""Messages of gRPC in the data of a stream: a flag (1: compressed), the length in four bytes, and the message."""

from __future__ import annotations

import zlib

from rolecall.transport.http2.status import Code, StatusError

PREFIX_BYTES = 5
ACCEPTED_ENCODINGS = b"identity,deflate,gzip"

_WINDOW_BITS = {b"gzip": 31, b"deflate": 15}


def frame(message: bytes) -> bytes:
    """Return an uncompressed message as it is sent."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def compressed_frame(message: bytes) -> bytes:
    """Return a message as it is sent, compressed with gzip."""
    packer = zlib.compressobj(wbits=_WINDOW_BITS[b"gzip"])
    packed = packer.compress(message) + packer.flush()
    return b"\1" + len(packed).to_bytes(4, "big") + packed


class MessageReader:
    """Cuts the data of one stream into messages of at most `max_bytes`, before and after they are unpacked."""

    __slots__ = ("_buffer", "_encoding", "_max_bytes")

    def __init__(self, encoding: bytes, max_bytes: int) -> None:
        self._encoding, self._max_bytes = encoding, max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are complete with this data; raise `StatusError`."""
        buffer = self._buffer
        buffer += data
        messages, start = list[bytes](), 0
        while len(buffer) - start >= PREFIX_BYTES:
            size = int.from_bytes(buffer[start + 1 : start + PREFIX_BYTES], "big")
            if size > self._max_bytes:
                raise _too_large(size, self._max_bytes)
            end = start + PREFIX_BYTES + size
            if end > len(buffer):
                break
            messages.append(self._message(buffer[start], bytes(buffer[start + PREFIX_BYTES : end])))
            start = end
        del buffer[:start]
        return messages

    def require_end(self) -> None:
        """Raise `StatusError` if the data ended within a message."""
        if self._buffer:
            raise StatusError(Code.INTERNAL, "the stream ended within a message")

    @property
    def buffered(self) -> int:
        """Return the number of bytes of an incomplete message."""
        return len(self._buffer)

    def _message(self, flag: int, data: bytes) -> bytes:
        return data if not flag else unpacked(flag, data, self._encoding, self._max_bytes)


def only_message(data: bytes, encoding: bytes, max_bytes: int) -> bytes | None:
    """Return the one message that is the whole data of a stream; None if it is not exactly one. Raise `StatusError`."""
    if len(data) < PREFIX_BYTES or int.from_bytes(data[1:PREFIX_BYTES], "big") != len(data) - PREFIX_BYTES:
        return None
    if len(data) - PREFIX_BYTES > max_bytes:
        raise _too_large(len(data) - PREFIX_BYTES, max_bytes)
    return data[PREFIX_BYTES:] if not data[0] else unpacked(data[0], data[PREFIX_BYTES:], encoding, max_bytes)


def unpacked(flag: int, data: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """Return a compressed message unpacked; raise `StatusError`."""
    if flag != 1 or encoding == b"identity":
        raise StatusError(Code.INTERNAL, "a message is flagged as compressed, but the call names no `grpc-encoding`")
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise StatusError(
            Code.UNIMPLEMENTED, f"the compression is not supported; use one of {ACCEPTED_ENCODINGS.decode()}"
        )
    unpacker = zlib.decompressobj(bits)
    try:
        # The limit is passed on, so that a few bytes cannot become gigabytes.
        message = unpacker.decompress(data, max_bytes + 1)
    except zlib.error:
        raise StatusError(Code.INTERNAL, "a message cannot be decompressed") from None
    if len(message) > max_bytes:
        raise _too_large(len(message), max_bytes)
    if not unpacker.eof or unpacker.unused_data:
        raise StatusError(Code.INTERNAL, "a message cannot be decompressed")
    return message


def _too_large(size: int, limit: int) -> StatusError:
    # Clients know this sentence from other servers.
    return StatusError(Code.RESOURCE_EXHAUSTED, f"Received message larger than max ({size} vs. {limit})")
