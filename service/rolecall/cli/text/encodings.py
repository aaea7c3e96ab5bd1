"""Decode the bytes of a file as UTF-8 text, and name what else they are: other encodings, archives, binary plans."""

from __future__ import annotations

from rolecall.cli.problems.problem import Location, error_at

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16 = "write it as UTF-8; in PowerShell: `terraform show -json plan.out | Out-File -Encoding utf8 plan.json` (`>` writes UTF-16)"
_UNPACK = "unpack it, and give the files in it"
_SIGNATURES = (
    (b"\xff\xfe\x00\x00", "UTF-32 text", _UTF16),
    (b"\x00\x00\xfe\xff", "UTF-32 text", _UTF16),
    (b"\xff\xfe", "UTF-16 text", _UTF16),
    (b"\xfe\xff", "UTF-16 text", _UTF16),
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    (b"\x1f\x8b", "a gzip archive", "unpack it, such as by `gzip -dc FILE`, whose output can be given as `-`"),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"%PDF-", "a PDF document", "give the text itself, in a file of its own"),
    (b"SQLite format 3\x00", "a SQLite database", "roles in a store are listed by `rolecall role list`"),
)
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_PLAN = "a binary terraform plan", "give what `terraform show -json FILE` prints"
_SAMPLE_BYTES = 256


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file, without a byte order mark; raise `ProblemsError` if it is not UTF-8 text."""
    require_text(data, name)
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise error_at(Location(name, line, 1), f"`{name}` is not UTF-8 text") from None


def require_text(data: bytes, name: str) -> None:
    """Raise `ProblemsError` if the first bytes show another encoding or a file of another kind."""
    if other := _other(data):
        what, hint = other
        raise error_at(Location(name), f"`{name}` is {what}", hint, reason="WRONG_KIND")


def _other(data: bytes) -> tuple[str, str] | None:
    """Return what data is instead of UTF-8 text, and what to do; None if nothing of this is recognised."""
    if data.startswith(b"PK\x03\x04") and b"tfplan" in data[:_SAMPLE_BYTES]:
        return _PLAN
    for start, what, hint in _SIGNATURES:
        if data.startswith(start):
            return what, hint
    if data[_TAR_OFFSET : _TAR_OFFSET + len(_TAR_MAGIC)] == _TAR_MAGIC:
        return "a tar archive", _UNPACK
    sample = data[:_SAMPLE_BYTES]
    if _every_second_is_zero(sample):
        return "UTF-16 text", _UTF16
    return ("binary data", "give a text file, JSON or YAML") if b"\x00" in sample else None


def _every_second_is_zero(sample: bytes) -> bool:
    """Return whether data is probably text in UTF-16 without a byte order mark, most of it ASCII."""
    pairs = len(sample) // 2
    zeros = max(sample[::2].count(0), sample[1::2].count(0))
    return pairs > 1 and zeros * 10 >= pairs * 9 and sample.count(0) < pairs * 3 // 2
