"""Which arguments of a call may be removed: those that have a default."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from tests.mutants.ignored import Function, name_of

# How many positional arguments these functions require; a further one may be removed.
_LIBRARY = {
    "enumerate": 1,
    "get": 1,
    "getattr": 2,
    "int": 1,
    "lstrip": 0,
    "next": 1,
    "pop": 0,
    "range": 1,
    "replace": 2,
    "round": 1,
    "rsplit": 0,
    "rstrip": 0,
    "setdefault": 1,
    "split": 0,
    "strip": 0,
    "sum": 1,
    "wait": 0,
}


class Signature(NamedTuple):
    """The parameters of a function: how many are positional, how many of these are required, which have a default."""

    positional: int
    required: int
    optional: frozenset[str]
    names: frozenset[str]


class Signatures:
    """The signatures of the functions and classes of the code, by name alone: several may share one."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self._known: defaultdict[str, list[Signature]] = defaultdict(list)
        for tree in trees:
            self._add(tree, in_class=None)

    def may_omit_keyword(self, call: ast.Call, keyword: str) -> bool:
        """Return whether a keyword argument has a default; it is assumed to for functions of libraries."""
        known = [s for s in self._of(call) if keyword in s.names]
        return not known or any(keyword in s.optional for s in known)

    def may_omit_last(self, call: ast.Call) -> bool:
        """Return whether the last positional argument of a call has a default."""
        count, known = len(call.args), self._of(call)
        if any(s.required < count <= s.positional for s in known):
            return True
        required = _LIBRARY.get(name_of(call.func))
        return not known and required is not None and count > required

    def _of(self, call: ast.Call) -> list[Signature]:
        name = name_of(call.func)
        return [] if name == "__init__" else self._known.get(name, [])

    def _add(self, node: ast.AST, in_class: ast.ClassDef | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                name = in_class.name if in_class and child.name == "__init__" else child.name
                self._known[name].append(_of_function(child, bound=in_class is not None))
                self._add(child, None)
            elif isinstance(child, ast.ClassDef):
                if fields := [field for field in child.body if isinstance(field, ast.AnnAssign)]:
                    self._known[child.name].append(_of_fields(fields))
                self._add(child, child)
            else:
                self._add(child, in_class)


def _of_function(function: Function, *, bound: bool) -> Signature:
    arguments = function.args
    static = any(name_of(decorator) == "staticmethod" for decorator in function.decorator_list)
    positional = [*arguments.posonlyargs, *arguments.args][1 if bound and not static else 0 :]
    defaults = len(arguments.defaults)
    optional = {argument.arg for argument in positional[len(positional) - defaults :]} if defaults else set()
    optional |= {a.arg for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default}
    names = {argument.arg for argument in (*positional, *arguments.kwonlyargs)}
    return Signature(len(positional), len(positional) - defaults, frozenset(optional), frozenset(names))


def _of_fields(fields: list[ast.AnnAssign]) -> Signature:
    names = [name_of(field.target) for field in fields]
    optional = {name for name, field in zip(names, fields, strict=True) if field.value is not None}
    return Signature(len(names), len(names) - len(optional), frozenset(optional), frozenset(names))
