"""A file of test cases.

* file = {apiVersion: "rolecall/v1", roles?: [path | role, ...], time?: time, cases: [case, ...]}
* case = {name, as: who | [who, ...], role, expect, time?, claims?, context?, duration?, external_id?, session_name?,
  source_identity?}
* expect = "ALLOW" | "DENY" | {outcome: "ALLOW" | "DENY", reason?, statement?}
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rolecall.cli.declarations.role import API_VERSION
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table, tag_problems
from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.sources import CaseDocument, Found, FoundRole, inline_roles, search
from rolecall.cli.testing.cases import Case, Expectation, ExpectedOutcome
from rolecall.cli.testing.fields import Fields
from rolecall.engine.decision import Reason

_FILE_KEYS = ("apiVersion", "roles", "time", "cases")
_CASE_KEYS = (
    "name",
    "as",
    "role",
    "claims",
    "context",
    "external_id",
    "session_name",
    "source_identity",
    "duration",
    "time",
    "expect",
)
_EXPECT_KEYS = ("outcome", "reason", "statement")
_DECIDED_BY_STATEMENTS = ("", Reason.ALLOW, Reason.EXPLICIT_DENY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The cases of a document. `found` is the content of its `roles`, None if it does not have the key."""

    path: Path
    cases: tuple[Case, ...]
    found: Found | None


def read_cases(document: CaseDocument) -> CaseFile:
    """Return the cases of a document; raise `ProblemsError` with every problem."""
    reader = _CaseReader(document)
    read = reader.read()
    if reader.problems:
        raise ProblemsError(reader.problems)
    return read


class _CaseReader(Fields):
    """Reads one document."""

    def __init__(self, document: CaseDocument) -> None:
        super().__init__()
        self._document, self._root = document, document.root
        self._time: int | None = None

    def read(self) -> CaseFile:
        self.problems += tag_problems(self._root, self._document.text)
        self.known(self._root, _FILE_KEYS)
        self.choice(self._root, "apiVersion", [API_VERSION], required=True)
        self._time = self.time_field(self._root, "time")
        cases = [case for element in self._elements() for case in self._cases(element)]
        self._twice(cases)
        return CaseFile(path=self._document.path, cases=tuple(cases), found=self._roles())

    def _elements(self) -> tuple[Node, ...]:
        node = self._root.members["cases"]
        if isinstance(node, Array) and node.items:
            return node.items
        what = "the file has no cases" if isinstance(node, Array) else "`cases` must be a list"
        self.note(node.location, what, reason="NO_CASES")
        return ()

    def _cases(self, node: Node) -> Iterator[Case]:
        if not isinstance(node, Table):
            self.note(node.location, "a case must be a mapping with `name`, `as`, `role` and `expect`")
            return
        self.known(node, _CASE_KEYS)
        name, several = self.text(node, "name", required=True), isinstance(node.members.get("as"), Array)
        time = self.time_field(node, "time")
        case = Case(
            name=name,
            who="",
            role=self.text(node, "role", required=True),
            expect=self._expect(node),
            location=node.keys.get("name", node.location),
            locations=dict(_locations(node)),
            claims=self.values(node, "claims"),
            context=self.values(node, "context"),
            external_id=self.text(node, "external_id"),
            session_name=self.text(node, "session_name"),
            source_identity=self.text(node, "source_identity"),
            duration=self.seconds(node, "duration"),
            time=self._time if time is None else time,
        )
        for who, location in self._who(node):
            yield replace(
                case, who=who, name=f"{name} ({who})" if several else name, locations={**case.locations, "as": location}
            )

    def _who(self, node: Table) -> Iterator[tuple[str, Location]]:
        asking = node.members.get("as")
        if asking is None:
            self.note(node.location, "`as` is missing", "name a principal, or list several: each is a separate case")
            return
        if isinstance(asking, Array) and not asking.items:
            self.note(asking.location, "`as` is an empty list, so the case tests nothing", reason="NO_CASES")
        for item in asking.items if isinstance(asking, Array) else (asking,):
            for who in self.texts("as", item):
                if not who:
                    self.note(item.location, "`as` must not be empty")
                yield who, item.location

    def _expect(self, case: Table) -> Expectation:
        node = case.members.get("expect")
        if isinstance(node, Scalar):
            outcome = self.choice(case, "expect", list(ExpectedOutcome), required=True)
            return Expectation(outcome=ExpectedOutcome(outcome or ExpectedOutcome.DENY))
        if not isinstance(node, Table):
            self.note(
                node.location if node else case.location, "`expect` must be ALLOW, DENY or a mapping with `outcome`"
            )
            return Expectation(outcome=ExpectedOutcome.DENY)
        self.known(node, _EXPECT_KEYS)
        outcome = self.choice(node, "outcome", list(ExpectedOutcome), required=True)
        reason, statement = self.choice(node, "reason", list(Reason)), self.text(node, "statement")
        if outcome and reason and (outcome == ExpectedOutcome.ALLOW) != (reason == Reason.ALLOW):
            self.note(node.members["reason"].location, f"the outcome {outcome} cannot have the reason {reason}")
        if statement and reason not in _DECIDED_BY_STATEMENTS:
            self.note(
                node.members["statement"].location, f"a decision with the reason {reason} has no determining statement"
            )
        return Expectation(outcome=ExpectedOutcome(outcome or ExpectedOutcome.DENY), reason=reason, statement=statement)

    def _twice(self, cases: list[Case]) -> None:
        first: dict[str, Case] = {}
        for case in cases:
            earlier = first.setdefault(case.name, case)
            if earlier is not case:
                message = f"the case `{case.name}` is given twice; the first is at {earlier.location}"
                self.note(case.location, message, "give each case a different name", reason="DUPLICATE_CASE")

    def _roles(self) -> Found | None:
        node = self._root.members.get("roles")
        if node is None:
            return None
        if not isinstance(node, Array) or not node.items:
            self.note(
                node.location,
                "`roles` must be a list of paths and roles",
                "leave it out to use every role of the command line",
            )
            return None
        inline = [item for item in node.items if not isinstance(item, Scalar)]
        found = search(self._paths(node.items))
        for document in found.case_documents:
            self.note(node.location, f"`roles` names a case file, {document.path}", "name files with roles")
        found.roles += self._inline(inline)
        return found

    def _paths(self, items: tuple[Node, ...]) -> Iterator[Path]:
        for item in items:
            if isinstance(item, Scalar):
                if item.text and item.literal != "null":
                    yield _plain(self._document.path.parent / item.text)
                else:
                    self.note(item.location, "a path must not be empty")

    def _inline(self, items: Sequence[Node]) -> list[FoundRole]:
        try:
            return inline_roles(items, self._document.path, self._document.text)
        except ProblemsError as error:
            self.problems += error.problems
            return []


def _plain(path: Path) -> Path:
    """Return a path without `..` if it leads to the same file."""
    plain = Path(os.path.normpath(path))
    return plain if plain.exists() and plain.resolve() == path.resolve() else path


def _locations(case: Table) -> Iterator[tuple[str, Location]]:
    """Yield the locations of the fields of a case, and of each condition key."""
    yield from case.keys.items()
    for name in ("context", "claims"):
        node = case.members.get(name)
        for key, location in node.keys.items() if isinstance(node, Table) else ():
            yield f"{name}[{key!r}]", location
