"""Trust policies in a file: as YAML, as JSON text, in a string of another document, or alone; and the location of each element."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rolecall.cli.declarations.text_in_file import LineText, StringText, TextInFile
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.problems.problem import Location
from rolecall.policy.positions import unescaped

_INLINE_CHARACTERS = 100
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class TreeSource:
    """A trust policy written as part of the declaration; the location of an element is that of its node."""

    root: Node

    @property
    def text(self) -> str:
        """Return the policy as JSON."""
        return json_text(self.root)

    def locate(self, pointer: str, line: int, column: int) -> Location:  # noqa: ARG002
        """Return the location of the element of a JSON pointer, or of the nearest element around it."""
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
    """A trust policy as text that begins at `start`, each line indented by `indent` characters.

    Unless `exact`, the lines of the text are not those of the file.
    """

    text: str
    start: Location
    indent: int = 0
    exact: bool = True

    def locate(self, pointer: str, line: int, column: int) -> Location:  # noqa: ARG002
        """Return the location of a line and column of the text; without an exact location, the start of the text."""
        if not line or not self.exact:
            return self.start
        return Location(self.start.file, self.start.line + line - 1, column + self.indent)


@dataclass(frozen=True, slots=True)
class EmbeddedSource:
    """A trust policy inside another document, a terraform plan for example; the locations are those in its file.

    Such a location can be far to the right in a long line, so that messages name the element too.
    """

    content: TextInFile

    @property
    def text(self) -> str:
        """Return the policy."""
        return self.content.text

    def locate(self, pointer: str, line: int, column: int) -> Location:  # noqa: ARG002
        """Return the location of a line and column of the policy; without them, its start."""
        return self.content.location(offset_of(self.content.text, line, column) if line else 0)


Source = TreeSource | TextSource | EmbeddedSource


def _steps(pointer: str) -> list[str]:
    return [unescaped(step) for step in pointer.split("/")[1:]]


def block_source(node: Scalar, lines: list[str]) -> TextSource | EmbeddedSource:
    """Return the source of a string; `lines` are those of the file. Only a literal block keeps lines as they are."""
    if node.style == '"' and (content := _json_string(node, lines)):
        return EmbeddedSource(content)
    if node.style != "|" or node.location.line >= len(lines):
        return TextSource(node.text, node.location, exact=False)
    first = lines[node.location.line]
    start = Location(node.location.file, node.location.line + 1, 1)
    return TextSource(node.text, start, indent=len(first) - len(first.lstrip(" ")))


def _json_string(node: Scalar, lines: list[str]) -> StringText | None:
    """Return the content of a string in double quotes that stands in one line, written as JSON writes it."""
    location = node.location
    line = lines[location.line - 1] if location.line <= len(lines) else ""
    try:
        text, _ = _JSON.raw_decode(line, location.column - 1)
    except ValueError:
        return None
    return (
        StringText(LineText(location.file, location.line, line), location.column - 1, node.text)
        if text == node.text
        else None
    )


def offset_of(text: str, line: int, column: int) -> int:
    """Return the offset of a character, given its line and column, both counted from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1


def json_text(node: Node, indent: str = "") -> str:
    """Return a tree as JSON: short values on one line, longer ones with one element on each line."""
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
