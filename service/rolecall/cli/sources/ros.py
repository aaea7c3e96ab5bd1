"""Templates of Resource Orchestration Service (ROS): each `ALIYUN::RAM::Role` is a role.

A value that is a function (`Ref`, `Fn::Sub`, `!GetAtt`) is known only when a stack is made: it is reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rolecall.cli.declarations.document import Source, TreeSource, block_source
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.problems.problem import Location
from rolecall.cli.sources.found import Found, FoundRole, UnknownRole
from rolecall.cli.sources.kind import Document, FileKind, Outline
from rolecall.cli.sources.terraform_configuration import seconds_of
from rolecall.policy.positions import escaped

RESOURCE_TYPE = "ALIYUN::RAM::Role"
NAME, DOCUMENT = "RoleName", "AssumeRolePolicyDocument"
UNKNOWN = "UNKNOWN_UNTIL_APPLY"


class Function(NamedTuple):
    """A function in a value; `pointer` is where, from the value."""

    pointer: str
    name: str
    location: Location


def functions(node: Node, pointer: str = "") -> Iterator[Function]:
    """Yield the functions in a value."""
    if isinstance(node, Table):
        name = next(iter(node.members), "")
        # `!Ref x` is a table with a tag, and `Ref: x` one with a single member.
        if node.tag or (len(node.members) == 1 and (name == "Ref" or name.startswith("Fn::"))):
            yield Function(pointer, name, node.location)
            return
        for key, member in node.members.items():
            yield from functions(member, f"{pointer}/{escaped(key)}")
    elif isinstance(node, Array):
        for index, item in enumerate(node.items):
            yield from functions(item, f"{pointer}/{index}")


def _recognises(outline: Outline) -> bool:
    return outline.has_any("ROSTemplateFormatVersion")


def _read(document: Document, found: Found) -> None:
    resources = document.root.members.get("Resources")
    members = resources.members.items() if isinstance(resources, Table) else ()
    readers = [
        _RoleReader(name, resource, document, found)
        for name, resource in members
        if isinstance(resource, Table) and _text(resource, "Type") == RESOURCE_TYPE
    ]
    for reader in readers:
        reader.read()
    if not readers:
        found.add_remark(document.root.location, f"the template has no `{RESOURCE_TYPE}`")


@dataclass(frozen=True, slots=True)
class _RoleReader:
    """Reads one resource; `name` is its name in the template."""

    name: str
    resource: Table
    document: Document
    found: Found

    def read(self) -> None:
        """Add the role, or what is not known of it."""
        properties = self.resource.members.get("Properties")
        table = properties if isinstance(properties, Table) else Table(self.resource.location, {}, {})
        name, source = self._known(table, NAME), self._source(table)
        role = self._role(table, source) if source else None
        if role is not None and name is not None:
            self.found.roles.append(role)
            return
        message = (
            f"`{self.name}`: the {'role' if name is None else 'trust policy'} is not known before the stack is made"
        )
        self.found.unknown_roles.append(
            UnknownRole(
                name=name.text if isinstance(name, Scalar) else "",
                label=f"`{self.name}`",
                location=self.resource.location,
                message=message,
                policy=role,
            )
        )

    def _role(self, table: Table, source: Source) -> FoundRole:
        return FoundRole(
            name=_text(table, NAME),
            location=table.keys.get(NAME, self.resource.location),
            document=source.text,
            source=source,
            label=f"`{self.name}`",
            description=_text(table, "Description"),
            max_session_duration_seconds=seconds_of(_text(table, "MaxSessionDuration")),
        )

    def _source(self, table: Table) -> Source | None:
        node = self._known(table, DOCUMENT)
        if isinstance(node, Scalar):
            return block_source(node, self.document.text.split("\n"))
        return TreeSource(node) if node is not None else None

    def _known(self, table: Table, key: str) -> Node | None:
        """Return the value of a property; None, with a remark, if it is missing or has functions."""
        node = table.members.get(key)
        if node is None or (isinstance(node, Scalar) and node.literal == "null"):
            self._warn(table.keys.get(key, table.location), f"`{key}` is not given")
            return None
        found = list(functions(node))
        for each in found:
            self._warn(each.location, f"`{key}{each.pointer}` is `{each.name}`, which is known when the stack is made")
        if not found and key == NAME and not isinstance(node, Scalar):
            self.found.add_problem(table.keys[key], f"`{self.name}`: `{key}` must be text")
            return None
        return None if found else node

    def _warn(self, location: Location, message: str) -> None:
        hint = "write the value as a constant, or give the answer of `aliyun ram GetRole` for the role that was made"
        text = f"`{self.name}`: {message}"
        self.found.add_remark(location, text, hint, severity="warning", reason=UNKNOWN)


def _text(table: Table, key: str) -> str:
    node = table.members.get(key)
    return node.text if isinstance(node, Scalar) and node.literal != "null" else ""


TEMPLATE = FileKind(name="a ROS template", recognises=_recognises, read=_read)
