"""Lists the possible changes of the code, and selects a sample of them by a seed."""

from __future__ import annotations

import ast
import difflib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.mutants import constants, expressions, omissions
from tests.mutants.ignored import meaningful
from tests.mutants.signatures import Signatures
from tests.mutants.source import Edit, Source
from tests.mutants.tree import package_of, source_paths

_OPERATORS = (
    omissions.omitted_arguments,
    omissions.omitted_elements,
    omissions.omitted_bounds,
    omissions.omitted_statements,
    expressions.negated_conditions,
    expressions.swapped_comparisons,
    expressions.swapped_operators,
    expressions.swapped_extremes,
    constants.changed_numbers,
    constants.changed_truths,
    constants.changed_texts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one file: the edit, the lines of its statement, and whether it runs at import or in a function."""

    source: Source
    edit: Edit
    lines: range
    at_import: bool

    @property
    def path(self) -> str:
        """Return the file, relative to the root."""
        return self.source.path

    @property
    def package(self) -> str:
        """Return the package that the file is in."""
        return package_of(self.path)

    @property
    def line(self) -> int:
        """Return the line that the edit begins in."""
        return self.source.line_at(self.edit.start)

    @property
    def place(self) -> str:
        """Return the file and the line as an editor reads them."""
        return f"{self.path}:{self.line}"

    @property
    def after(self) -> bytes:
        """Return the changed file."""
        return self.source.with_edit(self.edit)

    @property
    def diff(self) -> str:
        """Return the lines that differ."""
        before, after = (text.decode().splitlines() for text in (self.source.content, self.after))
        return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=0))[3:])

    def is_valid(self) -> bool:
        """Return whether the changed file compiles and differs in more than its layout."""
        try:
            after = ast.parse(self.after)
            compile(after, self.path, "exec")
        except (SyntaxError, ValueError):
            return False
        return ast.dump(after) != ast.dump(self.source.tree)


def all_changes(root: Path) -> list[Change]:
    """Return every change of every module, in a stable order."""
    sources = [Source.read(root, path) for path in source_paths(root)]
    signatures = Signatures(source.tree for source in sources)
    return [change for source in sources for change in changes_of(source, signatures)]


def changes_of(source: Source, signatures: Signatures) -> Iterator[Change]:
    """Yield the changes of one module; a few of them may not be valid."""
    for visit in meaningful(source.tree):
        lines, at_import = _lines(visit.statement), visit.function is None
        for operator in _OPERATORS:
            for edit in operator(visit, source, signatures):
                yield Change(source=source, edit=edit, lines=lines, at_import=at_import)


def matching(changes: Iterable[Change], *, packages: Sequence[str] = (), only: Sequence[str] = ()) -> list[Change]:
    """Return the changes in these packages and in one of these places: `FILE` or `FILE:LINE`."""
    return [
        change
        for change in changes
        if (not packages or change.package in packages) and (not only or any(_is_at(change, place) for place in only))
    ]


def sample(changes: Iterable[Change], *, seed: int, count: int, each: int | None = None) -> list[Change]:
    """Return about so many valid changes, of each package in proportion to its size, or `each` of every package.

    A larger count adds to the sample of a smaller one.
    """
    packages: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        packages[change.package].append(change)
    total = sum(map(len, packages.values()))
    drawn: list[Change] = []
    for name, found in packages.items():
        random.Random(f"{seed}/{name}").shuffle(found)
        share = each or max(1, round(count * len(found) / total))
        drawn += islice((change for change in found if change.is_valid()), share)
    return drawn


def _is_at(change: Change, place: str) -> bool:
    file, _, line = place.partition(":")
    return change.path.endswith(file) and (not line or change.line == int(line))


def _lines(statement: ast.stmt) -> range:
    """Return the lines of a statement without those of the statements in it."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    first = body[0] if body else None
    if first is None:
        return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    start = first.lineno if isinstance(first, ast.stmt) else first.pattern.lineno
    return range(statement.lineno, max(start, statement.lineno + 1))
