"""Changes of constants: numbers, booleans, and strings that a program reads."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from tests.mutants.ignored import Visit
from tests.mutants.signatures import Signatures
from tests.mutants.source import Edit, Source, shortened

_SQL = re.compile(
    r"\s*(ALTER|BEGIN|CREATE|DELETE|INSERT|LISTEN|LOCK|NOTIFY|PRAGMA|SELECT|SET|SHOW|UPDATE|VACUUM|WITH)\b"
)
_ENCODINGS = frozenset({"ascii", "latin-1", "utf-8"})  # Python ignores punctuation in their names
_PATTERN = re.compile(r"[\\^$\[\]]")


def changed_numbers(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Change an integer by one up and one down, and double a float."""
    match visit.node:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() as value):
            for other in (value + 1, value - 1):
                yield source.replace(visit.node, _bracketed(other), f"`{value}` -> `{other}`")
        case ast.Constant(value=float() as value):
            yield source.replace(visit.node, repr(value * 2 or 1.0), f"`{value}` -> `{value * 2 or 1.0}`")


def changed_truths(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Exchange true and false."""
    match visit.node:
        case ast.Constant(value=bool() as value):
            yield source.replace(visit.node, str(not value), f"`{value}` -> `{not value}`")


def changed_texts(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Change a string that a program reads: a name, a key, a pattern, an SQL statement."""
    match visit.node:
        case ast.Constant(value=str() as value) as node if not visit.prose and not _is_for_people(value):
            yield _changed_text(node, f"{value}~", source)
        case ast.Constant(value=bytes() as value) as node:
            yield _changed_text(node, value + b"~", source)


def _changed_text(node: ast.Constant, new: str | bytes, source: Source) -> Edit:
    # `repr` also escapes halves of characters, which cannot be written into a file.
    escaped = isinstance(new, bytes) or not new.isprintable()
    text = repr(new) if escaped else json.dumps(new, ensure_ascii=False)
    return source.replace(node, text, f"`{shortened(source.text_of(node))}` -> `{shortened(text)}`")


def _bracketed(number: int) -> str:
    return str(number) if number >= 0 else f"({number})"


def _is_for_people(text: str) -> bool:
    """Return whether only people read the string, or a change of it has no effect."""
    if text in _ENCODINGS:
        return True
    return " " in text.strip() and not _SQL.match(text) and not _PATTERN.search(text)
