"""Read the text of a condition value as the value that is compared: numbers, instants and booleans.

Every reader raises only `ValueError`, with a sentence.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from rolecall.policy.limits import MAX_NUMBER_CHARACTERS
from rolecall.policy.wording import quoted

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))",
    re.ASCII,
)
_ANY = "surrogatepass"
_TRUTH = {"true": True, "false": False}
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def read_text(text: str) -> str:
    """Return the text itself."""
    return text


def fold(text: str) -> str:
    """Return `text` with its ASCII letters in lower case, and every other character as it is."""
    # `bytes.lower` changes ASCII letters only, and no other character has a byte of one in UTF-8.
    return text.lower() if text.isascii() else text.encode("utf-8", _ANY).lower().decode("utf-8", _ANY)


def read_number(text: str) -> Decimal:
    """Read number = [+-]? digits ["." digits], in ASCII; compared exactly, so never a float and no exponent."""
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError(f"the number has {len(text)} characters; {MAX_NUMBER_CHARACTERS} are allowed")
    if not _NUMBER.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not a number; write decimal digits, such as `-1.5`, without exponent or blanks"
        )
    return Decimal(text)


def read_bool(text: str) -> bool:
    """Read bool = "true" | "false", in any case."""
    truth = _TRUTH.get(fold(text))
    if truth is None:
        raise ValueError(f"{quoted(text)} is neither `true` nor `false`")
    return truth


def read_date(text: str) -> int:
    """Read date = YYYY-MM-DDThh:mm:ss ["." 1 to 6 digits] ("Z" | [+-]hh:mm), as microseconds since 1970 in UTC."""
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError(
            f"{quoted(text)} is not a time; write `YYYY-MM-DDThh:mm:ssZ`, or with an offset such as `+08:00`,"
            " and at most six digits of a second"
        )
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = found.groups()
    seconds = _days(text, int(year), int(month), int(day)) * 86_400
    seconds += int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign:
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        seconds += offset if sign == "-" else -offset
    return seconds * 1_000_000 + int((fraction or "0").ljust(6, "0"))


def _days(text: str, year: int, month: int, day: int) -> int:
    try:
        return date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        raise ValueError(f"{quoted(text)} names a day that does not exist") from None
