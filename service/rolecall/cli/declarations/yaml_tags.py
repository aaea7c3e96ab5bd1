"""What the standard tags of YAML mean: `!!str 42` is text, `!!int "42"` a number; others are kept with their values."""

from __future__ import annotations

import re

from rolecall.cli.declarations.nodes import Array, Node, Scalar, Table, tagged
from rolecall.cli.problems.problem import error_at

_PREFIX = "tag:yaml.org,2002:"
_PLAIN = {
    "null": re.compile(r"null|~|", re.ASCII),
    "bool": re.compile(r"true|false", re.ASCII),
    "int": re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII),
    "float": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII),
}
_SHOWN = {"null": "`null`", "bool": "`true` or `false`", "int": "a whole number", "float": "a number"}
_QUOTED = '"'


def with_tag(node: Node, tag: str) -> Node:
    """Return a value as its tag says; raise `ProblemsError` if it is not of the type that a standard tag names.

    `!` means that a plain scalar is text.
    """
    kind = "str" if tag == "!" and isinstance(node, Scalar) else tag.removeprefix(_PREFIX)
    match kind, node:
        case "str", Scalar():
            return Scalar(node.location, node.text, node.style or _QUOTED)
        case ("map", Table()) | ("seq", Array()) | ("!", _):
            return node
        case (("null" | "bool" | "int" | "float"), Scalar()):
            return _plain(node, kind)
        case (("str" | "map" | "seq" | "null" | "bool" | "int" | "float"), _) if tag != kind:
            raise error_at(node.location, f"the value is not of the type of its tag `!!{kind}`", "leave out the tag")
    return tagged(f"!!{kind}" if tag.startswith(_PREFIX) else tag, node)


def _plain(node: Scalar, kind: str) -> Scalar:
    if not _PLAIN[kind].fullmatch(node.text):
        hint = f"write {_SHOWN[kind]}, or leave out the tag"
        raise error_at(node.location, f"`{node.text}` is not a value of the tag `!!{kind}`", hint)
    return Scalar(node.location, node.text)
