"""Findings of a linter, and the rules that find them: what is valid in a document and probably a mistake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from rolecall.policy.limits import MAX_FINDINGS_OF_A_RULE
from rolecall.policy.positions import JsonSyntaxError, Lines, Scan, escaped, scan
from rolecall.policy.wording import printable

S = TypeVar("S")

_NO_MORE = "further findings of this kind are not listed"


class Severity(StrEnum):
    """How serious a finding is, the most serious first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Return 0 for the most serious, more for less."""
        return list(Severity).index(self)


class Edit(NamedTuple):
    """What a fix stands for: the condition at `pointer` gets another operator, or another key."""

    pointer: str
    operator: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to reconsider: `id` is stable, `message` says what is wrong, `fix` what to write instead.

    `line` and `column` count from 1 in characters, and are 0 if the policy has no text to count in. No `fix` leads to a document
    that trusts somebody whom this one does not, read as its author may have meant it; `edit` is the fix as a change, if it is one.
    `changes_meaning`: whether a document that follows the fix can allow more than this one by the letter; no tool applies it.
    """

    id: str
    severity: Severity
    pointer: str
    message: str
    fix: str
    line: int = 0
    column: int = 0
    edit: Edit | None = None
    changes_meaning: bool = False

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.severity.value}: {self.message} ({self.id})"


class LintContext(NamedTuple):
    """What a rule knows besides the statement: the time in microseconds, and the role's account, empty if it is not known.

    `trusted` are other accounts of the same organisation.
    """

    now: int
    account: str
    trusted: frozenset[str] = frozenset()


class Remark(NamedTuple):
    """A finding of a rule: the pointer, the message, what to write instead, and that as a change of the document.

    `changes_meaning` is that of the `Finding`.
    """

    pointer: str
    message: str
    fix: str
    edit: Edit | None = None
    changes_meaning: bool = False


class Rule(NamedTuple, Generic[S]):
    """One rule: a stable id, a severity, and the function that finds its remarks in one statement."""

    id: str
    severity: str
    find: Callable[[S, LintContext], Iterator[Remark]]


def findings_in(
    text: str, statements: Sequence[S], rules: Sequence[Rule[S]], context: LintContext
) -> tuple[Finding, ...]:
    """Return what the rules find in the statements of a document, in its order. It never raises."""
    places = _Places(text)
    found = [places.finding(rule, remark) for rule, remark in _remarks(statements, rules, context)]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.column)))


def _remarks(
    statements: Sequence[S], rules: Sequence[Rule[S]], context: LintContext
) -> Iterator[tuple[Rule[S], Remark]]:
    """Yield the remarks of every rule on every statement, of each rule at most `MAX_FINDINGS_OF_A_RULE`."""
    left = {rule.id: MAX_FINDINGS_OF_A_RULE for rule in rules}
    for statement in statements:
        for rule in rules:
            for remark in islice(rule.find(statement, context), left[rule.id]):
                left[rule.id] -= 1
                yield rule, remark if left[rule.id] else remark._replace(message=f"{remark.message}; {_NO_MORE}")


class _Places:
    """Finds lines and columns in the text of a policy."""

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        try:
            self._scan = scan(text, max_depth=sys.maxsize)
        except JsonSyntaxError:
            # A policy that was built from values has no document to point into.
            self._scan = Scan()

    def finding(self, rule: Rule[S], remark: Remark) -> Finding:
        """Return a remark as a finding, with its place; a lone value stands for an array of one."""
        pointer = remark.pointer
        place = self._scan.find(pointer)
        if place is None:
            pointer = pointer.rpartition("/")[0]
            place = self._scan.find(pointer)
        line, column = self._lines.at(place.offset) if place else (0, 0)
        return Finding(
            id=rule.id,
            severity=Severity(rule.severity),
            pointer=printable(pointer if place else remark.pointer),
            message=remark.message,
            fix=printable(remark.fix),
            line=line,
            column=column,
            edit=remark.edit and self._possible(remark.edit),
            changes_meaning=remark.changes_meaning,
        )

    def _possible(self, edit: Edit) -> Edit | None:
        """Return a change; None if it would make one condition of two, both of which must hold."""
        *front, operator, key = edit.pointer.split("/")
        changed = "/".join((*front, edit.operator or operator, escaped(edit.key) if edit.key else key))
        return edit if self._scan.find(changed) is None else None
