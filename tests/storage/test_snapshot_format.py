"""The bytes of a snapshot file: what each kind opens with, how roles fall into frames, and how long a frame may be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rolecall.storage.snapshot.authenticated_file import AuthenticatedEncoder, AuthenticatedFileError
from rolecall.storage.snapshot.file import AGENT_STATE_KIND, STATE_KIND, SnapshotFile, SnapshotFileError
from tests.storage.snapshots import KEY, LATER, POSITION, SEEN, frames, handmade, roles

LARGEST_FRAME = 16 * 1024 * 1024


@pytest.fixture
def file(tmp_path: Path) -> SnapshotFile:
    return SnapshotFile(tmp_path / "state", KEY)


def no_pause() -> None:
    return None


def test_each_kind_of_file_opens_with_its_name_and_version(file: SnapshotFile) -> None:
    of_agent = SnapshotFile(file.path.with_name("agent"), KEY, kind=AGENT_STATE_KIND)
    for each in (file, of_agent):
        each.write(POSITION, roles(1), SEEN, pause=no_pause)
    file.touch(POSITION, LATER)

    opened = {path.name: path.read_bytes().partition(b"\n")[0] for path in file.path.parent.iterdir()}

    assert opened == {
        "state": b"rolecall state 1",
        "agent": b"rolecall agent state 1",
        "state.seen": b"rolecall seen 1",
    }
    for name, kind in (("agent", b"rolecall agent state 1\n"), ("state.seen", b"rolecall seen 1\n")):
        content = file.path.with_name(name).read_bytes()
        payloads = [frame[5:-32] for frame in frames(content, kind)[1][:-1]]
        nonce = content[len(kind) : len(kind) + 16]
        assert content == handmade(kind, *payloads, nonce=nonce)


def test_the_note_of_when_the_store_was_seen_names_the_state(file: SnapshotFile) -> None:
    note = {
        "of": {"hash": "68" * 32, "incarnation": "i-1", "revision": 7},
        "seen": {"boot_id": "boot-1", "boottime": 9_000, "wall": 58_000},
    }
    file.write(POSITION, roles(1), SEEN, pause=no_pause)

    file.touch(POSITION, LATER)
    written = json.loads(frames(file.path.with_name("state.seen").read_bytes(), b"rolecall seen 1\n")[1][0][5:-32])

    assert written == note
    file.path.with_name("state.seen").write_bytes(handmade(b"rolecall seen 1\n", json.dumps(note).encode()))
    assert file.read().seen == LATER


def test_texts_are_written_as_they_are(file: SnapshotFile) -> None:
    (role,) = roles(1)

    file.write(POSITION, [replace(role, description="\u00e9", tags={"\u00e4": "\u4f60"})], SEEN, pause=no_pause)

    row = frames(file.path.read_bytes(), STATE_KIND)[1][1][5:-32]
    assert row.decode() == '[["123456789012","App0","0","{}","\u00e9",3600,"{\\"\u00e4\\":\\"\u4f60\\"}",1,2,0]]'


@pytest.mark.parametrize(("characters", "rows"), [(65_535, [2, 2]), (65_536, [1, 1, 1, 1])])
def test_a_frame_ends_with_the_role_whose_document_fills_it(
    file: SnapshotFile, characters: int, rows: list[int]
) -> None:
    file.write(POSITION, roles(4, document="x" * characters), SEEN, pause=no_pause)

    _, *of_roles, _, _ = frames(file.path.read_bytes(), STATE_KIND)[1]
    assert [len(json.loads(frame[5:-32])) for frame in of_roles] == rows


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (LARGEST_FRAME, "is incomplete: its end is missing"),
        (LARGEST_FRAME + 1, "names a frame of 16777217 bytes; the limit is 16777216"),
    ],
)
def test_a_frame_of_sixteen_megabytes_is_the_longest_that_is_read(file: SnapshotFile, size: int, message: str) -> None:
    file.path.write_bytes(STATE_KIND + bytes(16) + b"\0" + size.to_bytes(4, "big") + b"short")

    with pytest.raises(SnapshotFileError) as caught:
        file.read()

    assert str(caught.value) == f"the snapshot file `{file.path}` {message}"


def test_a_frame_of_sixteen_megabytes_is_the_longest_that_is_written() -> None:
    encoder = AuthenticatedEncoder(KEY, STATE_KIND)

    assert len(encoder.frame(bytes(LARGEST_FRAME))) == 5 + LARGEST_FRAME + 32
    with pytest.raises(AuthenticatedFileError, match=r"^would have a frame of 16777217 bytes; the limit is 16777216$"):
        encoder.frame(bytes(LARGEST_FRAME + 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"rolecall state 2\n", "is another kind of file, or of another version"),
        (b"rolecall state 1", "is incomplete: its end is missing"),
        (handmade(STATE_KIND), "has a content that this version does not support"),
        (handmade(STATE_KIND, b"[]"), "has a content that this version does not support"),
    ],
    ids=["another version", "cut off", "nothing", "no header"],
)
def test_what_is_wrong_with_a_file_is_the_whole_message(file: SnapshotFile, content: bytes, message: str) -> None:
    file.path.write_bytes(content)

    with pytest.raises(SnapshotFileError) as caught:
        file.read()

    assert str(caught.value) == f"the snapshot file `{file.path}` {message}"
