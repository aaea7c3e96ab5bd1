"""States for tests of snapshot files, and a file made from the description of its form, without the code under test."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import replace
from pathlib import Path

from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.snapshot.format import SnapshotPosition
from rolecall.storage.snapshot.moment import Moment

KEY = bytes(range(32))
POSITION = SnapshotPosition(incarnation="i-1", revision=Revision(7), hash=b"h" * 32, token_key=b"t" * 32)
ELSEWHERE = [
    replace(POSITION, incarnation="i-2"),
    replace(POSITION, revision=Revision(8)),
    replace(POSITION, hash=b"g" * 32),
]
SEEN = Moment(boot_id="boot-1", boottime=1_000, wall=50_000)
LATER = Moment(boot_id="boot-1", boottime=9_000, wall=58_000)


def roles(count: int, *, document: str = "{}") -> list[Role]:
    return [
        Role(
            role_id=str(n),
            account_id="123456789012",
            role_name=f"App{n}",
            document=document,
            create_time=Micros(1),
            update_time=Micros(2),
            revision=Revision(n % 7),
            tags={"team": f"t{n % 3}"} if n % 2 else {},
        )
        for n in range(count)
    ]


def handmade(kind: bytes, *payloads: bytes, key: bytes = KEY, nonce: bytes = b"n" * 16) -> bytes:
    parts, whole = [*((0, payload) for payload in payloads), (1, b"")], kind + nonce
    for number, (last, payload) in enumerate(parts):
        frame = struct.pack(">BI", last, len(payload)) + payload
        of_file = _mac(_mac(key, kind), nonce)
        whole += frame + _mac(of_file, struct.pack(">Q", number) + frame)
    return whole


def frames(content: bytes, kind: bytes) -> tuple[bytes, list[bytes]]:
    """Return what a file opens with, and its frames."""
    at = len(kind) + 16
    opening, found = content[:at], list[bytes]()
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at + 1)
        found.append(content[at : at + 5 + length + 32])
        at += len(found[-1])
    return opening, found


def modes(folder: Path) -> set[int]:
    return {path.lstat().st_mode & 0o777 for path in folder.iterdir()}


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
