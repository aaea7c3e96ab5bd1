"""Read the fields of a case, and collect every problem at its location."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.problems.problem import Location, Problem

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


class Fields:
    """Reads fields, and collects every problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def note(self, location: Location, message: str, hint: str = "", *, reason: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(location=location, message=message, hint=hint, reason=reason))

    def known(self, table: Table, known: Iterable[str]) -> None:
        """Note every unknown key."""
        names = list(known)
        for key, location in table.keys.items():
            if key not in names:
                nearest = difflib.get_close_matches(key, names)
                listed = ", ".join(f"`{name}`" for name in names)
                hint = f"did you mean `{nearest[0]}`?" if nearest else f"known keys are {listed}"
                self.note(location, f"unknown key `{key}`", hint, reason="UNKNOWN_FIELD")

    def text(self, table: Table, key: str, *, required: bool = False) -> str:
        """Return a text; empty if it is missing."""
        node = table.members.get(key)
        if node is None:
            if required:
                self.note(table.location, f"`{key}` is missing")
            return ""
        if not isinstance(node, Scalar) or node.literal == "null":
            self.note(node.location, f"`{key}` must be text", "write a text, or leave out the key")
            return ""
        if required and not node.text:
            self.note(node.location, f"`{key}` must not be empty")
        return node.text

    def choice(self, table: Table, key: str, choices: Iterable[str], *, required: bool = False) -> str:
        """Return one of the choices; empty if it is missing."""
        text, words = self.text(table, key, required=required), list(choices)
        if text and text not in words:
            self.note(table.members[key].location, f"`{key}` must be one of {', '.join(words)}, not `{text}`")
        return text if text in words else ""

    def seconds(self, table: Table, key: str) -> int:
        """Return a number of seconds; 0 if it is missing."""
        text = self.text(table, key)
        if _SECONDS.fullmatch(text):
            return int(text)
        if text:
            self.note(table.members[key].location, f"`{key}` must be a whole number of seconds, not `{text}`")
        return 0

    def time_field(self, table: Table, key: str) -> int | None:
        """Return a time in microseconds; None if it is missing."""
        if key not in table.members:
            return None
        text = self.text(table, key, required=True)
        try:
            return _micros(text)
        except ValueError:
            if text:
                hint = "write it as `2026-12-24T18:00:00Z`, or with an offset such as +08:00"
                self.note(table.members[key].location, f"`{key}` must be a time with its zone, not `{text}`", hint)
            return None

    def values(self, table: Table, key: str) -> dict[str, tuple[str, ...]]:
        """Return a mapping from names to a text or a list of texts."""
        node = table.members.get(key)
        if node is None:
            return {}
        if not isinstance(node, Table):
            self.note(node.location, f"`{key}` must be a mapping from condition keys to a value, or to a list of them")
            return {}
        return {name: tuple(self.texts(name, value)) for name, value in node.members.items()}

    def texts(self, key: str, node: Node) -> Iterator[str]:
        """Yield the texts of a node, which is a text or a list of texts."""
        for item in node.items if isinstance(node, Array) else (node,):
            if isinstance(item, Scalar) and item.literal != "null":
                yield item.text
            else:
                self.note(
                    item.location, f"`{key}` must be text, or a list of texts", "write a text, or leave out the key"
                )


def _micros(text: str) -> int:
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
