"""Write roles one by one as YAML or JSON declarations that `apply` reads back exactly.

A trust policy is written as YAML if reading it back gives the same text, byte for byte; otherwise it is written as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.role import API_VERSION
from rolecall.cli.declarations.tree import MAX_DEPTH, Array, Node, Scalar, Table
from rolecall.cli.problems.problem import Location
from rolecall.cli.text.escaping import json_escaped, yaml_escaped

if TYPE_CHECKING:
    from rolecall_client.v1.role_pb2 import RoleDeclaration

_NOWHERE = Location("")
_QUOTED = '"'
_ROOM_FOR_THE_ROLE = 4
_MAX_PLAIN_CHARACTERS = 200

# Written without quotes: names that neither YAML 1.1 nor 1.2 reads as anything but text.
_PLAIN = re.compile(
    r"(?!(?:null|true|false|yes|no|on|off|y|n)\Z)[A-Za-z](?:[\w./@-]|:(?=[\w:/]))*", re.ASCII | re.IGNORECASE
)


def yaml_parts(roles: Iterable[RoleDeclaration]) -> Iterator[str]:
    """Yield a YAML file in parts."""
    yield f"apiVersion: {API_VERSION}\nroles:"
    empty = True
    for role in roles:
        yield ("\n" if empty else "") + "".join(f"{line}\n" for line in _yaml_role(role))
        empty = False
    if empty:
        yield " []\n"


def json_parts(roles: Iterable[RoleDeclaration]) -> Iterator[str]:
    """Yield a JSON file in parts."""
    yield f'{{"apiVersion": "{API_VERSION}", "roles": ['
    for number, role in enumerate(roles):
        members = [f'"{key}": {_json(value)}' for key, value in _fields(role)]
        yield (",\n" if number else "\n") + "{" + ", ".join([*members, _json_policy(role)]) + "}"
    yield "\n]}\n"


def _fields(role: RoleDeclaration) -> Iterator[tuple[str, str | int | dict[str, str]]]:
    """Yield the fields of a role except its policy, leaving out default values."""
    yield "name", role.role_name
    yield "account_id", role.account_id
    if role.description:
        yield "description", role.description
    if role.max_session_duration_seconds:
        yield "max_session_duration_seconds", role.max_session_duration_seconds
    if role.tags:
        yield "tags", dict(sorted(role.tags.items()))


def _json(value: str | int | dict[str, str]) -> str:
    return json_escaped(json.dumps(value, ensure_ascii=False))


def _json_policy(role: RoleDeclaration) -> str:
    document = role.assume_role_policy_document
    if _tree_of(document) and _prints(document):
        return f'"trust_policy": {document}'
    return f'"trust_policy_json": {_json(document)}'


def _yaml_role(role: RoleDeclaration) -> Iterator[str]:
    before = "  - "
    for key, value in _fields(role):
        if isinstance(value, dict):
            yield f"{before}{key}:"
            yield from (f"      {_scalar(name)}: {_scalar(text)}" for name, text in value.items())
        else:
            yield f"{before}{key}: {_scalar(value) if isinstance(value, str) else value}"
        before = "    "
    yield from _yaml_policy(role.assume_role_policy_document)


def _yaml_policy(document: str) -> Iterator[str]:
    if tree := _tree_of(document):
        yield from _yaml_member("trust_policy", tree, "    ")
    elif _is_block(document):
        yield "    trust_policy_json: |" + ("" if document.endswith("\n") else "-")
        yield from (f"      {line}" if line else "" for line in document.removesuffix("\n").split("\n"))
    else:
        yield f"    trust_policy_json: {_quoted(document)}"


def _is_block(document: str) -> bool:
    """Return whether a literal block of YAML preserves a text, and shows all of it: it has no escapes."""
    preserved = "!" <= document[:1] <= "~" and not document.endswith("\n\n")
    return preserved and _prints(document)


def _prints(document: str) -> bool:
    """Return whether an editor shows every character of a text."""
    return document.replace("\n", "").replace("\t", "").isprintable()


def _yaml_member(key: str, node: Node, indent: str) -> Iterator[str]:
    if _is_flat(node):
        yield f"{indent}{key}: {_inline(node)}"
        return
    yield f"{indent}{key}:"
    yield from _yaml_lines(node, indent + "  ")


def _yaml_lines(node: Node, indent: str) -> Iterator[str]:
    if isinstance(node, Table):
        for key, value in node.members.items():
            yield from _yaml_member(_scalar(key), value, indent)
    elif isinstance(node, Array):
        for item in node.items:
            deeper = indent + "  "
            first, *rest = [deeper + _inline(item)] if _is_flat(item) else _yaml_lines(item, deeper)
            yield f"{indent}- {first.removeprefix(deeper)}"
            yield from rest


def _is_flat(node: Node) -> bool:
    match node:
        case Table(members=values) | Array(items=values):
            return not values
    return True


def _inline(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.literal or _scalar(node.text)
    return "{}" if isinstance(node, Table) else "[]"


def _tree_of(document: str) -> Table | None:
    """Return the tree that is written as exactly `document`; None if there is none."""
    try:
        tree = _node(json.loads(document, parse_int=_Literal, parse_float=_Literal), 0)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, Table) and json_text(tree) == document else None


class _Literal(str):
    """A number as written, so that its digits are preserved."""

    __slots__ = ()


def _node(value: object, depth: int) -> Node:
    if depth > MAX_DEPTH - _ROOM_FOR_THE_ROLE:
        raise ValueError("too deep to be part of a declaration")
    match value:
        case dict():
            members = {str(key): _node(member, depth + 1) for key, member in value.items()}
            return Table(_NOWHERE, members, dict.fromkeys(members, _NOWHERE))
        case list():
            return Array(_NOWHERE, tuple(_node(item, depth + 1) for item in value))
        case _Literal():
            return Scalar(_NOWHERE, str(value))
        case str():
            return Scalar(_NOWHERE, value, _QUOTED)
    return Scalar(_NOWHERE, json.dumps(value))


def _scalar(text: str) -> str:
    return text if len(text) <= _MAX_PLAIN_CHARACTERS and _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """Return a text as a JSON string that YAML reads as well."""
    return yaml_escaped(json.dumps(text, ensure_ascii=False))
