"""How a text of a document or request is shown inside a message: on one line, printable, and not too long."""

from __future__ import annotations

from collections.abc import Iterable

_MAX_SHOWN = 96


def printable(text: str) -> str:
    """Return `text` with every character that does not print (control, bidi, lone surrogate) spelled as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str) -> str:
    """Return `text` in backticks, printable, cut in the middle when it is long."""
    if len(text) > _MAX_SHOWN:
        text = f"{text[: _MAX_SHOWN * 2 // 3]}...{text[-_MAX_SHOWN // 3 :]}"
    return f"`{printable(text)}`"


def listed(texts: Iterable[str], *, last: str = "or") -> str:
    """Return the texts in backticks as an enumeration: `a`, `b` or `c`."""
    *most, final = [f"`{text}`" for text in texts]
    return f"{', '.join(most)} {last} {final}" if most else final


def advised(message: str, suggestion: str) -> str:
    """Return a message with what to write instead, unless it says so already or there is nothing to suggest."""
    if not suggestion or f"`{suggestion}`" in message:
        return message
    return f"{message}; write `{suggestion}`"
