"""The parts of protobuf fields as bytes, for messages that share most of theirs."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from google.protobuf.message import Message

VARINT: Final = 0
BYTES: Final = 2


def tag(message: type[Message], field: str, kind: int) -> bytes:
    """Return what precedes the value of a field: its number and the kind of its encoding."""
    return varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | kind)


def sized(tag: bytes, encoded: bytes) -> bytes:
    """Return a field whose value is a text or a message, with the tag of the field and the encoded value."""
    return tag + varint(len(encoded)) + encoded


@lru_cache(maxsize=1_024)
def varint(number: int) -> bytes:
    """varint = groups of seven bits, low ones first, one a byte; the high bit says that another follows"""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + varint(number >> 7)
