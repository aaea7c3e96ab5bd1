"""Recognise what a file contains by its content, and read it with the reader of its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rolecall.cli.declarations.tree import MAX_FILE_BYTES, Node, Scalar, Table, read_all
from rolecall.cli.problems.problem import Location, ProblemsError, error_at
from rolecall.cli.sources.found import Found
from rolecall.cli.sources.kind import Document, FileKind, outline_of_json, outline_of_node
from rolecall.cli.sources.kinds import kind_of, kind_of_broken, kind_of_text
from rolecall.cli.sources.policies import POLICY, resembles_policy

_KINDS = (
    "neither roles, a trust policy, a permission policy, test cases, a terraform plan (`terraform show -json`), a ROS template,"
    " an answer of RAM about roles nor a Kubernetes manifest"
)
_YAML = frozenset({".yaml", ".yml"})


def read_content(path: Path, text: str, found: Found, *, named: bool) -> None:
    """Add what a text contains to `found`. `named`: the command line names the file, so that its kind must be known."""
    try:
        _Content(path=path, text=text, found=found, named=named).read()
    except ProblemsError as error:
        found.problems += error.problems


def kind_in(path: Path, text: str) -> FileKind | None:
    """Return the kind of the first document of a text that has one; None if nothing is recognised."""
    if kind := kind_of_text(text):
        return kind
    if isinstance(value := _value(text), Mapping):
        return kind_of(outline_of_json(value))
    try:
        documents = read_all(text, str(path), is_json=False).documents
    except ProblemsError:
        return kind_of_broken(text)
    kinds = (kind_of(outline_of_node(document)) for document in documents if isinstance(document, Table))
    return next(filter(None, kinds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """The text of a file, and where to add what is in it."""

    path: Path
    text: str
    found: Found
    named: bool
    without: list[tuple[Location, str]] = field(default_factory=list)

    def read(self) -> None:
        """Add everything; raise `ProblemsError` if the text cannot be read."""
        before = self.found.count
        self._read()
        if self.found.count == before:
            # Nothing is passed over in silence, whatever a reader of a kind makes of a file.
            location, message = (self.without or [(Location(str(self.path)), "it has no role")])[0]
            self.found.add_remark(location, f"skipped: {message}")

    def _read(self) -> None:
        if not self.text or self.text.isspace():
            self._note_empty()
        elif kind := kind_of_text(self.text):
            self._require_short(kind.max_bytes)
            self._read_text(kind)
        else:
            self._require_short(MAX_FILE_BYTES)
            self._read_data()

    def _read_data(self) -> None:
        """Read JSON or YAML."""
        if (value := _value(self.text)) is not None:
            self._read_json(value)
        elif self._may_be_yaml():
            self._read_yaml()
        else:
            self._read_text(POLICY)

    def _require_short(self, limit: int) -> None:
        # A character has at most four bytes: most texts need not be counted.
        if len(self.text) * 4 > limit and len(self.text.encode()) > limit:
            raise error_at(Location(str(self.path)), f"`{self.path}` is longer than {limit:,} bytes")

    def _may_be_yaml(self) -> bool:
        """Return whether a text that is not JSON may be YAML. The parser of policies says best what is wrong with broken JSON."""
        return self.path.suffix in _YAML or not self.text.lstrip().startswith(("{", "["))

    def _read_json(self, value: object) -> None:
        kind = kind_of(outline_of_json(value)) if isinstance(value, Mapping) else None
        if kind is None and self.named and resembles_policy(value):
            kind = POLICY
        if kind is not None and kind.read_text is not None:
            self._read_text(kind)
            return
        for root in self._documents(is_json=True):
            self._read_document(kind, root)

    def _read_yaml(self) -> None:
        try:
            documents = self._documents(is_json=False)
        except ProblemsError as error:
            self._read_broken(error)
            return
        documents = [document for document in documents if not _is_null(document)]
        if not documents:
            self._note_empty()
        for document in documents:
            kind = kind_of(outline_of_node(document)) if isinstance(document, Table) else None
            self._read_document(kind, document)

    def _documents(self, *, is_json: bool) -> list[Node]:
        """Return the documents; duplicate keys are problems beside those that the reader of a document finds."""
        documents, duplicates = read_all(self.text, str(self.path), is_json=is_json)
        self.found.problems += duplicates
        return documents

    def _read_broken(self, error: ProblemsError) -> None:
        """Name the kind of a text that is neither JSON nor YAML; raise `error` if it is not recognised."""
        if kind := kind_of_broken(self.text):
            self._add_wrong_kind(kind, error.problems[0].location)
        elif self.path.suffix == ".json" or self.text.lstrip().startswith('"'):
            self._read_text(POLICY)
        else:
            raise error

    def _read_document(self, kind: FileKind | None, root: Node) -> None:
        if kind is not None and kind.read is not None and isinstance(root, Table):
            before = self.found.count
            kind.read(Document(path=self.path, text=self.text, root=root), self.found)
            if kind.without and self.found.count == before:
                self.without.append((root.location, kind.without))
        elif kind is not None:
            self._refuse(kind, root.location)
        elif self.named:
            hint = "begin a file of roles with `apiVersion: rolecall/v1`"
            self.found.add_problem(root.location, f"this is {_KINDS}", hint, reason="WRONG_KIND")
        else:
            self.found.add_remark(root.location, f"skipped: it is {_KINDS}")

    def _read_text(self, kind: FileKind) -> None:
        if kind.read_text is None:
            self._add_wrong_kind(kind, Location(str(self.path)))
        else:
            kind.read_text(self.path, self.text, self.found)

    def _refuse(self, kind: FileKind, location: Location) -> None:
        """Note a document of a kind that is not read; in a directory, where files of all kinds may be, only as a warning."""
        if self.named:
            self._add_wrong_kind(kind, location)
        else:
            message = f"skipped: it is {kind.name}"
            self.found.add_remark(location, message, kind.instead, severity="warning", reason="WRONG_KIND")

    def _add_wrong_kind(self, kind: FileKind, location: Location) -> None:
        self.found.add_problem(location, f"this is {kind.name}", kind.instead, reason="WRONG_KIND")

    def _note_empty(self) -> None:
        if self.named:
            self.found.add_problem(Location(str(self.path)), "the file is empty")
        else:
            self.found.add_remark(Location(str(self.path)), "is empty")


def _value(text: str) -> object:
    """Return the value of a JSON text, or None."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.literal == "null"
