"""What bytes are if they are not UTF-8 text: each kind by its first bytes, with what to do."""

from __future__ import annotations

import pytest

from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.text.encodings import decoded, require_text

POWERSHELL = "write it as UTF-8; in PowerShell: `terraform show -json plan.out | Out-File -Encoding utf8 plan.json` (`>` writes UTF-16)"
UNPACK = "unpack it, and give the files in it"
UTF16 = ("UTF-16 text", POWERSHELL)


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
        ("504b0304", "a zip archive", UNPACK),
        ("504b0304746670", "a zip archive", UNPACK),
        ("504b03047466706c616e", "a binary terraform plan", "give what `terraform show -json FILE` prints"),
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
    assert (other(b"x" + first + b"more") or ("", ""))[0] != what


def test_what_is_known_elsewhere_in_the_first_bytes_has_its_hint_too() -> None:
    assert other(b"a" * 257 + b"ustar") == ("a tar archive", UNPACK)
    assert other(b"a\0b\0") == UTF16
    assert other(b"text \0") == ("binary data", "give a text file, JSON or YAML")
    assert other(b"text") is None


def test_a_byte_order_mark_of_utf8_is_removed_once() -> None:
    assert decoded(b"\xef\xbb\xbfa", "f") == "a"
    assert decoded(b"\xef\xbb\xbf\xef\xbb\xbfa", "f") == "\ufeffa"


def test_what_is_no_text_in_any_encoding_has_its_line_and_no_hint() -> None:
    with pytest.raises(ProblemsError) as caught:
        decoded(b"\xef\xbb\xbfa\n\xffb\xff", "f")

    (problem,) = caught.value.problems
    assert (problem.location, problem.message) == (Location("f", 2, 1), "`f` is not UTF-8 text")
    assert (problem.hint, problem.reason) == ("", "")
