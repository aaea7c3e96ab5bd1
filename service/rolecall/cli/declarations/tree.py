"""Parse YAML and JSON into trees whose nodes know their locations.

Scalars are text as written, except for unquoted `null`, `true`, `false` and JSON numbers: `yes`, `on`, `0123` and `2026-01-01` are
text. Duplicate keys are refused at every depth. Aliases work, but the number of values that they expand to is limited.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import yaml

from rolecall.cli.problem import Location, Problem, ProblemsError, error_at

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_NODES = 5_000_000
MAX_DEPTH = 64
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"

_LITERAL = re.compile(r"null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `style` is how YAML writes it: a block (`|`, `>`), a quote, or empty for a plain scalar."""

    location: Location
    text: str
    style: str = ""

    @property
    def literal(self) -> str:
        """Return the value as a JSON literal (`true`, `42`, `null`), or an empty string if it is text."""
        if self.style:
            return ""
        if self.text in ("", "~"):
            return "null"
        return self.text if _LITERAL.fullmatch(self.text) else ""


@dataclass(frozen=True, slots=True)
class Array:
    """Values in order."""

    location: Location
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Values by name, and the location of each name."""

    location: Location
    members: Mapping[str, Node]
    keys: Mapping[str, Location]


Node = Scalar | Array | Table


class Mark(Protocol):
    """A position as YAML's parsers report it, from 0."""

    index: int
    line: int
    column: int


def read_documents(text: str, file: str, *, is_json: bool | None = None) -> list[Node]:
    """Return the documents of a file of JSON or YAML; raise `ProblemsError`. None: JSON if its name ends in `.json`, else YAML."""
    if not (file.endswith(".json") if is_json is None else is_json):
        return _documents(text, file, json_text="")
    _require_json(text, file)
    # The YAML parser refuses tabs and lone surrogates, which JSON allows; strings are read from the original `text`.
    return _documents(_SURROGATE.sub(r"\\u0020", text.replace("\t", " ")), file, json_text=text)


def _require_json(text: str, file: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise error_at(Location(file, error.lineno, error.colno), f"not JSON: {error.msg.lower()}") from None
    except ValueError as error:
        raise error_at(Location(file), f"not JSON: {error}") from None
    except RecursionError:
        raise error_at(Location(file), _TOO_DEEP) from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"`{name}` is not a number of JSON")


def _documents(text: str, file: str, *, json_text: str) -> list[Node]:
    try:
        return list(_Builder(text, file, json_text).documents())
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, file) from None
    except yaml.reader.ReaderError as error:
        raise error_at(Location(file), f"not YAML: {error.reason}") from None


class _Builder:
    """Builds the trees of one file from the parser's events, with a limit on depth that YAML's own composer does not have.

    `json_text` is the original text of a JSON file, from which strings are read: YAML reads a surrogate pair as two characters.
    """

    def __init__(self, text: str, file: str, json_text: str) -> None:
        self._events, self._file, self._json_text = _LOADER(text), file, json_text
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def documents(self) -> Iterator[Node]:
        """Yield the tree of each document; raise `ProblemsError`."""
        while not isinstance(event := self._events.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                yield self._node(self._events.get_event(), 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        location, before = _location(self._file, event), self._count
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, location)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise error_at(location, "a value is missing")
        self._require_bounded(1, location)
        self._require_plain(event, depth, location)
        if isinstance(event, yaml.ScalarEvent):
            node: Node = Scalar(location, self._text(event), event.style or "")
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._table(location, depth)
        else:
            node = Array(location, tuple(self._items(depth)))
        if event.anchor:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def _alias(self, event: yaml.AliasEvent, location: Location) -> Node:
        if event.anchor not in self._anchors:
            raise error_at(location, f"the anchor `&{event.anchor}` is not defined before this alias")
        node, size = self._anchors[event.anchor]
        self._require_bounded(size, location)
        return node

    def _require_bounded(self, size: int, location: Location) -> None:
        self._count += size
        if self._count > MAX_NODES:
            raise error_at(
                location,
                f"the file has more than {MAX_NODES:,} values, counting those of an alias at each use",
            )

    def _require_plain(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, depth: int, location: Location
    ) -> None:
        if depth > MAX_DEPTH:
            raise error_at(location, _TOO_DEEP)
        if event.tag:
            raise error_at(location, f"the tag `{event.tag}` is not supported", "write the value without a tag")

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._events.get_event(), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _table(self, location: Location, depth: int) -> Table:
        members: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        twice: list[Problem] = []
        while not isinstance(event := self._events.get_event(), yaml.MappingEndEvent):
            at = _location(self._file, event)
            key = self._key(event, at)
            value = self._node(self._events.get_event(), depth + 1)
            if key in keys:
                twice.append(_duplicate(key, at, keys[key]))
            else:
                keys[key], members[key] = at, value
        if twice:
            raise ProblemsError(twice)
        return Table(location, members, keys)

    def _key(self, event: yaml.Event, location: Location) -> str:
        node = self._node(event, MAX_DEPTH) if isinstance(event, yaml.ScalarEvent) else None
        if not isinstance(node, Scalar):
            raise error_at(location, "a key must be text")
        return node.text

    def _text(self, event: yaml.ScalarEvent) -> str:
        if not self._json_text or event.style != '"':
            return str(event.value)
        return str(json.loads(self._json_text[_mark(event.start_mark).index : _mark(event.end_mark).index]))


def _duplicate(key: str, at: Location, first: Location) -> Problem:
    message = f"the key `{key}` is given twice; the first is on line {first.line}"
    return Problem(location=at, message=message, reason="DUPLICATE_KEY", hint="keep one of the two")


def _location(file: str, event: yaml.Event) -> Location:
    mark = _mark(event.start_mark)
    return Location(file, mark.line + 1, mark.column + 1)


def _mark(mark: Mark | None) -> Mark:
    if mark is None:
        raise ValueError("the parser gave an event without a position")
    return mark


def _unreadable(error: yaml.MarkedYAMLError, file: str) -> ProblemsError:
    mark = error.problem_mark or error.context_mark
    location = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    hint = "indent with spaces" if "cannot start any token" in (error.problem or "") else ""
    return error_at(location, f"not YAML: {error.problem or error.context or 'cannot be read'}", hint)
