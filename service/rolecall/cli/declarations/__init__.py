"""Roles as files declare them: YAML or JSON, with the place of everything, so that every fault has a line and a column."""

from __future__ import annotations

from rolecall.cli.declarations.files import read_declarations
from rolecall.cli.declarations.role import DeclaredRole

__all__ = ["DeclaredRole", "read_declarations"]
