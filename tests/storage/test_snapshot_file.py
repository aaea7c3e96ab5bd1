from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from rolecall.roles.role import Role
from rolecall.storage.snapshot.file import (
    SEEN_KIND,
    STATE_KIND,
    NoSnapshotFileError,
    SavedSnapshot,
    SnapshotFile,
    SnapshotFileError,
)
from rolecall.storage.snapshot.format import FRAME_CHARACTERS, FRAME_ROLES
from rolecall.storage.snapshot.moment import Moment
from tests.storage.processes import python
from tests.storage.snapshots import ELSEWHERE, KEY, LATER, POSITION, SEEN, frames, handmade, modes, roles

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ROLES = st.builds(
    Role,
    role_id=TEXT,
    account_id=TEXT,
    role_name=TEXT,
    document=TEXT,
    create_time=NUMBERS,
    update_time=NUMBERS,
    revision=NUMBERS,
    description=TEXT,
    max_session_duration_seconds=NUMBERS,
    tags=st.dictionaries(TEXT, TEXT, max_size=4),
)
MOMENTS = st.builds(Moment, boot_id=TEXT, boottime=NUMBERS, wall=NUMBERS)
law = settings(
    derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def file(tmp_path: Path) -> SnapshotFile:
    return SnapshotFile(tmp_path / "state", KEY)


def no_pause() -> None:
    return None


def write(file: SnapshotFile, held: list[Role], *, seen: Moment = SEEN) -> bytes:
    file.write(POSITION, held, seen, pause=no_pause)
    return file.path.read_bytes()


def seen_path(file: SnapshotFile) -> Path:
    return file.path.with_name("state.seen")


def names(file: SnapshotFile) -> set[str]:
    return {path.name for path in file.path.parent.iterdir()}


# --- what is kept is read ----------------------------------------------------------------------------------------------


@law
@given(st.lists(ROLES, max_size=8), MOMENTS)
def test_a_state_is_read_back(file: SnapshotFile, held: list[Role], seen: Moment) -> None:
    file.write(POSITION, held, seen, pause=no_pause)

    assert file.read() == SavedSnapshot(position=POSITION, seen=seen, roles=held)


@pytest.mark.parametrize("count", [0, 1, FRAME_ROLES - 1, FRAME_ROLES, FRAME_ROLES + 1, 3 * FRAME_ROLES])
def test_every_role_is_read_back_however_they_fall_into_frames(file: SnapshotFile, count: int) -> None:
    write(file, roles(count))

    assert file.read().roles == roles(count)


def test_long_documents_are_in_frames_of_their_own(file: SnapshotFile) -> None:
    held = roles(5, document="é" * FRAME_CHARACTERS)

    content = write(file, held)

    assert len(frames(content, STATE_KIND)[1]) == 5 + len(["header", "count", "end"])
    assert file.read().roles == held


def test_equal_values_of_many_roles_are_one_object(file: SnapshotFile) -> None:
    write(file, roles(2 * FRAME_ROLES, document='{"Version": "1"}'))

    first, *others = file.read().roles

    assert all(role.document is first.document and role.account_id is first.account_id for role in others)
    assert len({id(role.tags) for role in others}) == len(["none", "t0", "t1", "t2"])


def test_a_state_with_more_values_than_are_shared_is_read_back(
    file: SnapshotFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolecall.storage.snapshot.format.MAX_SHARED_VALUES", 1)
    write(file, roles(3 * FRAME_ROLES))

    held = file.read().roles

    assert held == roles(3 * FRAME_ROLES)
    assert held[0].document is not held[-1].document


def test_the_last_state_that_was_written_is_read(file: SnapshotFile) -> None:
    write(file, roles(9))
    write(file, roles(2))

    assert file.read().roles == roles(2)
    assert names(file) == {"state"}


def test_the_format_of_a_file_does_not_change(file: SnapshotFile) -> None:
    header = (
        b'{"hash":"' + b"68" * 32 + b'","incarnation":"i-1","revision":7,'
        b'"seen":{"boot_id":"boot-1","boottime":1000,"wall":50000},"token_key":"' + b"74" * 32 + b'"}'
    )
    row = b'["123456789012","App1","1","{}","",3600,"{\\"team\\":\\"t1\\"}",1,2,1]'
    file.path.write_bytes(handmade(STATE_KIND, header, b"[" + row + b"]", b'{"roles":1}'))
    by_hand = file.read()

    content = write(file, roles(2)[1:])

    assert by_hand == SavedSnapshot(position=POSITION, seen=SEEN, roles=roles(2)[1:])
    assert [frame[5:-32] for frame in frames(content, STATE_KIND)[1]] == [
        header,
        b"[" + row + b"]",
        b'{"roles":1}',
        b"",
    ]


# --- what is not genuine is refused ------------------------------------------------------------------------------------


def test_a_missing_file_is_an_error_of_its_own(file: SnapshotFile) -> None:
    with pytest.raises(NoSnapshotFileError, match="there is no snapshot file"):
        file.read()


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_a_file_with_one_byte_changed_is_refused_wherever_that_is(file: SnapshotFile, change: int) -> None:
    # Row 67 of the faults.
    content = write(file, roles(2))

    read = []
    for at, byte in enumerate(content):
        file.path.write_bytes(content[:at] + bytes([byte ^ change]) + content[at + 1 :])
        try:
            read.append((at, file.read()))
        except SnapshotFileError:
            continue

    assert len(content) > 500
    assert read == []


def test_a_file_that_is_cut_off_is_refused_wherever_that_is(file: SnapshotFile) -> None:
    # Row 67 of the faults.
    content = write(file, roles(2))

    for length in range(len(content)):
        file.path.write_bytes(content[:length])
        with pytest.raises(SnapshotFileError, match="is incomplete: its end is missing"):
            file.read()


def test_a_file_that_continues_after_its_end_is_refused(file: SnapshotFile) -> None:
    content = write(file, roles(2))

    for more in (b"\0", content):
        file.path.write_bytes(content + more)
        with pytest.raises(SnapshotFileError, match="continues after its end"):
            file.read()


def test_a_file_with_another_key_is_refused(file: SnapshotFile) -> None:
    write(file, roles(2))

    for other in (KEY[::-1], KEY + b"k", KEY[:-1]):
        with pytest.raises(SnapshotFileError, match="altered, or written with another key"):
            SnapshotFile(file.path, other).read()


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([0, 2, 1, 3, 4, 5], id="exchanged"),
        pytest.param([0, 1, 3, 4, 5], id="dropped"),
        pytest.param([0, 1, 1, 2, 3, 4, 5], id="repeated"),
        pytest.param([0, 1, 5], id="ended early"),
        pytest.param([1, 2, 3, 4, 5], id="without the header"),
    ],
)
def test_frames_of_one_file_stay_in_their_order(file: SnapshotFile, order: list[int]) -> None:
    opening, parts = frames(write(file, roles(3 * FRAME_ROLES)), STATE_KIND)
    assert len(parts) == 6

    file.path.write_bytes(opening + b"".join(parts[at] for at in order))

    with pytest.raises(SnapshotFileError, match="altered"):
        file.read()


@pytest.mark.parametrize("at", range(6))
def test_frames_of_two_files_do_not_mix(file: SnapshotFile, at: int) -> None:
    _, other = frames(write(file, roles(3 * FRAME_ROLES)), STATE_KIND)
    opening, parts = frames(write(file, roles(3 * FRAME_ROLES)), STATE_KIND)

    file.path.write_bytes(opening + b"".join(parts[:at] + other[at : at + 1] + parts[at + 1 :]))

    with pytest.raises(SnapshotFileError, match="altered"):
        file.read()


def test_the_note_of_when_the_store_was_seen_is_not_taken_for_a_state(file: SnapshotFile) -> None:
    file.touch(POSITION, SEEN)
    note = seen_path(file).read_bytes()

    for content in (note, STATE_KIND + note[len(SEEN_KIND) :]):
        file.path.write_bytes(content)
        with pytest.raises(SnapshotFileError, match=r"another kind|altered"):
            file.read()


def test_the_length_of_a_frame_is_bounded_before_it_is_read(file: SnapshotFile) -> None:
    opening, parts = frames(write(file, roles(2)), STATE_KIND)

    file.path.write_bytes(opening + b"\0\xff\xff\xff\xff" + parts[0][5:])

    with pytest.raises(SnapshotFileError, match="names a frame of 4294967295 bytes"):
        file.read()


HEADER = b'{"hash":"00","incarnation":"i","revision":7,"seen":{"boot_id":"","boottime":1,"wall":1},"token_key":"00"}'


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"{}", b'{"roles":0}'], id="no position"),
        pytest.param([HEADER, b"no json", b'{"roles":0}'], id="no json"),
        pytest.param([HEADER, b'[["too","few"]]', b'{"roles":1}'], id="no role"),
        pytest.param([HEADER], id="no count"),
        pytest.param([HEADER, b'{"roles":1}'], id="another count"),
        pytest.param([HEADER.replace(b"wall", b"well"), b'{"roles":0}'], id="no time"),
    ],
)
def test_an_authentic_file_with_another_content_is_refused(file: SnapshotFile, payloads: list[bytes]) -> None:
    file.path.write_bytes(handmade(STATE_KIND, *payloads))

    with pytest.raises(SnapshotFileError, match="a content that this version does not support"):
        file.read()


def test_what_is_no_file_is_refused_without_waiting_for_it(file: SnapshotFile) -> None:
    os.mkfifo(file.path)
    with pytest.raises(SnapshotFileError, match="it is a named pipe, not a regular file"):
        file.read()

    file.path.unlink()
    write(file, roles(1))
    file.path.rename(file.path.with_name("moved"))
    file.path.symlink_to("moved")
    with pytest.raises(SnapshotFileError, match="cannot read the snapshot file"):
        file.read()


def test_only_the_last_file_that_was_set_aside_is_kept(file: SnapshotFile) -> None:
    # Row 67 of the faults.
    file.path.write_bytes(b"first")
    file.set_aside()
    file.path.write_bytes(b"second")

    aside = file.set_aside()

    assert aside.read_bytes() == b"second"
    assert names(file) == {"state.refused"}
    with pytest.raises(NoSnapshotFileError):
        file.read()


def test_only_a_regular_file_is_set_aside(file: SnapshotFile) -> None:
    file.path.symlink_to("/dev/null")

    with pytest.raises(SnapshotFileError, match="it is a symbolic link, not a regular file"):
        file.set_aside()

    assert names(file) == {"state"}


def test_a_file_that_cannot_be_set_aside_is_an_error(file: SnapshotFile) -> None:
    with pytest.raises(SnapshotFileError, match=r"cannot rename `.*/state` to `state\.refused`: no such file"):
        file.set_aside()


# --- when the store was seen -------------------------------------------------------------------------------------------


def test_the_store_was_last_seen_when_that_was_noted_last(file: SnapshotFile) -> None:
    write(file, roles(2))
    file.touch(POSITION, LATER.before(1))
    file.touch(POSITION, LATER)

    saved = file.read()

    assert (saved.seen, saved.warning) == (LATER, "")


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=["incarnation", "revision", "hash"])
def test_a_note_of_another_state_does_not_make_this_one_younger(file: SnapshotFile, elsewhere: object) -> None:
    write(file, roles(2))
    file.touch(replace(POSITION, **{n: getattr(elsewhere, n) for n in ("incarnation", "revision", "hash")}), LATER)

    saved = file.read()

    assert (saved.seen, saved.warning) == (SEEN, "")


def test_a_note_that_is_not_authentic_is_ignored_with_a_warning(file: SnapshotFile) -> None:
    write(file, roles(1))
    file.touch(POSITION, LATER)
    note = seen_path(file).read_bytes()
    changed = [note[:at] + bytes([byte ^ 1]) + note[at + 1 :] for at, byte in enumerate(note)]
    cut_off = [note[:length] for length in range(len(note))]

    for content in [*changed, *cut_off, note + b"\0", handmade(SEEN_KIND, b"[]"), handmade(SEEN_KIND)]:
        seen_path(file).write_bytes(content)
        saved = file.read()

        assert saved.seen == SEEN
        assert "state.seen" in saved.warning
        assert "the time in `state` is used instead" in saved.warning


def test_a_note_with_another_key_is_ignored(file: SnapshotFile) -> None:
    write(file, roles(1))
    SnapshotFile(file.path, KEY[::-1]).touch(POSITION, LATER)

    assert file.read().seen == SEEN


# --- writing -----------------------------------------------------------------------------------------------------------


def test_without_a_directory_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SnapshotFileError, match="there is no directory"):
        SnapshotFile(tmp_path / "none" / "state", KEY)


def test_others_may_run_after_each_frame(file: SnapshotFile) -> None:
    pauses = list[int]()

    file.write(POSITION, roles(3 * FRAME_ROLES), SEEN, pause=lambda: pauses.append(1))

    assert len(pauses) == len(["header", 1, 2, 3, "count"])


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_the_files_are_their_owners_alone_at_every_moment(file: SnapshotFile, umask: int) -> None:
    seen_modes = set[int]()
    before = os.umask(umask)
    try:
        file.write(POSITION, roles(250), SEEN, pause=lambda: seen_modes.update(modes(file.path.parent)))
        file.touch(POSITION, LATER)
        seen_modes |= modes(file.path.parent)
        file.set_aside()
    finally:
        os.umask(before)

    assert seen_modes | modes(file.path.parent) == {0o600}


class Interruption(BaseException):
    """What no handler of exceptions catches."""


def test_a_writing_that_is_interrupted_leaves_the_file_as_it_was(file: SnapshotFile) -> None:
    write(file, roles(2))

    def stop() -> None:
        raise Interruption

    def broken() -> Iterator[Role]:
        yield from roles(150)
        raise TypeError("of the caller")

    with pytest.raises(Interruption):
        file.write(POSITION, roles(3), SEEN, pause=stop)
    with pytest.raises(TypeError, match="of the caller"):
        file.write(POSITION, broken(), SEEN, pause=no_pause)

    assert file.read().roles == roles(2)
    assert names(file) == {"state"}


def test_a_directory_that_takes_no_file_leaves_the_one_that_is_there(file: SnapshotFile) -> None:
    write(file, roles(2))
    file.path.with_name("state.new").mkdir()
    seen_path(file).with_name("state.seen.new").mkdir()

    with pytest.raises(SnapshotFileError, match=r"cannot write the snapshot file `.*/state`: is a directory"):
        write(file, roles(3))
    with pytest.raises(SnapshotFileError, match=r"cannot write the snapshot file `.*/state\.seen`"):
        file.touch(POSITION, LATER)

    assert file.read() == SavedSnapshot(position=POSITION, seen=SEEN, roles=roles(2))


def test_a_directory_that_was_removed_is_an_error(file: SnapshotFile) -> None:
    file.path.parent.rmdir()

    with pytest.raises(SnapshotFileError, match=r"cannot write the snapshot file .* no such file or directory"):
        write(file, roles(1))


def test_a_role_that_no_reader_would_take_is_not_written(file: SnapshotFile, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, roles(2))
    monkeypatch.setattr("rolecall.storage.snapshot.authenticated_file.MAX_FRAME_BYTES", 1_000)

    with pytest.raises(SnapshotFileError, match="it would have a frame of"):
        write(file, roles(1, document="x" * 2_000))

    assert file.read().roles == roles(2)


def test_a_frame_may_be_as_long_as_the_limit_and_no_longer(file: SnapshotFile, monkeypatch: pytest.MonkeyPatch) -> None:
    content = write(file, roles(1, document="x" * 2_000))
    longest = max(len(frame) - 5 - 32 for frame in frames(content, STATE_KIND)[1])

    monkeypatch.setattr("rolecall.storage.snapshot.authenticated_file.MAX_FRAME_BYTES", longest)
    write(file, roles(1, document="x" * 2_000))
    assert file.read().roles == roles(1, document="x" * 2_000)

    monkeypatch.setattr("rolecall.storage.snapshot.authenticated_file.MAX_FRAME_BYTES", longest - 1)
    with pytest.raises(
        SnapshotFileError, match=rf"it would have a frame of {longest} bytes; the limit is {longest - 1}$"
    ):
        write(file, roles(1, document="x" * 2_000))
    with pytest.raises(SnapshotFileError, match=rf"names a frame of {longest} bytes; the limit is {longest - 1}$"):
        file.read()


def test_a_frame_has_a_hundred_roles(file: SnapshotFile) -> None:
    content = write(file, roles(250))

    _, *of_roles, _, _ = frames(content, STATE_KIND)[1]
    assert [len(json.loads(frame[5:-32])) for frame in of_roles] == [100, 100, 50]


def test_links_are_not_followed_when_writing(file: SnapshotFile) -> None:
    victim = file.path.with_name("victim")
    victim.write_text("untouched")
    for name in ("state.new", "state.seen.new"):
        file.path.with_name(name).symlink_to(victim)

    write(file, roles(2))
    file.touch(POSITION, LATER)

    assert victim.read_text() == "untouched"
    assert not any(path.is_symlink() for path in file.path.parent.iterdir())
    assert (file.read().roles, file.read().seen) == (roles(2), LATER)


def test_what_is_not_a_regular_file_is_not_replaced(file: SnapshotFile) -> None:
    victim = file.path.with_name("victim")
    victim.write_text("untouched")
    for name in ("state", "state.seen"):
        file.path.with_name(name).symlink_to(victim)

    with pytest.raises(SnapshotFileError, match=r"cannot write the snapshot file .* it is a symbolic link"):
        write(file, roles(2))
    with pytest.raises(SnapshotFileError, match=r"cannot write the snapshot file .* it is a symbolic link"):
        file.touch(POSITION, LATER)

    assert victim.read_text() == "untouched"
    assert names(file) == {"state", "state.seen", "victim"}


def test_two_writers_of_one_file_are_an_error_and_leave_a_whole_file(file: SnapshotFile) -> None:
    other = SnapshotFile(file.path, KEY)

    def intrude() -> None:
        if not file.path.exists():
            write(other, roles(3))

    with pytest.raises(SnapshotFileError, match="another process writes the same file"):
        file.write(POSITION, roles(2), SEEN, pause=intrude)

    assert file.read().roles == roles(3)


def test_a_file_that_another_is_writing_is_not_put_in_place(file: SnapshotFile) -> None:
    theirs = file.path.with_name("state.new")

    def intrude() -> None:
        theirs.unlink()
        theirs.write_text("half of theirs")

    with pytest.raises(SnapshotFileError, match="another process writes the same file"):
        file.write(POSITION, roles(2), SEEN, pause=intrude)

    assert names(file) == {"state.new"}
    assert theirs.read_text() == "half of theirs"


def test_a_process_that_is_killed_while_it_writes_leaves_the_file_as_it_was(file: SnapshotFile) -> None:
    write(file, roles(2))

    for when in ("in the middle", "before the rename"):
        process = python("-m", "tests.storage.snapshot_process", str(file.path), when)
        process.communicate(timeout=60)

        assert process.returncode == -signal.SIGKILL
        assert names(file) == {"state", "state.new"}
        assert file.read().roles == roles(2)

    write(file, roles(3))

    assert names(file) == {"state"}
    assert file.read().roles == roles(3)


def test_a_full_disk_leaves_the_file_as_it_was(file: SnapshotFile) -> None:
    write(file, roles(2))

    process = python("-m", "tests.storage.snapshot_process", str(file.path), "on a full disk")
    output, _ = process.communicate(timeout=60)

    assert output.count("cannot write the snapshot file") > 3
    assert "written" in output
    assert file.read().roles == roles(500)
    assert names(file) == {"state"}
