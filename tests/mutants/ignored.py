"""Which syntax may be changed: not annotations, docstrings, decorators, texts of messages, or code that never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

# Arguments with text for people, or without effect on a machine where the tests pass.
IGNORED_ARGUMENTS = frozenset(
    {
        "description",
        "encoding",
        "epilog",
        "help",
        "metavar",
        "rich_help_panel",
        "short_help",
        "stacklevel",
        "strict",
        "thread_name_prefix",
    }
)
_LOG_METHODS = frozenset({"critical", "debug", "error", "exception", "info", "warning"})
_TYPE_MAKERS = frozenset({"NewType", "ParamSpec", "TypeVar", "NamedTuple"})
_DATA_NAMES = frozenset({"__all__", "__slots__", "__match_args__"})
_PROOFS = frozenset({"assert_never", "assert_type", "reveal_type"})
_ERROR_ENDINGS = ("Error", "Exception", "Violation", "Warning")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Visit(NamedTuple):
    """A node that may be changed, the statement and the nodes around it, and whether its strings are prose."""

    node: ast.AST
    parents: tuple[ast.AST, ...]
    prose: bool

    @property
    def parent(self) -> ast.AST:
        """Return the node that contains this one."""
        return self.parents[-1]

    @property
    def statement(self) -> ast.stmt:
        """Return the innermost statement that contains the node, or is it."""
        return next(node for node in (self.node, *reversed(self.parents)) if isinstance(node, ast.stmt))

    @property
    def function(self) -> Function | None:
        """Return the function whose body contains the node; None for what runs at import."""
        inner = (self.node, *reversed(self.parents))
        for node, outer in pairwise(inner):
            if isinstance(outer, Function) and isinstance(node, ast.stmt):
                return outer
        return None


def meaningful(tree: ast.Module) -> Iterator[Visit]:
    """Yield every node whose change could matter."""
    for child in _without_docstring(tree.body):
        yield from _walk(child, (tree,), prose=False)


def name_of(node: ast.AST) -> str:
    """Return the last name of a function or a class that is called: `get` of `self.x.get`; empty if it has none."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return name_of(value)
        case _:
            return ""


def _walk(node: ast.AST, parents: tuple[ast.AST, ...], *, prose: bool) -> Iterator[Visit]:
    if _is_ignored(node):
        return
    if not (isinstance(node, ast.If) and _never_runs(node.test)):
        yield Visit(node, parents, prose)
    inside = prose or _is_prose(node)
    for child in _children(node):
        yield from _walk(child, (*parents, node), prose=inside)


def _children(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.FunctionDef(args=args, body=body) | ast.AsyncFunctionDef(args=args, body=body):
            return [*args.defaults, *filter(None, args.kw_defaults), *_without_docstring(body)]
        case ast.ClassDef(body=body):
            return [*_without_docstring(body)]
        case ast.AnnAssign(value=value):
            return [value] if value else []
        case ast.Lambda(args=args, body=expression):
            return [*args.defaults, *filter(None, args.kw_defaults), expression]
        case ast.If(test=test, orelse=orelse) if _never_runs(test):
            return [*orelse]
        case ast.Call(func=function, args=arguments) if name_of(function) == "cast":
            return [*arguments[1:]]
        case _:
            return [*ast.iter_child_nodes(node)]


def _is_ignored(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.JoinedStr():
            return True
        case ast.ClassDef(bases=bases):
            return any(_is_protocol(base) for base in bases)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name in _DATA_NAMES or (isinstance(value, ast.Call) and name_of(value.func) in _TYPE_MAKERS)
        case ast.AnnAssign(annotation=annotation):
            return name_of(annotation) == "TypeAlias"
        case ast.Raise(exc=ast.Call(func=raised)) | ast.Raise(exc=ast.Name() as raised):
            return name_of(raised) == "NotImplementedError"
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Call(func=function):
            return name_of(function) in _PROOFS
        case ast.Subscript(value=value):
            return name_of(value) in {"Literal", "Annotated"}
        case ast.keyword(arg=name):
            return name in IGNORED_ARGUMENTS
        case _:
            return False


def _is_protocol(base: ast.expr) -> bool:
    """Return whether a base says that a class only describes others; `asyncio.Protocol` does not."""
    match base:
        case ast.Name(id="Protocol") | ast.Subscript(value=ast.Name(id="Protocol")):
            return True
        case _:
            return False


def _is_prose(node: ast.AST) -> bool:
    """Return whether the strings in a node are texts of messages."""
    match node:
        case ast.Raise():
            return True
        case ast.Call(func=ast.Attribute(attr=method)) if method in _LOG_METHODS:
            return True
        case ast.Call(func=function):
            return name_of(function).endswith(_ERROR_ENDINGS)
        case _:
            return False


def _never_runs(test: ast.expr) -> bool:
    names = {part.id for part in ast.walk(test) if isinstance(part, ast.Name)}
    return name_of(test) == "TYPE_CHECKING" or "__name__" in names


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:]
    return body
