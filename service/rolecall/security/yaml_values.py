"""Decode a YAML file into plain values, and remember where each value stands. Meant for files that decide about security.

Accepted is the part of YAML in which a value means what it looks like: one document, no tags, no anchors and aliases, no key
twice. A plain scalar is text, except for `null`, `true`, `false` and JSON numbers: `yes`, `on`, `0123` and `2026-01-01` are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import yaml

from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.callers.limits import MAX_CALLERS_DEPTH, MAX_CALLERS_VALUES
from rolecall.policy.json_text import Number
from rolecall.policy.positions import escaped
from rolecall.policy.wording import quoted

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_WORDS: Mapping[str, bool | None] = {"null": None, "~": None, "": None, "true": True, "false": False}
_WITHOUT = "write the value itself"


@dataclass(frozen=True, slots=True)
class PlacedValues:
    """The value of a file, and the place `FILE:LINE:COLUMN` of each value in it, by its JSON pointer."""

    value: object
    places: Mapping[str, str]


def read_yaml(text: str, file: str) -> PlacedValues:
    """Return the value of a YAML text; raise `InvalidCallersError`."""
    try:
        return _Decoder(text, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        _refuse(place, "", "INVALID_YAML", f"not YAML: {error.problem or error.context or 'cannot be read'}")
    except yaml.reader.ReaderError as error:
        _refuse(file, "", "INVALID_YAML", f"not YAML: {error.reason}")


class _Decoder:
    """Decodes one file from the events of the parser, whose own composer limits neither depth nor number."""

    def __init__(self, text: str, file: str) -> None:
        self._events, self._file = _LOADER(text), file
        self._places: dict[str, str] = {}

    def document(self) -> PlacedValues:
        self._next()
        if isinstance(event := self._next(), yaml.StreamEndEvent):
            _refuse(self._file, "", "EMPTY_FILE", "the file is empty")
        value = self._value(self._next(), "", 1)
        self._next()
        if not isinstance(event := self._next(), yaml.StreamEndEvent):
            _refuse(
                self._place(event), "", "SEVERAL_DOCUMENTS", "the file has several documents; write one, without `---`"
            )
        return PlacedValues(value, self._places)

    def _value(self, event: yaml.Event, pointer: str, depth: int) -> object:
        place = self._place(event)
        self._places.setdefault(pointer, place)
        self._require_plain(event, pointer, place, depth)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(pointer, depth)
        return self._mapping(pointer, depth)

    def _sequence(self, pointer: str, depth: int) -> list[object]:
        values: list[object] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, f"{pointer}/{len(values)}", depth + 1))
        return values

    def _mapping(self, pointer: str, depth: int) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            place = self._place(event)
            if not isinstance(event, yaml.ScalarEvent):
                _refuse(place, pointer, "INVALID_KEY", "a key must be text")
            name = str(event.value)
            inner = f"{pointer}/{escaped(name)}"
            if name in values:
                first = self._places[inner]
                _refuse(
                    place, inner, "DUPLICATE_KEY", f"the key {quoted(name)} is given twice; the first is at {first}"
                )
            self._require_plain(event, inner, place, depth)
            # The place of a member is that of its name.
            self._places[inner] = place
            values[name] = self._value(self._next(), inner, depth + 1)
        return values

    def _require_plain(self, event: yaml.Event, pointer: str, place: str, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse(place, pointer, "NOT_PLAIN", f"anchors and aliases are not supported; {_WITHOUT}")
        if tag := getattr(event, "tag", None):
            _refuse(place, pointer, "NOT_PLAIN", f"the tag {quoted(str(tag))} is not supported; {_WITHOUT}")
        if depth > MAX_CALLERS_DEPTH:
            _refuse(place, pointer, "TOO_DEEP", f"nested deeper than {MAX_CALLERS_DEPTH} levels, which is the limit")
        if len(self._places) > MAX_CALLERS_VALUES:
            _refuse(
                place, pointer, "TOO_MANY", f"the file has more than {MAX_CALLERS_VALUES:,} values, which is the limit"
            )

    def _next(self) -> yaml.Event:
        event: yaml.Event = self._events.get_event()
        return event

    def _place(self, event: yaml.Event) -> str:
        mark = event.start_mark
        return f"{self._file}:{mark.line + 1}:{mark.column + 1}" if mark else self._file


def _scalar(event: yaml.ScalarEvent) -> object:
    text = str(event.value)
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return Number(text) if _NUMBER.fullmatch(text) else text


def _refuse(place: str, pointer: str, reason: str, message: str) -> NoReturn:
    raise InvalidCallersError([CallersViolation(pointer=pointer, reason=reason, message=message, place=place)])
