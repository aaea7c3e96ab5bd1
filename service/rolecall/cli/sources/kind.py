"""What a kind of document is: how its content shows it, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rolecall.cli.declarations.tree import MAX_FILE_BYTES, Node, Scalar, Table
from rolecall.cli.sources.found import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The top level of a document, by which its kind is recognised. `texts` are the members that are text."""

    names: Collection[str]
    texts: Mapping[str, str] = field(default_factory=dict)
    is_json: bool = False

    def has(self, *names: str) -> bool:
        """Return whether the document has members of all these names."""
        return all(name in self.names for name in names)

    def has_any(self, *names: str) -> bool:
        """Return whether the document has a member of one of these names."""
        return any(name in self.names for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file. `text` is the text of the whole file."""

    path: Path
    text: str
    root: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A kind of document, with exactly one of three ways to handle it.

    `read` adds what a document contains to what is found. `read_text` does so for a file whose text is needed, because it is not
    JSON or YAML, or because its own parser reports what is wrong with it. `instead` says what to give in place of a file of a kind
    that is recognised but not read. `recognises_broken` is asked about a text that is not valid YAML. `without` is noted of a file
    in which nothing is found. `elsewhere` names the commands that read it, and `form` says how such a file is written.
    """

    name: str
    recognises: Callable[[Outline], bool] = lambda _: False
    recognises_text: Callable[[str], bool] = lambda _: False
    recognises_broken: Callable[[str], bool] = lambda _: False
    read: Callable[[Document, Found], None] | None = None
    read_text: Callable[[Path, str, Found], None] | None = None
    instead: str = ""
    without: str = ""
    max_bytes: int = MAX_FILE_BYTES
    form: str = ""
    elsewhere: str = "`rolecall validate` and `rolecall test` read it"


def outline_of_node(root: Table) -> Outline:
    """Return the outline of a YAML document."""
    return Outline(names=root.members.keys(), texts={name: _text(node) for name, node in root.members.items()})


def outline_of_json(value: Mapping[str, object]) -> Outline:
    """Return the outline of a JSON object."""
    texts = {name: member for name, member in value.items() if isinstance(member, str)}
    return Outline(names=value.keys(), texts=texts, is_json=True)


def _text(node: Node) -> str:
    return node.text if isinstance(node, Scalar) and not node.literal else ""
