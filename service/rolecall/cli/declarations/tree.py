"""Parse YAML and JSON into trees whose nodes know their locations.

Scalars are text as written, except for unquoted `null`, `true`, `false` and JSON numbers: `yes`, `on`, `0123` and `2026-01-01` are
text. Duplicate keys are refused at every depth. Aliases and merge keys (`<<`) work, but the number of values that they expand to is
limited.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import yaml

from rolecall.cli.declarations.nodes import Array, Node, Scalar, Table, tag_problems
from rolecall.cli.declarations.yaml_tags import with_tag
from rolecall.cli.problems.problem import Location, Problem, ProblemsError, error_at

__all__ = ["Array", "Node", "ReadDocuments", "Scalar", "Table", "read_all", "read_documents", "tag_problems"]

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_NODES = 5_000_000
MAX_DEPTH = 64
MAX_DOCUMENTS = 10_000
_MERGE = "<<"
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Mark(Protocol):
    """A position as YAML's parsers report it, from 0."""

    index: int
    line: int
    column: int


class _Anchored(NamedTuple):
    """A value with an anchor, how many values it has, aliases expanded, and how many levels are below it."""

    node: Node
    size: int
    height: int


class ReadDocuments(NamedTuple):
    """The documents of a file. `duplicates` are keys that are given twice: an error each, but the first value of each is read."""

    documents: list[Node]
    duplicates: list[Problem]


def read_documents(text: str, file: str) -> list[Node]:
    """Return the documents of a file, of JSON if its name ends in `.json`, else of YAML; raise `ProblemsError`."""
    documents, duplicates = read_all(text, file, is_json=file.endswith(".json"))
    problems = [*duplicates, *(problem for document in documents for problem in tag_problems(document, text))]
    if problems:
        raise ProblemsError(problems)
    return documents


def read_all(text: str, file: str, *, is_json: bool) -> ReadDocuments:
    """Return the documents of a file, also beside duplicate keys, which the caller must report.

    Raise `ProblemsError` for a file that cannot be read.
    """
    if not is_json:
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


def _documents(text: str, file: str, *, json_text: str) -> ReadDocuments:
    builder = _Builder(text, file, json_text)
    try:
        return ReadDocuments(list(builder.documents()), builder.duplicates)
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
        self._anchors: dict[str, _Anchored] = {}
        self._count = self._deepest = 0
        self.duplicates: list[Problem] = []

    def documents(self) -> Iterator[Node]:
        """Yield the tree of each document; raise `ProblemsError`."""
        count = 0
        while not isinstance(event := self._events.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                count += 1
                if count > MAX_DOCUMENTS:
                    raise error_at(
                        _location(self._file, event), f"the file has more than {MAX_DOCUMENTS:,} documents; split it"
                    )
                yield self._node(self._events.get_event(), 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        location, before = _location(self._file, event), self._count
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth, location)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise error_at(location, "a value is missing")
        self._require_bounded(1, location)
        self._require_shallow(depth, location)
        around, self._deepest = self._deepest, depth
        node = self._value(event, depth, location)
        if event.tag:
            node = with_tag(node, event.tag)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(node, self._count - before, self._deepest - depth)
        self._deepest = max(around, self._deepest)
        return node

    def _value(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, depth: int, location: Location) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(location, self._text(event), event.style or "")
        if isinstance(event, yaml.MappingStartEvent):
            return self._table(location, depth)
        return Array(location, tuple(self._items(depth)))

    def _alias(self, event: yaml.AliasEvent, depth: int, location: Location) -> Node:
        if event.anchor not in self._anchors:
            raise error_at(location, f"the anchor `&{event.anchor}` is not defined before this alias")
        node, size, height = self._anchors[event.anchor]
        self._require_bounded(size, location)
        self._require_shallow(depth + height, location)
        self._deepest = max(self._deepest, depth + height)
        return node

    def _require_bounded(self, size: int, location: Location) -> None:
        self._count += size
        if self._count > MAX_NODES:
            raise error_at(
                location,
                f"the file has more than {MAX_NODES:,} values, counting those of an alias at each use",
            )

    def _require_shallow(self, depth: int, location: Location) -> None:
        if depth > MAX_DEPTH:
            raise error_at(location, _TOO_DEEP)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._events.get_event(), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _table(self, location: Location, depth: int) -> Table:
        members: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        merged: Iterable[Table] = ()
        while not isinstance(event := self._events.get_event(), yaml.MappingEndEvent):
            at = _location(self._file, event)
            key = self._key(event, at, depth)
            value = self._node(self._events.get_event(), depth + 1)
            if key in keys:
                self.duplicates.append(_duplicate(key, at, keys[key]))
                continue
            keys[key], members[key] = at, value
            if _is_merge_key(event):
                merged = _merged_tables(value)
        if merged:
            del keys[_MERGE], members[_MERGE]
        for table in merged:
            # The mapping's own members come first, then those of the first mapping that has them.
            members = {**table.members, **members}
            keys = {**table.keys, **keys}
        return Table(location, members, keys)

    def _key(self, event: yaml.Event, location: Location, depth: int) -> str:
        node = self._node(event, depth) if isinstance(event, yaml.ScalarEvent) else None
        if not isinstance(node, Scalar):
            raise error_at(location, "a key must be text")
        return node.text

    def _text(self, event: yaml.ScalarEvent) -> str:
        if not self._json_text or event.style != '"':
            return str(event.value)
        return str(json.loads(self._json_text[_mark(event.start_mark).index : _mark(event.end_mark).index]))


def _is_merge_key(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and not event.style and not event.tag


def _merged_tables(value: Node) -> list[Table]:
    """Return the mappings whose members a merge key adds; raise `ProblemsError` if it has something else."""
    found = value.items if isinstance(value, Array) else (value,)
    tables = [table for table in found if isinstance(table, Table) and not table.tag]
    if not tables or len(tables) != len(found):
        raise error_at(value.location, "`<<` must be an alias of a mapping, or a list of them", 'quote `"<<"` as a key')
    return tables


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
