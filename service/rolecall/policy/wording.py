"""How texts and times are written in messages: on one line, printable, and not too long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_QUOTED = 96


def printable(text: str) -> str:
    """Return `text` with an escape for every character that does not print: line ends, controls, bidi marks, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str) -> str:
    """Return `text` in backticks, printable; of a text of more than 96 characters the first 64 and the last 32."""
    if len(text) > _MAX_QUOTED:
        text = f"{text[: _MAX_QUOTED * 2 // 3]}...{text[-_MAX_QUOTED // 3 :]}"
    return f"`{printable(text)}`"


def listed(texts: Iterable[str], *, last: str = "or") -> str:
    """Return the texts in backticks as an enumeration: "`a`, `b` or `c`"."""
    *most, final = [f"`{text}`" for text in texts]
    return f"{', '.join(most)} {last} {final}" if most else final


def advised(message: str, suggestion: str) -> str:
    """Return a message with what to write instead, unless it says so already or the suggestion is empty."""
    if not suggestion or f"`{suggestion}`" in message:
        return message
    return f"{message}; write `{suggestion}`"


def rfc3339(micros: int, *, timespec: Literal["auto", "microseconds"] = "auto") -> str:
    """Return a time as `YYYY-MM-DDThh:mm:ss[.ffffff]Z`: the fraction if it is not 0, with "microseconds" always."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
