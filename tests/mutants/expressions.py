"""Changes of conditions, comparisons and operators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from tests.mutants.ignored import Visit, name_of
from tests.mutants.signatures import Signatures
from tests.mutants.source import Edit, Source, shortened

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}
_EXTREMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_NEGATED_BY_COMPARISON = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)


def negated_conditions(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Negate a condition, unless a change of its operator does the same."""
    match visit.node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            tests = [test]
        case ast.comprehension(ifs=tests):
            pass
        case ast.match_case(guard=ast.expr() as guard):
            tests = [guard]
        case _:
            return
    for test in tests:
        if not _is_negated_elsewhere(test):
            text = source.text_of(test)
            yield source.replace(test, f"(not ({text}))", f"`{shortened(text)}` -> its negation")


def swapped_comparisons(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Include or exclude the bound of an ordering; invert any other comparison."""
    if isinstance(visit.node, ast.Compare):
        operands = [visit.node.left, *visit.node.comparators]
        for operator, left, right in zip(visit.node.ops, operands, operands[1:], strict=False):
            yield from _present(source.between(left, right, *_COMPARISONS[type(operator)]))


def swapped_operators(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Exchange `and` and `or`, plus and minus; remove `not`."""
    match visit.node:
        case ast.BoolOp(op=operator, values=values):
            old, new = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
            for left, right in pairwise(values):
                yield from _present(source.between(left, right, old, new))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield source.replace(visit.node, f"({source.text_of(operand)})", "drop `not`")
        case ast.BinOp(left=left, op=operator, right=right) if _is_arithmetic(visit, left, right):
            if type(operator) in _OPERATORS:
                yield from _present(source.between(left, right, *_OPERATORS[type(operator)]))
        case ast.AugAssign(target=target, op=operator, value=value) if _is_arithmetic(visit, target, value):
            if type(operator) in _OPERATORS:
                old, new = _OPERATORS[type(operator)]
                yield from _present(source.between(target, value, f"{old}=", f"{new}="))


def swapped_extremes(visit: Visit, source: Source, _signatures: Signatures) -> Iterator[Edit]:
    """Exchange `min` and `max`, `any` and `all`."""
    match visit.node:
        case ast.Call(func=ast.Name(id=name) as function) if name in _EXTREMES:
            new = _EXTREMES[name]
            yield source.replace(function, new, f"`{name}` -> `{new}`")


def _present(edit: Edit | None) -> list[Edit]:
    return [edit] if edit else []


def _is_negated_elsewhere(test: ast.expr) -> bool:
    match test:
        case ast.Compare(ops=[operator]):
            return isinstance(operator, _NEGATED_BY_COMPARISON)
        case ast.UnaryOp(op=ast.Not()) | ast.Constant():
            return True
        case _:
            return False


def _is_arithmetic(visit: Visit, left: ast.expr, right: ast.expr) -> bool:
    """Return whether the operands may be numbers or sets: other types only raise, and `A | B` may name a type."""
    texts = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)
    return not _names_a_type(visit) and not any(isinstance(side, texts) or _is_text(side) for side in (left, right))


def _names_a_type(visit: Visit) -> bool:
    match visit.node, visit.parent:
        case ast.BinOp(op=ast.BitOr()), ast.Call(func=called):
            return visit.function is None or name_of(called) in {"isinstance", "issubclass"}
        case ast.BinOp(op=ast.BitOr()), ast.Assign():
            return visit.function is None
        case _:
            return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
