"""What bytes are if they are not UTF-8 text: each kind by its first bytes, with what to do, and where the guesses end."""

from __future__ import annotations

import pytest

from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.text.encodings import decoded, require_text

POWERSHELL = "write it as UTF-8; in PowerShell: `terraform show -json plan.out | Out-File -Encoding utf8 plan.json` (`>` writes UTF-16)"
UNPACK = "unpack it, and give the files in it"
BINARY = ("binary data", "give a text file, JSON or YAML")
UTF16 = ("UTF-16 text", POWERSHELL)
PLAN = ("a binary terraform plan", "give what `terraform show -json FILE` prints")
ZIP = ("a zip archive", UNPACK)


def other(data: bytes) -> tuple[str, str] | None:
    """Return what bytes are instead of text, and what to do; None if nothing is recognised."""
    try:
        require_text(data, "f")
    except ProblemsError as error:
        (problem,) = error.problems
        assert (problem.location, problem.reason, problem.severity) == (Location("f"), "WRONG_KIND", "error")
        return problem.message.removeprefix("`f` is "), problem.hint
    return None


@pytest.mark.parametrize(
    ("start", "what", "hint"),
    [
        ("fffe0000", "UTF-32 text", POWERSHELL),
        ("0000feff", "UTF-32 text", POWERSHELL),
        ("fffe", *UTF16),
        ("feff", *UTF16),
        ("504b0304", *ZIP),
        ("1f8b", "a gzip archive", "unpack it, such as by `gzip -dc FILE`, whose output can be given as `-`"),
        ("425a68", "a bzip2 archive", UNPACK),
        ("fd377a585a00", "an xz archive", UNPACK),
        ("28b52ffd", "a zstd archive", UNPACK),
        ("377abcaf271c", "a 7z archive", UNPACK),
        ("255044462d", "a PDF document", "give the text itself, in a file of its own"),
        ("53514c69746520666f726d6174203300", "a SQLite database", "roles in a store are listed by `rolecall role list`"),
    ],
)  # fmt: skip
def test_a_kind_is_known_by_its_first_bytes_alone(start: str, what: str, hint: str) -> None:
    first = bytes.fromhex(start)

    assert other(first) == (what, hint)
    assert other(first + b"more") == (what, hint)
    assert (other(b"x" + first + b"more") or ("", ""))[0] not in {what, PLAN[0]}


def test_a_zip_archive_is_a_plan_if_its_first_name_says_so() -> None:
    start = b"PK\x03\x04"

    assert other(start + b"x" * 246 + b"tfplan") == PLAN
    assert other(start + b"x" * 247 + b"tfplan") == ZIP
    assert other(b"a tfplan") is None


def test_a_tar_archive_is_known_by_the_word_in_its_first_header() -> None:
    tar = ("a tar archive", UNPACK)

    assert other(b"a" * 257 + b"ustar") == tar
    assert other(b"a" * 257 + b"ustar\x0000" + b"a" * 300) == tar
    assert [other(b"a" * before + b"ustar  ") for before in (256, 258)] == [None, None]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("ab".encode("utf-16-le"), UTF16),
        ("ab".encode("utf-16-be"), UTF16),
        ("abc".encode("utf-16-le") + b"d", UTF16),
        (b"a\0", BINARY),
        (b"\0a", BINARY),
        (b"a" * 255 + b"\0", BINARY),
        (b"a" * 256 + b"\0", None),
        # Nine of ten characters have a byte that is zero, and eight of ten are too few.
        (("é" * 9 + "→").encode("utf-16-le"), UTF16),
        (("→" + "é" * 9).encode("utf-16-be"), UTF16),
        (("é" * 8 + "→→").encode("utf-16-le"), BINARY),
        # In UTF-32 two or three of four bytes are zero.
        ("abcd".encode("utf-32-le"), BINARY),
        ("abcd".encode("utf-32-be"), BINARY),
        (b"\0a" * 4 + b"\0\0" * 2, UTF16),
        (b"\0a" * 3 + b"\0\0" * 3, BINARY),
        (b"\0" * 8, BINARY),
        (b"text\n", None),
        (b"", None),
    ],
)
def test_zeros_show_text_of_two_bytes_a_character_or_no_text(data: bytes, what: tuple[str, str] | None) -> None:
    assert other(data) == what


def test_a_byte_order_mark_of_utf8_is_removed_once() -> None:
    assert decoded(b"\xef\xbb\xbfa", "f") == "a"
    assert decoded(b"\xef\xbb\xbf\xef\xbb\xbfa", "f") == "\ufeffa"


def test_what_is_no_text_in_any_encoding_has_its_line_and_no_hint() -> None:
    with pytest.raises(ProblemsError) as caught:
        decoded(b"\xef\xbb\xbfa\n\xffb\xff", "f")

    (problem,) = caught.value.problems
    assert (problem.location, problem.message) == (Location("f", 2, 1), "`f` is not UTF-8 text")
    assert (problem.hint, problem.reason) == ("", "")
