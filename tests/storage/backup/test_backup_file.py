"""The format of a backup in memory: what is written is read, and what is not a backup of this format is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import re
from typing import Any

import pytest

from rolecall.storage.maintenance.backup_file import (
    MAX_LINE_BYTES,
    Backup,
    BackupError,
    BackupOrigin,
    BackupReader,
    BackupWriter,
)
from rolecall.storage.maintenance.store_contents import RowBatch
from rolecall.storage.sql.tables import accounts, changes, commits, counter, meta, requests
from tests.repository.tree import DOCS

ORIGIN = BackupOrigin(created=5, incarnation="i-1", revision=7)
DIGEST, HASH = b"d" * 32, b"h" * 32
DAMAGED = "the file is damaged, or was altered since it was written; nothing was restored"
INCOMPLETE = "the file is incomplete: its end is missing; nothing was restored"
NO_BACKUP = "the file is not a backup; give a file that `rolecall backup` wrote"


def batches() -> list[RowBatch]:
    return [
        RowBatch(meta, [[1, "i-1", b"\x00\xff key"]]),
        RowBatch(counter, [[1, 7, HASH, 300, DIGEST]]),
        RowBatch(accounts, [["1", 2], ["2", 0]]),
        RowBatch(accounts, [["3", 9]]),
        RowBatch(commits, [[7, 1_000, b'{"\xc3\xa9":1}', HASH]]),
        RowBatch(changes, [[7, 0, "300", b"\xff", "1/a"], [7, 1, "301", b"", "1/b"]]),
        RowBatch(requests, [["s", "r", b"", b"o", 4]]),
    ]


def lines() -> list[Any]:
    """Return the lines of a backup as the description of the format has them."""
    return [
        {"format": "rolecall-backup", "version": 2, "created": 5, "incarnation": "i-1", "revision": 7},
        {"table": "meta", "columns": ["id", "incarnation", "token_key"]},
        [1, "i-1", "AP8ga2V5"],
        {"table": "counter", "columns": ["id", "revision", "hash", "next_role_id", "digest"]},
        [1, 7, "aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=", 300, "ZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGQ="],
        {"table": "accounts", "columns": ["account_id", "roles"]},
        ["1", 2],
        ["2", 0],
        ["3", 9],
        {"table": "commits", "columns": ["revision", "time", "body", "hash"]},
        [7, 1_000, '{"\u00e9":1}', "aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg="],
        {"table": "changes", "columns": ["revision", "ordinal", "role_id", "body", "role_key"]},
        [7, 0, "300", "\udcff", "1/a"],
        [7, 1, "301", "", "1/b"],
        {"table": "requests", "columns": ["scope", "request_id", "fingerprint", "outcome", "time"]},
        ["s", "r", "", "bw==", 4],
    ]


def sealed(content: list[Any]) -> bytes:
    """Return a file with these lines and the end that belongs to them."""
    body = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in content)
    rows = sum(isinstance(line, list) for line in content)
    return gzip.compress(body + json.dumps({"rows": rows, "sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n")


def read(file: bytes) -> tuple[Backup, list[tuple[str, list[list[Any]]]]]:
    reader = BackupReader(io.BytesIO(file), "the file")
    found = [(batch.table.name, [list(row) for row in batch.rows]) for batch in reader.batches()]
    assert reader.rows == reader.backup.rows
    return reader.backup, found


def refusal(file: bytes) -> str:
    with pytest.raises(BackupError) as caught:
        read(file)
    return str(caught.value)


def test_a_backup_is_written_line_by_line_as_described() -> None:
    file = io.BytesIO()
    writer = BackupWriter(file, ORIGIN)
    counted = list[int]()
    for batch in batches():
        writer.add(batch)
        counted.append(writer.rows)

    backup = writer.end()

    written = gzip.decompress(file.getvalue()).splitlines(keepends=True)
    sha256 = hashlib.sha256(b"".join(written[:-1])).hexdigest()
    assert [json.loads(line) for line in written] == [*lines(), {"rows": 9, "sha256": sha256}]
    assert counted == [1, 2, 4, 5, 6, 8, 9]
    assert backup == Backup(created=5, incarnation="i-1", revision=7, rows=9, sha256=sha256)
    assert gzip.decompress(file.getvalue()).splitlines()[:-1] == gzip.decompress(sealed(lines())).splitlines()[:-1]


def test_a_backup_is_read_as_it_was_written() -> None:
    file = io.BytesIO()
    writer = BackupWriter(file, ORIGIN)
    for batch in batches():
        writer.add(batch)
    written = writer.end()

    backup, found = read(file.getvalue())

    # The batches of one table become one.
    together = [batch for batch in batches() if batch.table is not accounts]
    wanted = [(batch.table.name, batch.rows) for batch in together]
    wanted.insert(2, ("accounts", [["1", 2], ["2", 0], ["3", 9]]))
    assert (backup, found) == (written, wanted)


def test_the_facts_of_a_backup_are_not_known_before_its_end() -> None:
    reader = BackupReader(io.BytesIO(sealed(lines())), "the file")
    rest = reader.batches()
    next(rest)

    with pytest.raises(RuntimeError, match=r"^the backup has not been read to its end$"):
        _ = reader.backup

    assert len(list(rest)) == 5
    assert (reader.backup.revision, reader.backup.rows) == (7, 9)


@pytest.mark.parametrize("name", ["created", "incarnation", "revision"])
def test_a_header_without_one_of_its_facts_is_refused(name: str) -> None:
    header, *rest = lines()
    del header[name]

    assert refusal(sealed([header, *rest])) == DAMAGED


@pytest.mark.parametrize("name", ["format", "version"])
def test_a_header_without_its_format_or_version_is_not_one_of_a_backup(name: str) -> None:
    header, *rest = lines()
    del header[name]

    assert refusal(sealed([header, *rest])) == NO_BACKUP


@pytest.mark.parametrize("version", [0, 3, "2", None])
def test_a_format_of_another_version_is_refused_with_the_version_that_is_needed(version: object) -> None:
    header, *rest = lines()
    header["version"] = version

    assert refusal(sealed([header, *rest])) == (
        f"the file has format `{version}`, this version reads format 2; restore it with the version that wrote it, or a later one"
    )


@pytest.mark.parametrize(
    ("version", "columns", "message"),
    [
        (1, ["id", "revision", "hash", "next_role_id"], ""),
        (1, ["id", "revision", "hash", "next_role_id", "digest"], DAMAGED),
        (2, ["id", "revision", "hash", "next_role_id"], DAMAGED),
        (2, ["revision", "id", "hash", "next_role_id", "digest"], DAMAGED),
    ],
)
def test_only_format_1_lacks_the_digest_and_only_in_one_table(version: int, columns: list[str], message: str) -> None:
    content = lines()
    content[0]["version"], content[3]["columns"] = version, columns
    content[4] = content[4][: len(columns)]

    if message:
        assert refusal(sealed(content)) == message
    else:
        assert dict(read(sealed(content))[1])["counter"] == [[1, 7, HASH, 300, bytes(32)]]


@pytest.mark.parametrize("length", range(1, 17))
def test_a_backup_without_its_last_lines_is_incomplete(length: int) -> None:
    body = gzip.decompress(sealed(lines())).splitlines(keepends=True)[:length]

    assert refusal(gzip.compress(b"".join(body))) == INCOMPLETE


def test_every_value_must_have_the_type_of_its_column() -> None:
    wrong: list[object] = [None, True]
    found = set[str]()

    for at, line in enumerate(lines()):
        for place, value in enumerate(line) if isinstance(line, list) else ():
            for other in [*wrong, 7 if isinstance(value, str) else "7"]:
                content = lines()
                content[at][place] = other
                found.add(refusal(sealed(content)))

    assert found == {DAMAGED}


@pytest.mark.parametrize("at", [2, 4, 6, 10, 12, 15])
@pytest.mark.parametrize("fewer", [True, False])
def test_a_row_has_as_many_values_as_its_table_has_columns(at: int, fewer: bool) -> None:
    content = lines()
    content[at] = content[at][:-1] if fewer else [*content[at], 1]

    assert refusal(sealed(content)) == DAMAGED


@pytest.mark.parametrize("end", [{"rows": 8}, {"rows": 10}, {"sha256": "0" * 64}, {"more": 1}])
def test_an_end_that_does_not_match_is_refused(end: dict[str, object]) -> None:
    body = gzip.decompress(sealed(lines())).splitlines(keepends=True)
    body[-1] = json.dumps({**json.loads(body[-1]), **end}).encode() + b"\n"

    assert refusal(gzip.compress(b"".join(body))) == DAMAGED


def test_a_row_before_the_first_table_is_refused_also_if_it_is_not_counted() -> None:
    header, *rest = lines()
    body = b"".join(json.dumps(line).encode() + b"\n" for line in [header, [1], *rest])
    end = {"rows": 9, "sha256": hashlib.sha256(body).hexdigest()}

    assert refusal(gzip.compress(body + json.dumps(end).encode() + b"\n")) == DAMAGED


def large() -> bytes:
    """Return a backup that is unpacked in several parts, so that its header is read before a fault in the middle."""
    file, noise = io.BytesIO(), random.Random(1)
    writer = BackupWriter(file, ORIGIN)
    writer.add(RowBatch(requests, [["s", str(n), b"", noise.randbytes(1_000), n] for n in range(400)]))
    writer.end()
    return file.getvalue()


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.9])
def test_a_large_backup_whose_packing_is_broken_in_the_middle_is_refused(part: float) -> None:
    file = large()
    at = int(len(file) * part)

    assert read(file)[0].rows == 400
    assert refusal(file[:at] + b"\xff" * 64 + file[at + 64 :]) == DAMAGED
    assert refusal(file[:at] + bytes(64) + file[at + 64 :]) == DAMAGED
    assert refusal(file[:at]) == INCOMPLETE


def test_a_row_may_be_as_long_as_the_documentation_says() -> None:
    announced = re.search(r"A row may have (\d+) MiB in the file", (DOCS / "operations.md").read_text("utf-8"))

    assert announced is not None
    assert int(announced[1]) * 1024 * 1024 == MAX_LINE_BYTES
