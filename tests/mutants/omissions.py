"""Changes that remove something: an argument, an element, a bound, a statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tests.mutants.ignored import IGNORED_ARGUMENTS, Function, Visit, name_of
from tests.mutants.signatures import Signatures
from tests.mutants.source import Edit, Node, Source, shortened

_SMALLEST_RECORD = 2
_TAKERS_OF_TUPLES = frozenset(
    {"endswith", "frozenset", "isinstance", "issubclass", "join", "list", "set", "sorted", "startswith", "tuple"}
)
_HOLDERS_OF_RECORDS = (
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Yield, ast.Subscript, ast.Compare, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Attribute),
)


def omitted_arguments(visit: Visit, source: Source, signatures: Signatures) -> Iterator[Edit]:
    """Remove each argument of a call that has a default."""
    call = visit.node
    if not isinstance(call, ast.Call) or _is_lone_generator(call):
        return
    arguments: list[ast.expr | ast.keyword] = sorted([*call.args, *call.keywords], key=source.start)
    for place, argument in enumerate(arguments):
        if isinstance(argument, ast.keyword):
            omitted = _may_omit(argument, call, signatures)
        else:
            omitted = argument is call.args[-1] and signatures.may_omit_last(call)
        if omitted:
            yield _without(arguments, place, source, "argument")


def omitted_elements(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Remove each element of a list, a set, a dictionary or a tuple that is not a record."""
    match visit.node:
        case ast.List(elts=elements, ctx=ast.Load()) | ast.Set(elts=elements):
            yield from (_without(elements, place, source, "element") for place in range(len(elements)))
        case ast.Tuple(elts=elements, ctx=ast.Load()) if not _is_record(visit):
            for place in range(len(elements)):
                yield _of_tuple(elements, place, source)
        case ast.Dict(keys=keys, values=values):
            yield from _omitted_entries(keys, values, source)


def omitted_bounds(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Remove each bound of a slice."""
    if isinstance(visit.node, ast.Slice):
        for bound in filter(None, (visit.node.lower, visit.node.upper)):
            yield source.replace(bound, "", f"drop the bound `{shortened(source.text_of(bound))}`")


def omitted_statements(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Remove a statement that has an effect; return None instead of a value."""
    node = visit.node
    match node:
        case ast.Return(value=ast.Constant(value=None | False)):
            return  # a caller that asks for the truth of the result cannot distinguish them
        case ast.Return(value=value) if value is not None:
            yield source.replace(node, "return None", f"`{shortened(source.text_of(node))}` -> `return None`")
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()) if _has_one_yield(visit.function):
            return
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Expr() | ast.AugAssign() | ast.Delete():
            yield source.replace(node, "pass", f"drop `{shortened(source.text_of(node))}`")
        case ast.Raise() | ast.Continue() | ast.Break():
            yield source.replace(node, "pass", f"drop `{shortened(source.text_of(node))}`")


def _without(nodes: Sequence[Node], place: int, source: Source, kind: str) -> Edit:
    node = nodes[place]
    what = f"drop the {kind} `{shortened(source.text_of(node))}`"
    if place + 1 < len(nodes):
        return Edit(source.start(node), source.start(nodes[place + 1]), "", what)
    if place:
        return Edit(source.end(nodes[place - 1]), source.end(node), "", what)
    end = source.end(node)
    comma = re.match(rb"\s*,", source.content[end:])
    return Edit(source.start(node), end + (comma.end() if comma else 0), "", what)


def _of_tuple(elements: list[ast.expr], place: int, source: Source) -> Edit:
    edit = _without(elements, place, source, "element")
    if len(elements) != _SMALLEST_RECORD:
        return edit
    # One element alone needs its comma.
    end = source.end(elements[1])
    comma = "" if source.content[end:].lstrip().startswith(b",") else ","
    return Edit(source.start(elements[0]), end, source.text_of(elements[1 - place]) + comma, edit.what)


def _omitted_entries(keys: list[ast.expr | None], values: list[ast.expr], source: Source) -> Iterator[Edit]:
    # The key of `**other` is None; such an entry is not removed.
    starts = [source.start(key) if key else source.start(value) - 2 for key, value in zip(keys, values, strict=True)]
    for place, key in enumerate(keys):
        if key is None:
            continue
        if place + 1 < len(keys):
            start, end = starts[place], starts[place + 1]
        else:
            start, end = source.end(values[place - 1]) if place else starts[place], source.end(values[place])
        yield Edit(
            start, end, "", f"drop the entry `{shortened(source.text(starts[place], source.end(values[place])))}`"
        )


def _may_omit(argument: ast.keyword, call: ast.Call, signatures: Signatures) -> bool:
    if argument.arg is None or argument.arg in IGNORED_ARGUMENTS:
        return False
    return signatures.may_omit_keyword(call, argument.arg)


def _is_lone_generator(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.GeneratorExp) and not call.keywords


def _is_record(visit: Visit) -> bool:
    """Return whether the length of a tuple is part of its type: without an element the code only raises."""
    match visit.parent:
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[searched]):
            return searched is not visit.node
        case ast.Assign(targets=[ast.Tuple()]):
            return True
        case ast.Call(func=called):
            return name_of(called) not in _TAKERS_OF_TUPLES
        case ast.Return():
            returns = visit.function.returns if visit.function else None
            return returns is None or ("tuple" in ast.unparse(returns) and "..." not in ast.unparse(returns))
        case parent:
            return isinstance(parent, _HOLDERS_OF_RECORDS)


def _has_one_yield(function: Function | None) -> bool:
    parts = ast.walk(function) if function else ()
    return sum(isinstance(part, ast.Yield | ast.YieldFrom) for part in parts) < _SMALLEST_RECORD
