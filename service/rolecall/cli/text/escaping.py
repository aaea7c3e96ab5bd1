"""Escapes in the text that programs read, for characters that a terminal or an editor would obey instead of showing them."""

from __future__ import annotations

import json
import re
from re import Match

_BEYOND_ASCII = re.compile(r"[^\t\r\n -~]")


def json_escaped(text: str) -> str:
    """Return JSON with an escape for each character that does not print: controls, bidirectional marks, lone surrogates."""
    return _BEYOND_ASCII.sub(_json_escape, text)


def yaml_escaped(text: str) -> str:
    """Do as `json_escaped` for a string in YAML, which has its own escape for characters beyond U+FFFF."""
    return _BEYOND_ASCII.sub(_yaml_escape, text)


def _json_escape(found: Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def _yaml_escape(found: Match[str]) -> str:
    return (
        found[0]
        if found[0].isprintable()
        else f"\\U{ord(found[0]):08x}"
        if found[0] > "\uffff"
        else _json_escape(found)
    )
