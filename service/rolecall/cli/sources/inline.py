"""Roles written inside a case file, in the same form as in a role file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rolecall.cli.declarations.role import API_VERSION, RoleReader
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.sources.found import FoundRole, found_role


def inline_roles(items: Sequence[Node], path: Path, text: str) -> list[FoundRole]:
    """Return the roles that nodes declare; raise `ProblemsError` with every problem."""
    reader = RoleReader(path, text)
    location = items[0].location if items else Location(str(path))
    version = Scalar(location, API_VERSION, '"')
    document = Table(
        location,
        {"apiVersion": version, "roles": Array(location, tuple(items))},
        {"apiVersion": location, "roles": location},
    )
    roles = [found_role(declared) for declared in reader.roles(document)]
    if reader.problems:
        raise ProblemsError(reader.problems)
    return roles
