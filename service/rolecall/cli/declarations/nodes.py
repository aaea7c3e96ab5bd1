"""The values of a YAML or JSON file, each with its location."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rolecall.cli.problems.problem import Location, Problem

_LITERAL = re.compile(r"null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `style` is how YAML writes it: a block (`|`, `>`), a quote, or empty for a plain scalar."""

    location: Location
    text: str
    style: str = ""

    @property
    def literal(self) -> str:
        """Return the value as a JSON literal (`true`, `42`, `null`), or an empty string if it is text."""
        if self.style:
            return ""
        if self.text in ("", "~"):
            return "null"
        return self.text if _LITERAL.fullmatch(self.text) else ""


@dataclass(frozen=True, slots=True)
class Array:
    """Values in order."""

    location: Location
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Values by name, and the location of each name.

    A value with a YAML tag that may change its meaning, such as `!Ref role` or `!!binary aGk=`, is a table with that `tag`, whose
    only member is the value under the name of the tag: no reader can take it for the value without the tag.
    """

    location: Location
    members: Mapping[str, Node]
    keys: Mapping[str, Location]
    tag: str = ""


Node = Scalar | Array | Table


def tagged(tag: str, value: Node) -> Table:
    """Return a value with a tag that may change its meaning."""
    return Table(value.location, {tag: value}, {tag: value.location}, tag)


def tag_problems(root: Node, text: str) -> Iterator[Problem]:
    """Yield a problem for each tag in a document of the file with this text, for a reader that knows none."""
    # Hardly a file has tags, and walking through a large tree takes time.
    return _tag_problems(root) if "!" in text else iter(())


def _tag_problems(node: Node) -> Iterator[Problem]:
    if isinstance(node, Table) and node.tag:
        message, hint = f"the tag `{node.tag}` is not supported", "write the value without a tag"
        yield Problem(location=node.location, message=message, hint=hint, reason="UNSUPPORTED_TAG")
    elif isinstance(node, Table):
        for member in node.members.values():
            yield from _tag_problems(member)
    elif isinstance(node, Array):
        for item in node.items:
            yield from _tag_problems(item)
