"""Shrinks a policy and a request for which two programs give different answers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Json = Any
Differs = Callable[[Json, Json], bool]


def smallest(document: Json, request: Json, differs: Differs) -> tuple[Json, Json]:
    """Return the pair without every part that can be removed while the answers still differ."""
    for smaller in _smaller(document, request):
        if differs(*smaller):
            return smallest(*smaller, differs)
    return document, request


def _smaller(document: Json, request: Json) -> Iterator[tuple[Json, Json]]:
    """Yield the pair with one part removed."""
    for path in _removable(document, request):
        pair = copy.deepcopy([document, request])
        inner: Json = pair
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        yield pair[0], pair[1]


def _removable(document: Json, request: Json) -> Iterator[list[Any]]:
    statements = document["Statement"]
    for index, statement in enumerate(statements):
        if len(statements) > 1:
            yield [0, "Statement", index]
        if "Condition" in statement:
            yield [0, "Statement", index, "Condition"]
        yield from _parts([0, "Statement", index, "Principal"], statement["Principal"])
        for operator, members in statement.get("Condition", {}).items():
            if len(statement["Condition"]) > 1:
                yield [0, "Statement", index, "Condition", operator]
            yield from _parts([0, "Statement", index, "Condition", operator], members)
    for field in ("external_id", "role_session_name", "source_identity"):
        if field in request:
            yield [1, field]
    for key, values in request["context"].items():
        yield [1, "context", key]
        if len(values) > 1:
            yield from ([1, "context", key, place] for place in range(len(values)))


def _parts(path: list[Any], members: Json) -> Iterator[list[Any]]:
    for name, values in members.items():
        if len(members) > 1:
            yield [*path, name]
        if isinstance(values, list) and len(values) > 1:
            yield from ([*path, name, place] for place in range(len(values)))
