"""A value of the file of contexts, read as what a field takes; each mistake is noted with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rolecall_client.contexts.errors import ContextProblem, ContextsError
from rolecall_client.contexts.limits import MAX_PROBLEMS, MAX_TEXT_CHARACTERS, MAX_TIMEOUT_SECONDS
from rolecall_client.contexts.location import expanded_path
from rolecall_client.contexts.strict_yaml import Place, YamlList, YamlMapping, YamlNode, YamlText
from rolecall_client.contexts.text import instead_of, quoted

_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)
NO_TEXT = frozenset({"", "~", "null", "true", "false"})
"""Words that are not text without quotes."""


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The mistakes found so far in one file."""

    file: str
    found: list[ContextProblem] = field(default_factory=list)

    def note(self, place: Place, message: str, fix: str = "") -> None:
        """Note a mistake; raise `ContextsError` when there are as many as are reported."""
        self.found.append(ContextProblem(self.file, *place, message, fix))
        if len(self.found) == MAX_PROBLEMS:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise `ContextsError` with all mistakes."""
        if self.found:
            raise ContextsError(sorted(self.found, key=lambda problem: (problem.line, problem.column)))


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field: its name for messages, and where its mistakes are noted."""

    name: str
    node: YamlNode
    mistakes: Mistakes

    def refuse(self, message: str, fix: str = "") -> None:
        """Note a mistake at this value."""
        self.mistakes.note(self.node.place, message, fix)

    def fields(self, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Field]:
        """Return the known fields of a mapping; note those that are unknown or missing."""
        known = (*required, *optional)
        given = dict(self.entries(len(known) + 100, f"a mapping with {', '.join(f'`{name}`' for name in known)}"))
        for name in [name for name in given if name not in known]:
            place = self.node.places[name] if isinstance(self.node, YamlMapping) else self.node.place
            self.mistakes.note(place, f"{quoted(name)} is not a field of {self.name}", instead_of(name, known, none=""))
        if isinstance(self.node, YamlMapping):
            for name in [name for name in required if name not in given]:
                self.refuse(f"`{name}` is missing in {self.name}", "add it")
        return {name: Field(f"`{name}`", value.node, self.mistakes) for name, value in given.items() if name in known}

    def entries(self, limit: int, wanted: str) -> Iterator[tuple[str, Field]]:
        """Yield the names and values of a mapping of at most `limit` entries."""
        if not isinstance(self.node, YamlMapping):
            self._refuse_type(wanted)
        elif len(self.node.members) > limit:
            self.refuse(f"{self.name} has {len(self.node.members):,} entries", f"{limit:,} are allowed")
        else:
            for name, node in self.node.members.items():
                yield name, Field(quoted(name), node, self.mistakes)

    def place_of(self, name: str) -> Place:
        """Return the place of a key of this mapping."""
        return self.node.places[name] if isinstance(self.node, YamlMapping) else self.node.place

    def text(self) -> str:
        """Return a text; empty after noting that it is none."""
        node = self.node
        if not isinstance(node, YamlText) or (node.plain and node.text in NO_TEXT):
            self._refuse_type("text")
        elif not node.text or len(node.text) > MAX_TEXT_CHARACTERS or not node.text.isprintable():
            self.refuse(f"{self.name} must have 1 to {MAX_TEXT_CHARACTERS:,} printable characters")
        else:
            return node.text
        return ""

    def path(self) -> Path | None:
        """Return a path, relative to the folder of the file; `~` is the home of the user."""
        if not (text := self.text()):
            return None
        return Path(self.mistakes.file).absolute().parent / expanded_path(text)

    def seconds(self) -> float | None:
        """Return a time of more than 0 seconds."""
        text = self.node.text if isinstance(self.node, YamlText) and self.node.plain else ""
        if _SECONDS.fullmatch(text) and 0 < float(text) <= MAX_TIMEOUT_SECONDS:
            return float(text)
        self.refuse(f"{self.name} must be a number of seconds up to {MAX_TIMEOUT_SECONDS:,}", "write it without quotes")
        return None

    def words(self, limit: int) -> tuple[str, ...]:
        """Return a list of 1 to `limit` texts; empty after noting that it is something else."""
        if not isinstance(self.node, YamlList):
            self._refuse_type("a list of words, such as `[print-token, --audience, rolecall]`")
            return ()
        if not 1 <= len(self.node.items) <= limit:
            self.refuse(f"{self.name} has {len(self.node.items)} words", f"write 1 to {limit}")
            return ()
        words = tuple(Field(f"a word of {self.name}", item, self.mistakes).text() for item in self.node.items)
        return words if all(words) else ()

    def _refuse_type(self, wanted: str) -> None:
        self.refuse(f"{self.name} must be {wanted}, not {_kind_of(self.node)}")


def _kind_of(node: YamlNode) -> str:
    if isinstance(node, YamlText):
        return "nothing" if node.plain and node.text in ("", "~", "null") else quoted(node.text)
    return "a list" if isinstance(node, YamlList) else "a mapping"
