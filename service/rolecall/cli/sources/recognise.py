"""Recognise what a file contains by its content, and read it with the reader of its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rolecall.cli.declarations.tree import Node, Scalar, Table, read_documents
from rolecall.cli.problem import Location, ProblemsError, error_at
from rolecall.cli.sources.found import Found
from rolecall.cli.sources.kind import Document, FileKind, outline_of_json, outline_of_node
from rolecall.cli.sources.kinds import kind_of, kind_of_text
from rolecall.cli.sources.policies import POLICY

_KINDS = (
    "neither roles, a trust policy, a permission policy, test cases, a terraform plan (`terraform show -json`)"
    " nor a Kubernetes manifest"
)
_YAML = frozenset({".yaml", ".yml"})


def read_content(path: Path, text: str, found: Found, *, named: bool) -> None:
    """Add what a text contains to `found`. `named`: the command line names the file, so that its kind must be known."""
    try:
        if not text.strip():
            _note_empty(path, found, named=named)
        elif kind := kind_of_text(text):
            _read_text(kind, path, text, found)
        elif (value := _value(text)) is not None:
            _read_json(value, path, text, found, named=named)
        elif _may_be_yaml(path, text):
            _read_yaml(path, text, found, named=named)
        else:
            _read_text(POLICY, path, text, found)
    except ProblemsError as error:
        found.problems += error.problems


def _note_empty(path: Path, found: Found, *, named: bool) -> None:
    if named:
        found.add_problem(Location(str(path)), "the file is empty")
    else:
        found.add_remark(Location(str(path)), "is empty")


def _value(text: str) -> object:
    """Return the value of a JSON text, or None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _may_be_yaml(path: Path, text: str) -> bool:
    """Return whether a text that is not JSON is meant as YAML. Of broken JSON the parser of policies says best what is wrong."""
    return path.suffix in _YAML or (path.suffix != ".json" and not text.lstrip().startswith(("{", "[")))


def _read_json(value: object, path: Path, text: str, found: Found, *, named: bool) -> None:
    kind = kind_of(outline_of_json(value)) if isinstance(value, Mapping) else None
    if kind is None and not named:
        found.add_remark(Location(str(path)), f"skipped: it is {_KINDS}")
    elif kind is None or kind.read is None:
        _read_text(kind or POLICY, path, text, found)
    else:
        # The reader recognises JSON by the file name, which may have another suffix.
        for root in read_documents(text, str(path) if path.suffix == ".json" else f"{path}.json"):
            _read_document(kind, root, path, text, found, named=named)


def _read_yaml(path: Path, text: str, found: Found, *, named: bool) -> None:
    documents = [document for document in read_documents(text, str(path)) if not _is_null(document)]
    if not documents:
        _note_empty(path, found, named=named)
    for document in documents:
        kind = kind_of(outline_of_node(document)) if isinstance(document, Table) else None
        _read_document(kind, document, path, text, found, named=named)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.literal == "null"


def _read_document(kind: FileKind | None, root: Node, path: Path, text: str, found: Found, *, named: bool) -> None:
    if kind is not None and kind.instead:
        raise _instead(kind, root.location)
    if kind is not None and kind.read is not None and isinstance(root, Table):
        kind.read(Document(path=path, text=text, root=root), found)
    elif named:
        found.add_problem(root.location, f"this is {_KINDS}", "begin a file of roles with `apiVersion: rolecall/v1`")
    else:
        found.add_remark(root.location, f"skipped: it is {_KINDS}")


def _read_text(kind: FileKind, path: Path, text: str, found: Found) -> None:
    if kind.read_text is None:
        raise _instead(kind, Location(str(path)))
    kind.read_text(path, text, found)


def _instead(kind: FileKind, location: Location) -> ProblemsError:
    return error_at(location, f"this is {kind.name}", kind.instead)
