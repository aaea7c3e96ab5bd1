"""Follow the suggestions of violations, and the changes of findings, to the letter, as a tool or a hurried person would."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.linting.findings import Edit, Finding
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import PRINCIPAL_TYPES

Json = dict[str, Any]

MOST_ROUNDS = 20
_OF_NAMES = frozenset({"UNKNOWN_FIELD", "UNKNOWN_PRINCIPAL_TYPE", "UNKNOWN_OPERATOR"})


def corrected(document: Json) -> Json | None:
    """Return a valid document to which the suggestions of the violations lead; None if they do not lead to one."""
    document = copy.deepcopy(document)
    for _ in range(MOST_ROUNDS):
        violations = violations_of(document)
        if not violations:
            return document
        if not any(_follow(document, violation) for violation in violations if violation.suggestion):
            return None
    return None


def violations_of(document: Json) -> tuple[Violation, ...]:
    try:
        parse_policy(json.dumps(document))
    except InvalidPolicyError as error:
        return error.violations
    return ()


def edited(document: Json) -> Iterator[tuple[Finding, Json]]:
    """Yield each finding of a valid document with a change, and the document after it."""
    for finding in lint(parse_policy(json.dumps(document)), now=0):
        if finding.edit:
            changed = copy.deepcopy(document)
            _edit(changed, finding.edit)
            yield finding, changed


def _follow(document: Json, violation: Violation) -> bool:
    """Follow one suggestion; return whether that was possible."""
    parent, name = _place(document, violation.pointer)
    suggestion = violation.suggestion
    if violation.reason in _OF_NAMES:
        return _rename(parent, name, suggestion)
    if suggestion in PRINCIPAL_TYPES:
        return _move(document, violation.pointer, suggestion)
    parent[name] = suggestion
    return True


def _place(document: Any, pointer: str) -> tuple[Any, Any]:
    """Return what holds the value at a pointer, and the name or index of the value in it."""
    *front, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    for token in front:
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document, int(last) if isinstance(document, list) else last


def _rename(parent: Json, name: str, new: str) -> bool:
    if new in parent:
        return False
    parent[new] = parent.pop(name)
    return True


def _move(document: Json, pointer: str, new_type: str) -> bool:
    """Move a principal to another principal type."""
    holder, name = _place(document, pointer)
    moved = holder.pop(name)
    types = document["Statement"][int(pointer.split("/")[2])]["Principal"]
    there = types.get(new_type, [])
    types[new_type] = [*([there] if isinstance(there, str) else there), moved]
    return True


def _edit(document: Json, edit: Edit) -> None:
    block, key = _place(document, edit.pointer)
    conditions, operator = _place(document, edit.pointer.rpartition("/")[0])
    values = block.pop(key)
    if not block:
        del conditions[operator]
    conditions.setdefault(edit.operator or operator, {})[edit.key or key] = values
