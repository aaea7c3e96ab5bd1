"""A file format that only the owner of a key can write: a reader rejects every frame that the key does not authenticate.

    file  = KIND nonce (16 bytes) frame* end
    frame = 0 (1 byte) length (4 bytes, big-endian) payload MAC (32 bytes)
    end   = 1 (1 byte) 0 (4 bytes) MAC (32 bytes)

The MAC is HMAC-SHA256 over the number of the frame (8 bytes, big-endian) and everything before the MAC in it. Its key is derived
from the owner's key, KIND and the nonce, so it belongs to this one file. Therefore frames cannot be altered, dropped, repeated,
reordered or moved to another file, and the end of a file cannot be cut off.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

MAX_FRAME_BYTES = 16_777_216

_NONCE_BYTES = 16
_MAC_BYTES = 32
_HEAD = struct.Struct(">BI")
_NUMBER = struct.Struct(">Q")
_MORE, _END = 0, 1


class AuthenticatedFileError(Exception):
    """A file was not written with the key, or is incomplete. The message is the rest of a sentence that begins with the file."""


class AuthenticatedEncoder:
    """Encodes one file: first `header`, then a `frame` for each payload in order, then `end`."""

    def __init__(self, key: bytes, kind: bytes) -> None:
        nonce = os.urandom(_NONCE_BYTES)
        self.header = kind + nonce
        self._frames = _Frames(key, kind, nonce)

    def frame(self, payload: bytes) -> bytes:
        """Return the next frame; raise `AuthenticatedFileError` if it is larger than a reader accepts."""
        if len(payload) > MAX_FRAME_BYTES:
            raise AuthenticatedFileError(f"would have a frame of {len(payload)} bytes; the limit is {MAX_FRAME_BYTES}")
        return self._with_mac(_HEAD.pack(_MORE, len(payload)), payload)

    def end(self) -> bytes:
        """Return the frame that marks the end of the file."""
        return self._with_mac(_HEAD.pack(_END, 0), b"")

    def _with_mac(self, head: bytes, payload: bytes) -> bytes:
        return head + payload + self._frames.mac_of_next(head, payload)


def read_authenticated(file: BinaryIO, key: bytes, kind: bytes) -> Iterator[bytes]:
    """Yield the payload of each frame; raise `AuthenticatedFileError` at the first invalid frame, and if the end is missing.

    Payloads yielded before the error are authentic, but incomplete: use none of them until the iterator is exhausted.
    """
    if _exactly(file, len(kind)) != kind:
        raise AuthenticatedFileError("is another kind of file, or of another version")
    frames = _Frames(key, kind, _exactly(file, _NONCE_BYTES))
    while True:
        head = _exactly(file, _HEAD.size)
        marker, length = _HEAD.unpack(head)
        if length > MAX_FRAME_BYTES:
            raise AuthenticatedFileError(f"names a frame of {length} bytes; the limit is {MAX_FRAME_BYTES}")
        payload, mac = _exactly(file, length), _exactly(file, _MAC_BYTES)
        if not hmac.compare_digest(mac, frames.mac_of_next(head, payload)):
            raise AuthenticatedFileError("was altered, or written with another key")
        if marker == _END:
            break
        yield payload
    if file.read(1):
        raise AuthenticatedFileError("continues after its end")


class _Frames:
    """Computes the MACs of the frames of one file, in order."""

    def __init__(self, key: bytes, kind: bytes, nonce: bytes) -> None:
        self._key = hmac.digest(hmac.digest(key, kind, "sha256"), nonce, "sha256")
        self._number = 0

    def mac_of_next(self, head: bytes, payload: bytes) -> bytes:
        number = _NUMBER.pack(self._number)
        self._number += 1
        return hmac.digest(self._key, number + head + payload, "sha256")


def _exactly(file: BinaryIO, size: int) -> bytes:
    read = file.read(size)
    if len(read) < size:
        raise AuthenticatedFileError("is incomplete: its end is missing")
    return read
