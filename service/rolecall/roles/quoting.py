"""Text of strangers in sentences of ours: bounded, on one line, nothing in it that a terminal would obey."""

from __future__ import annotations

SHOWN_CHARACTERS = 64


def visible(text: str) -> str:
    """Return `text` with the escape of each character that does not print: line ends, terminal controls, bidi marks."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def shown(text: str) -> str:
    """Return `text` in backticks for a message, cut after 64 characters with an ellipsis that says so."""
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return f"`{visible(cut)}`"


def storable(text: str) -> bool:
    """Tell whether every store can keep `text`: it has no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
