"""The parts of a terraform plan, and which of two attributes with the same meaning is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table

_STEP = re.compile(r'module\.(?P<name>[^.\[\]]+)(?:\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])?\.', re.ASCII)
_INDEX = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]$', re.ASCII)


class Plan:
    """A plan or a state."""

    def __init__(self, root: Table) -> None:
        self._root = root
        self._changes = {
            _text(change, "address"): change
            for change in _tables(root.members.get("resource_changes"))
            if "deposed" not in change.members
        }

    def resources(self, kind: str) -> Iterator[Table]:
        """Yield the resources of a type that will exist, in all modules."""
        values = self._root.members.get("planned_values") or self._root.members.get("values")
        if isinstance(values, Table):
            yield from _resources(values.members.get("root_module"), kind)

    def address(self, resource: Table) -> str:
        """Return the address of a resource."""
        return _text(resource, "address") or f"{_text(resource, 'type')}.{_text(resource, 'name')}"

    def value(self, address: str, values: Table, attributes: Sequence[str]) -> Scalar | None:
        """Return the value of the first rule that applies, or None if it is not known.

        1. The attribute that the configuration sets, if it sets just one.
        2. The attributes that an update changes; one that becomes unknown counts as changed.
        3. The attributes that are known.

        If a rule gives several attributes, their values must be equal.
        """
        configured = [name for name in attributes if self.sets(address, [name])]
        changed = [name for name in attributes if self.changes(address, name)]
        known = [name for name in attributes if _filled(values, name)]
        used = configured if len(configured) == 1 else changed or known
        found = [_filled(values, name) for name in used]
        return found[0] if found and len({value.text if value else None for value in found}) == 1 else None

    def sets(self, address: str, attributes: Sequence[str]) -> bool:
        """Return whether the configuration of a resource sets one of the attributes."""
        expressions = self._expressions(address)
        return any(name in expressions.members for name in attributes) if expressions else False

    def changes(self, address: str, attribute: str) -> bool:
        """Return whether a plan changes an attribute of an existing resource, possibly to an unknown value."""
        change = _table(self._changes.get(address), "change")
        before, after, unknown = (_table(change, name) for name in ("before", "after", "after_unknown"))
        if before is None or _creates(change):
            return False
        return _is_true(unknown, attribute) or _json(before, attribute) != _json(after, attribute)

    def is_partly_unknown(self, address: str, attribute: str) -> bool:
        """Return whether the configuration sets an attribute to a value that is not fully known before the plan is applied."""
        unknown = _table(_table(self._changes.get(address), "change"), "after_unknown")
        node = unknown.members.get(attribute) if unknown else None
        return self.sets(address, [attribute]) and node is not None and "true" in json_text(node)

    def _expressions(self, address: str) -> Table | None:
        """Return the expressions of a resource's configuration, where modules and resources have no indices."""
        module = _table(_table(self._root, "configuration"), "root_module")
        while step := _STEP.match(address):
            module = _table(_table(_table(module, "module_calls"), step["name"]), "module")
            address = address[step.end() :]
        address = _INDEX.sub("", address)
        for resource in _tables(module.members.get("resources") if module else None):
            if _text(resource, "address") == address:
                return _table(resource, "expressions")
        return None


def _resources(module: Node | None, kind: str) -> Iterator[Table]:
    if not isinstance(module, Table):
        return
    for resource in _tables(module.members.get("resources")):
        if _text(resource, "type") == kind and _text(resource, "mode") != "data":
            yield resource
    for child in _tables(module.members.get("child_modules")):
        yield from _resources(child, kind)


def _tables(node: Node | None) -> Iterator[Table]:
    for item in node.items if isinstance(node, Array) else ():
        if isinstance(item, Table):
            yield item


def _table(node: Node | None, key: str) -> Table | None:
    member = node.members.get(key) if isinstance(node, Table) else None
    return member if isinstance(member, Table) else None


def _text(table: Table, key: str) -> str:
    node = table.members.get(key)
    return node.text if isinstance(node, Scalar) else ""


def _filled(table: Table | None, key: str) -> Scalar | None:
    node = table.members.get(key) if table else None
    return node if isinstance(node, Scalar) and node.literal != "null" and node.text else None


def _creates(change: Table | None) -> bool:
    """Return whether a change creates a resource, also as a replacement: then it has no previous values."""
    actions = change.members.get("actions") if change else None
    items = actions.items if isinstance(actions, Array) else ()
    return any(isinstance(action, Scalar) and action.text == "create" for action in items)


def _json(table: Table | None, key: str) -> str:
    """Return a value as text for comparison; an empty value equals a missing one."""
    node = table.members.get(key) if table else None
    text = json_text(node) if node is not None else ""
    return "" if text in {"null", '""', "[]"} else text


def _is_true(table: Table | None, key: str) -> bool:
    node = table.members.get(key) if table else None
    return isinstance(node, Scalar) and node.literal == "true"
