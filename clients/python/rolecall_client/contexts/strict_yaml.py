"""Decode the YAML of a file of contexts into nodes that know their place.

Accepted is the part of YAML in which a value means what it looks like: one document, no tags, no anchors and aliases, no key
twice. Scalars stay text here; what reads a field decides whether the text is a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import yaml

from rolecall_client.contexts.errors import ContextProblem, ContextsError, error_in
from rolecall_client.contexts.limits import MAX_DEPTH, MAX_VALUES
from rolecall_client.contexts.text import quoted

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Place(NamedTuple):
    """A line and a column of the file, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class YamlText:
    """A scalar. `plain`: without quotes; `end`: the place after its last character."""

    place: Place
    text: str
    plain: bool
    end: Place


@dataclass(frozen=True, slots=True)
class YamlList:
    """A sequence."""

    place: Place
    items: Sequence[YamlNode]


@dataclass(frozen=True, slots=True)
class YamlMapping:
    """A mapping; `places` are those of its keys."""

    place: Place
    members: Mapping[str, YamlNode]
    places: Mapping[str, Place]


YamlNode = YamlText | YamlList | YamlMapping


def decode_yaml(text: str, file: str) -> YamlNode:
    """Return the content of a file; raise `ContextsError` for YAML that is broken, ambiguous or nested too deep."""
    try:
        return _Decoder(text, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place_of(mark) if mark else Place(0, 0)
        _refuse(file, place, f"not YAML: {error.problem or error.context or 'cannot be read'}")
    except yaml.reader.ReaderError as error:
        _refuse(file, Place(0, 0), f"not YAML: {error.reason}")


class _Decoder:
    """Decodes one file from the events of the parser, whose own composer limits neither depth nor number."""

    def __init__(self, text: str, file: str) -> None:
        self._events, self._file, self._count = _LOADER(text), file, 0

    def document(self) -> YamlNode:
        self._next()
        if isinstance(first := self._next(), yaml.StreamEndEvent):
            raise error_in(self._file, "the file is empty", "write `contexts:` with at least one context")
        root = self._node(self._next(), 1)
        self._next()
        if not isinstance(first := self._next(), yaml.StreamEndEvent):
            self._refuse(first, "the file has several documents", "write one, without `---`")
        return root

    def _node(self, event: yaml.Event, depth: int) -> YamlNode:
        self._require_plain(event, depth)
        place = _place_of(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return YamlText(place, str(event.value), not event.style, _place_of(event.end_mark))
        if isinstance(event, yaml.SequenceStartEvent):
            return YamlList(place, self._items(depth))
        return self._mapping(place, depth)

    def _items(self, depth: int) -> list[YamlNode]:
        items: list[YamlNode] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, place: Place, depth: int) -> YamlMapping:
        members: dict[str, YamlNode] = {}
        places: dict[str, Place] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            self._require_plain(event, depth)
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "a key must be text", "write a name")
            name = str(event.value)
            if name in members:
                message = f"the key {quoted(name)} is given twice; the first is in line {places[name].line}"
                self._refuse(event, message, "remove one of the two")
            places[name] = _place_of(event.start_mark)
            members[name] = self._node(self._next(), depth + 1)
        return YamlMapping(place, members, places)

    def _require_plain(self, event: yaml.Event, depth: int) -> None:
        self._count += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._refuse(event, "anchors and aliases are not supported", "write the value itself")
        if tag := getattr(event, "tag", None):
            self._refuse(event, f"the tag {quoted(str(tag))} is not supported", "write the value itself")
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels, which is the limit")
        if self._count > MAX_VALUES:
            self._refuse(event, f"the file has more than {MAX_VALUES:,} values, which is the limit")

    def _next(self) -> yaml.Event:
        event: yaml.Event = self._events.get_event()
        return event

    def _refuse(self, event: yaml.Event, message: str, fix: str = "") -> NoReturn:
        _refuse(self._file, _place_of(event.start_mark), message, fix)


def _place_of(mark: Any) -> Place:  # noqa: ANN401 - a mark of the parser in Python or in C
    return Place(mark.line + 1, mark.column + 1)


def _refuse(file: str, place: Place, message: str, fix: str = "") -> NoReturn:
    raise ContextsError([ContextProblem(file, *place, message, fix)]) from None
