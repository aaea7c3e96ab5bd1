"""The names that a Python file defines, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


@cache
def symbols_of(path: Path) -> frozenset[str]:
    """Return the names that a file defines at its top level, and `Class.member` for each member of its classes."""
    return frozenset(_symbols(ast.parse(path.read_text()).body, ""))


@cache
def class_names(path: Path) -> tuple[str, ...]:
    """Return the name of every class in a file."""
    return tuple(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef))


def _symbols(body: Iterable[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _symbols(node.body, f"{prefix}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield prefix + name
