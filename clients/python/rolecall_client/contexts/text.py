"""How messages about a file of contexts show its texts and its names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_SHOWN = 80
_MAX_COMPARED = 64
_MAX_LISTED = 10


def quoted(text: str) -> str:
    """Return a text in backticks, cut if it is long, with unprintable characters escaped."""
    if len(text) > _MAX_SHOWN:
        text = text[:_MAX_SHOWN] + "..."
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"`{printable}`"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is meant, probably, or an empty text."""
    close = get_close_matches(name[:_MAX_COMPARED], list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def instead_of(name: str, known: Iterable[str], *, none: str) -> str:
    """Return what to write instead of an unknown name; `none` if no name is known."""
    known = sorted(known)
    if not known:
        return none
    if meant := nearest(name, known):
        return f"did you mean `{meant}`?"
    more = f" and {len(known) - _MAX_LISTED} more" if len(known) > _MAX_LISTED else ""
    return f"known: {', '.join(f'`{one}`' for one in known[:_MAX_LISTED])}{more}"
