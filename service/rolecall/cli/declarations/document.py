"""Trust policies in a declaration: as a tree, as JSON text, or in a file of their own; and where each element stands."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.problem import Location

_INLINE_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class TreeSource:
    """A trust policy that is part of the declaration: an element stands where its node does."""

    root: Node

    @property
    def text(self) -> str:
        """Return the policy as JSON."""
        return json_text(self.root)

    def locate(self, pointer: str, line: int, column: int) -> Location:  # noqa: ARG002
        """Return where the element of a JSON pointer stands, or the nearest around it."""
        node, location = self.root, self.root.location
        for step in _steps(pointer):
            if isinstance(node, Table) and step in node.members:
                location, node = node.keys[step], node.members[step]
            elif isinstance(node, Array) and step.isascii() and step.isdigit() and int(step) < len(node.items):
                node = node.items[int(step)]
                location = node.location
            else:
                break
        return location


@dataclass(frozen=True, slots=True)
class TextSource:
    """A trust policy that is text, which begins at `start`; `indent` is how far each of its lines is moved to the right."""

    text: str
    start: Location
    indent: int = 0
    exact: bool = True

    def locate(self, pointer: str, line: int, column: int) -> Location:  # noqa: ARG002
        """Return where a line and column of the text stand."""
        if not line or not self.exact:
            return self.start
        return Location(self.start.file, self.start.line + line - 1, column + self.indent)


Source = TreeSource | TextSource


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def block_source(node: Scalar, lines: list[str]) -> TextSource:
    """Return the source that a YAML text is; `lines` are those of the file. Only in a literal block do lines stand as written."""
    if node.style != "|" or node.location.line >= len(lines):
        return TextSource(node.text, node.location, exact=False)
    first = lines[node.location.line]
    start = Location(node.location.file, node.location.line + 1, 1)
    return TextSource(node.text, start, indent=len(first) - len(first.lstrip(" ")))


def json_text(node: Node, indent: str = "") -> str:
    """Return a tree as JSON: short values on one line, long ones one element a line."""
    inline = _inline(node)
    if len(indent) + len(inline) <= _INLINE_CHARACTERS or isinstance(node, Scalar) or len(inline) == len("[]"):
        return inline
    deeper = indent + "  "
    if isinstance(node, Array):
        lines = [json_text(item, deeper) for item in node.items]
        opening, closing = "[", "]"
    else:
        lines = [f"{_quoted(key)}: {json_text(value, deeper)}" for key, value in node.members.items()]
        opening, closing = "{", "}"
    return opening + "\n" + ",\n".join(deeper + line for line in lines) + "\n" + indent + closing


def _inline(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.literal or _quoted(node.text)
    if isinstance(node, Array):
        return "[" + ", ".join(map(_inline, node.items)) + "]"
    return "{" + ", ".join(f"{_quoted(key)}: {_inline(value)}" for key, value in node.members.items()) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
