"""Data sources of policy documents, `alicloud_ram_policy_document`, that terraform reads only when it applies a plan.

The plan has what is configured, as far as it is known, and not the document. If all is known, the document is what the provider
makes of it: it can be checked, though a role that refers to it may change it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rolecall.cli.sources.terraform_configuration import list_of, table_of

DATA_TYPE = "alicloud_ram_policy_document"


@dataclass(frozen=True, slots=True)
class LaterDocument:
    """A document that is read later: the address and the offset of its entry, what is not known, and the text if all is known."""

    address: str
    at: int
    unknown: tuple[str, ...]
    text: str


def later_document(address: str, at: int, change: Mapping[str, object]) -> LaterDocument:
    """Return a document that is read later, given how its data source changes."""
    configured, unknown = table_of(change.get("after")), table_of(change.get("after_unknown"))
    names = tuple(_unknown({name: unknown.get(name) for name in ("version", "statement")}))
    return LaterDocument(address, at, names, "" if names else _document(configured))


def _unknown(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths at which a value is `true`, written as terraform writes them: `statement[0].action`."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _unknown(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, f"{path}[{index}]")
    elif value is True:
        yield path


def _document(configured: Mapping[str, object]) -> str:
    statements = [_statement(table_of(each)) for each in list_of(configured.get("statement"))]
    return json.dumps({"Version": configured.get("version") or "1", "Statement": statements}) if statements else ""


def _statement(block: Mapping[str, object]) -> dict[str, object]:
    statement: dict[str, object] = {
        "Effect": block.get("effect") or "Allow",
        "Action": _one_or_all(block.get("action")),
    }
    if list_of(block.get("resource")):
        statement["Resource"] = _one_or_all(block.get("resource"))
    principal: dict[str, list[object]] = {}
    for each in map(table_of, list_of(block.get("principal"))):
        principal.setdefault(str(each.get("entity")), []).extend(list_of(each.get("identifiers")))
    conditions: dict[str, dict[str, object]] = {}
    for each in map(table_of, list_of(block.get("condition"))):
        keys = conditions.setdefault(str(each.get("operator")), {})
        keys[str(each.get("variable"))] = _joined(keys.get(str(each.get("variable"))), each.get("values"))
    if principal:
        statement["Principal"] = principal
    if conditions:
        statement["Condition"] = conditions
    return statement


def _one_or_all(values: object) -> object:
    """Return a list, or its only value."""
    given = list_of(values)
    return given[0] if len(given) == 1 else list(given)


def _joined(earlier: object, values: object) -> object:
    """Return the values of a condition key beside those of an earlier block. A single value replaces them, as in the provider."""
    given = _one_or_all(values)
    return [*earlier, *given] if isinstance(earlier, list) and isinstance(given, list) else given
