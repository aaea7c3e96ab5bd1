"""A value of the callers file with its JSON pointer, and the violations that are found in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.callers.limits import MAX_CALLERS_VIOLATIONS, MAX_TEXT_CHARACTERS
from rolecall.policy.json_text import Number
from rolecall.policy.node import nearest
from rolecall.policy.positions import escaped
from rolecall.policy.wording import listed, quoted

_ENOUGH = (
    f"{MAX_CALLERS_VIOLATIONS} violations are listed and the rest was not examined; correct these, then check it again"
)


@dataclass(frozen=True, slots=True)
class CallersViolations:
    """The violations found so far."""

    _found: list[CallersViolation] = field(default_factory=list)

    def note(self, violation: CallersViolation) -> None:
        """Note a violation; raise `InvalidCallersError` if there are as many as are reported."""
        self._found.append(violation)
        if len(self._found) == MAX_CALLERS_VIOLATIONS:
            last = CallersViolation(pointer=violation.pointer, reason="TOO_MANY_VIOLATIONS", message=_ENOUGH)
            raise InvalidCallersError([*self._found[:-1], last])

    def raise_if_any(self) -> None:
        """Raise `InvalidCallersError` with all violations."""
        if self._found:
            raise InvalidCallersError(self._found)


@dataclass(frozen=True, slots=True)
class DeclaredValue:
    """A value, its pointer, and where violations are noted."""

    value: object
    pointer: str
    violations: CallersViolations

    def refuse(self, reason: str, message: str, suggestion: str = "", *, first: str = "") -> None:
        """Note a violation at this value; `first` is the pointer of the value that this one repeats."""
        self.violations.note(
            CallersViolation(pointer=self.pointer, reason=reason, message=message, suggestion=suggestion, first=first)
        )

    def child(self, token: str, value: object) -> DeclaredValue:
        """Return a member or element of this value."""
        return DeclaredValue(value, f"{self.pointer}/{escaped(token)}", self.violations)

    def members(self, limit: int, what: str) -> Iterator[tuple[str, DeclaredValue]]:
        """Yield the names and values of a mapping of at most `limit` members, which are `what` in messages."""
        if not isinstance(self.value, Mapping):
            self._refuse_type(f"a mapping of {what}")
            return
        self._check_size(len(self.value), limit, what)
        for name, value in self.value.items():
            yield str(name), self.child(str(name), value)

    def items(self, limit: int, what: str) -> Iterator[DeclaredValue]:
        """Yield the elements of a list of at most `limit`, which are `what` in messages."""
        if not isinstance(self.value, list):
            self._refuse_type(f"a list of {what}")
            return
        self._check_size(len(self.value), limit, what)
        for index, value in enumerate(self.value):
            yield self.child(str(index), value)

    def fields(self, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, DeclaredValue]:
        """Return the known members of a mapping, and note unknown and missing ones."""
        if not isinstance(self.value, Mapping):
            self._refuse_type(f"a mapping with {listed(required or optional, last='and')}")
            return {}
        known = (*required, *optional)
        given = {str(name): self.child(str(name), value) for name, value in self.value.items()}
        for name in [name for name in given if name not in known]:
            meant = nearest(name, known)
            hint = f"did you mean `{meant}`?" if meant else f"known are {listed(known, last='and')}"
            given[name].refuse("UNKNOWN_FIELD", f"{quoted(name)} is unknown here; {hint}", meant)
        for name in [name for name in required if name not in given]:
            self.refuse("MISSING_FIELD", f"`{name}` is missing; add it")
        return {name: node for name, node in given.items() if name in known}

    def text(self) -> str:
        """Return a text that is not empty, or an empty one after noting that the value is something else."""
        if not isinstance(self.value, str) or isinstance(self.value, Number):
            self._refuse_type("text")
        elif not self.value:
            self.refuse("EMPTY_TEXT", "the text is empty; write a value, or leave out the field")
        elif len(self.value) > MAX_TEXT_CHARACTERS:
            self.refuse("TOO_LONG", f"the text has {len(self.value)} characters; {MAX_TEXT_CHARACTERS} are allowed")
        elif not self.value.isprintable() or self.value != self.value.strip():
            self.refuse(
                "INVALID_TEXT", f"{quoted(self.value)} has a blank at an end or a character that does not print"
            )
        else:
            return self.value
        return ""

    def boolean(self) -> bool:
        """Return a Boolean."""
        if isinstance(self.value, bool):
            return self.value
        self._refuse_type("`true` or `false`, without quotes")
        return False

    def whole_number(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        text = str(self.value) if isinstance(self.value, int | Number) and not isinstance(self.value, bool) else ""
        if text.isascii() and text.isdigit() and len(text) <= 20 and low <= int(text) <= high:
            return int(text)
        self.refuse("WRONG_TYPE", f"must be a whole number from {low:,} to {high:,}, without quotes")
        return low

    def _refuse_type(self, wanted: str) -> None:
        self.refuse("WRONG_TYPE", f"must be {wanted}, not {_kind_of(self.value)}")

    def _check_size(self, size: int, limit: int, what: str) -> None:
        if size > limit:
            self.refuse("TOO_MANY", f"there are {size:,} {what}; {limit:,} are allowed")


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float() | Number():
            return f"the number {quoted(str(value))}"
        case str():
            return f"the text {quoted(value)}"
        case list():
            return "a list"
    return "a mapping"


def json_text(value: object) -> str:
    """Return a decoded value as JSON, with its numbers as they are spelled."""
    match value:
        case Number():
            return str(value)
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(key))}:{json_text(member)}" for key, member in value.items()) + "}"
        case list():
            return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value)
