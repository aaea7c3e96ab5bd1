"""A value of a document with its JSON pointer, and the violations that are found in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TypeVar

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.json_text import Json, Members, Number
from rolecall.policy.limits import MAX_VIOLATIONS, Limits
from rolecall.policy.positions import Lines, Scan, escaped, scan, unescaped
from rolecall.policy.profile import Profile
from rolecall.policy.readers import fold
from rolecall.policy.wording import listed, printable, quoted

T = TypeVar("T")

_ENOUGH = f"{MAX_VIOLATIONS} violations are listed and the document was not examined further; correct these, then check it again"

_FLAWS = {
    "DUPLICATE_KEY": "the name is repeated in one object; keep one of them",
    "INVALID_UNICODE": "a string holds half of a surrogate pair, which is no character; remove it",
    "NUL_CHARACTER": "a string holds the NUL character; remove it",
}


class EnoughViolationsError(Exception):
    """A document has as many violations as are reported, so the rest of it is not examined."""


@dataclass(frozen=True, slots=True)
class ParseState:
    """The state of parsing one document: its limits, profile and kind (for messages), and the violations found so far."""

    limits: Limits
    profile: Profile
    kind: str = "trust policy"
    _found: list[tuple[Violation, bool]] = field(default_factory=list)

    def note(self, violation: Violation, *, at_name: bool) -> None:
        """Note a violation at the value of its pointer, or at the name of that value; raise `EnoughViolationsError`."""
        self._found.append((violation, at_name))
        if len(self._found) == MAX_VIOLATIONS:
            raise EnoughViolationsError

    def raise_if_any(self, text: str, flawed: Scan | None) -> None:
        """Raise `InvalidPolicyError` with all violations, with their lines and columns, in document order."""
        if not self._found and flawed is None:
            return
        places = flawed or scan(text, max_depth=self.limits.max_depth)
        placed = [(_offset(places, v.pointer, at_name=at_name), v) for v, at_name in self._found]
        placed += [
            (f.offset, Violation(pointer=f.pointer, reason=f.reason, message=_FLAWS[f.reason])) for f in places.flaws
        ]
        if placed:
            lines = Lines(text)
            placed.sort(key=lambda found: found[0])
            listed = placed[:MAX_VIOLATIONS]
            violations = [_placed(violation, *lines.at(offset)) for offset, violation in listed]
            if len(listed) == MAX_VIOLATIONS:
                violations.append(replace(violations[-1], reason="TOO_MANY_VIOLATIONS", message=_ENOUGH, suggestion=""))
            raise InvalidPolicyError(violations)


def _offset(places: Scan, pointer: str, *, at_name: bool) -> int:
    place = places.find(pointer)
    if place is None:
        return 0
    return place.name_offset if at_name and place.name_offset >= 0 else place.offset


def _placed(violation: Violation, line: int, column: int) -> Violation:
    return replace(
        violation,
        pointer=printable(violation.pointer),
        suggestion=printable(violation.suggestion),
        line=line,
        column=column,
    )


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON value, its pointer, and the state of its document."""

    value: Json
    pointer: str
    state: ParseState

    def refuse(self, reason: str, message: str, suggestion: str = "", *, at_name: bool = False) -> None:
        """Note a violation at this value, or at its name."""
        violation = Violation(pointer=self.pointer, reason=reason, message=message, suggestion=suggestion)
        self.state.note(violation, at_name=at_name)

    def refuse_type(self, wanted: str) -> None:
        """Note that the value is of another JSON type than the `wanted` one."""
        template = "; an unrendered template function is not a value" if _is_template_function(self.value) else ""
        self.refuse("WRONG_TYPE", f"{_name_of(self.pointer)} must be {wanted}, not {kind_of(self.value)}{template}")

    def child(self, token: str, value: Json) -> Node:
        """Return a member or element of this value."""
        return Node(value, f"{self.pointer}/{escaped(token)}", self.state)

    def elements(self) -> list[Node]:
        """Return the elements of an array; a lone value stands for an array of one."""
        if not isinstance(self.value, list):
            return [self]
        return [self.child(str(i), value) for i, value in enumerate(self.value)]

    def members(self) -> Iterator[tuple[str, Node]]:
        """Yield the names and values of an object; note a violation if the value is not an object."""
        if not isinstance(self.value, Members):
            self.refuse_type("an object")
            return
        for name, value in self.value.items():
            yield name, self.child(name, value)

    def fields(self, required: tuple[str, ...], optional: tuple[str, ...], hints: Mapping[str, str]) -> dict[str, Node]:
        """Return the known members of an object, and note unknown and missing ones.

        A mis-cased name is refused, but its value is read under the right one, so that violations in it are reported too.
        """
        given = dict(self.members())
        if not isinstance(self.value, Members):
            return {}
        known = (*required, *optional)
        read = {name: node for name, node in given.items() if name in known}
        for name in [name for name in given if name not in known]:
            hinted = any(fold(hinted) == fold(name) for hinted in hints)
            suggestion = "" if hinted else nearest(name, known)
            given[name].refuse(
                "UNKNOWN_FIELD", _unknown(name, suggestion, known, hints, self.state.kind), suggestion, at_name=True
            )
            if fold(suggestion) == fold(name):
                read.setdefault(suggestion, given[name])
        # Where `NotPrincipal` stands in place of `Principal`, its own message says what to write.
        for name in [name for name in required if name not in given and f"Not{name}" not in given]:
            instead = f"rename {quoted(_token_of(read[name].pointer))}" if name in read else "add it"
            self.refuse("MISSING_FIELD", f"`{name}` is missing; {instead}", name)
        return read

    def text(self, wanted: str = "text in double quotes") -> str | None:
        """Return a string, or None after noting that the value is something else."""
        if isinstance(self.value, str) and not isinstance(self.value, Number):
            return self.value
        self.refuse_type(wanted)
        return None


def nearest(name: str, known: tuple[str, ...], *, cutoff: float = 0.75) -> str:
    """Return the known name that `name` probably means, or an empty text. It is never a name of the opposite."""
    same = next((k for k in known if fold(k) == fold(name)), None)
    if same is not None or len(name) > 64:
        return same or ""
    alike = [k for k in known if _is_negated(k) == _is_negated(name)]
    close = get_close_matches(name, alike, cutoff=cutoff)
    return close[0] if close else ""


def _is_negated(name: str) -> bool:
    return fold(name).startswith(("not", "dis", "un")) or "Not" in name


def kind_of(value: Json) -> str:
    """Return a description of a JSON value, such as "the text `a`" or "an object"."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the bare word `{str(value).lower()}`"
        case Number():
            return f"the number {quoted(value)}"
        case str():
            return f"the text {quoted(value)}"
        case list():
            return "an array"
    return "an object"


def _unknown(name: str, suggestion: str, known: tuple[str, ...], hints: Mapping[str, str], kind: str) -> str:
    hint = next((hint for known_name, hint in hints.items() if fold(known_name) == fold(name)), None)
    if hint:
        return f"{quoted(name)} is not an element of a {kind}; {hint}"
    if suggestion and fold(suggestion) == fold(name):
        return f"{quoted(name)} is mis-cased; write `{suggestion}`"
    if suggestion:
        return f"{quoted(name)} is unknown here; did you mean `{suggestion}`?"
    return f"{quoted(name)} is unknown here; known are {listed(known, last='and')}"


def _token_of(pointer: str) -> str:
    return pointer.rpartition("/")[2]


def _name_of(pointer: str) -> str:
    """Return the name of the value at a pointer for a message."""
    front, _, token = pointer.rpartition("/")
    if not token:
        return "the document"
    return quoted(f"{unescaped(_token_of(front))}/{token}" if token.isdigit() else unescaped(token))


def _is_template_function(value: Json) -> bool:
    return isinstance(value, Members) and any(name == "Ref" or name.startswith("Fn::") for name in value)
