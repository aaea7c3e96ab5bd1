"""A parsed source file, and edits of its bytes that leave everything else unchanged."""

from __future__ import annotations

import ast
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, TypeAlias

Node: TypeAlias = ast.expr | ast.stmt | ast.keyword


class Edit(NamedTuple):
    """One change of a source file: the bytes from `start` to `end` become `text`."""

    start: int
    end: int
    text: str
    what: str


class Source:
    """A parsed file. Offsets count bytes, as the columns of `ast` do."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        self.tree = ast.parse(content, path)
        self._line_starts = [0, *accumulate(len(line) for line in content.splitlines(keepends=True))]

    @classmethod
    def read(cls, root: Path, path: str) -> Source:
        """Parse the file at a path relative to the root."""
        return cls(path, (root / path).read_bytes())

    def start(self, node: Node) -> int:
        """Return where a node begins."""
        return self._line_starts[node.lineno - 1] + node.col_offset

    def end(self, node: Node) -> int:
        """Return where a node ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._line_starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, start: int, end: int) -> str:
        """Return the text between two offsets."""
        return self.content[start:end].decode()

    def text_of(self, node: Node) -> str:
        """Return the text of a node."""
        return self.text(self.start(node), self.end(node))

    def line_at(self, offset: int) -> int:
        """Return the number of the line that an offset is in."""
        return self.content.count(b"\n", 0, offset) + 1

    def replace(self, node: Node, text: str, what: str) -> Edit:
        """Return the edit that puts a text in the place of a node."""
        return Edit(self.start(node), self.end(node), text, what)

    def between(self, left: Node, right: Node, old: str, new: str) -> Edit | None:
        """Return the edit that replaces the operator between two operands; None if there is a comment beside it."""
        start, end = self.end(left), self.start(right)
        gap = self.text(start, end)
        if "#" in gap or old not in gap:
            return None
        at = start + len(gap[: gap.index(old)].encode())
        return Edit(at, at + len(old.encode()), new, f"`{old}` -> `{new}`")

    def with_edit(self, edit: Edit) -> bytes:
        """Return the bytes of the file with an edit applied."""
        return self.content[: edit.start] + edit.text.encode() + self.content[edit.end :]


def shortened(text: str, limit: int = 60) -> str:
    """Return a piece of source on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
