"""Where the frames of one connection end. libnghttp2 gets only whole ones.

Of a DATA frame it counts each byte against the window of the connection as it arrives, and its binding reports the frame when
it is whole. If the stream is reset in between, what has arrived is never reported, so nobody can open the window for it again:
each such reset would take up to a frame of the window, until the client can send nothing more on its connection.
"""

from __future__ import annotations

PREFACE_BYTES = 24
"""RFC 9113 section 3.4: what a client sends before its first frame."""

HEADER_BYTES = 9
"""Section 4.1: three bytes of length, a type, flags, and four bytes of stream."""

MAX_FRAME_BYTES = 16_384
"""Section 6.5.2: the largest payload that a client may send unless it was announced otherwise, which it is not."""


class FrameCutter:
    """Keeps the beginning of a frame, at most `MAX_FRAME_BYTES` and a header, until the rest has arrived."""

    __slots__ = ("_beginning", "_preface")

    def __init__(self) -> None:
        self._preface = PREFACE_BYTES
        self._beginning = b""

    def whole(self, data: bytes) -> bytes:
        """Return what has arrived up to the end of the last whole frame; the preface as it arrives."""
        if self._preface or self._beginning:
            return self._cut(data)
        # Almost every read ends with a frame, so this is written out, for speed.
        end, size = 0, len(data)
        while end + HEADER_BYTES <= size:
            end += HEADER_BYTES + (data[end] << 16 | data[end + 1] << 8 | data[end + 2])
        return data if end == size else self._cut(data)

    def _cut(self, data: bytes) -> bytes:
        data = self._beginning + data
        size = len(data)
        end = following = min(self._preface, size)
        self._preface -= end
        while following + HEADER_BYTES <= size:
            length = int.from_bytes(data[following : following + 3], "big")
            # One that is too large is an error of the connection, and needs no more than its header.
            following = following + HEADER_BYTES + length if length <= MAX_FRAME_BYTES else size
            if following <= size:
                end = following
        self._beginning = data[end:]
        return data[:end]
