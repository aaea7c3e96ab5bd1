"""Role declarations in YAML or JSON files. Every value has its location, so that every problem has a line and a column."""

from __future__ import annotations

from rolecall.cli.declarations.files import DeclaredRoles, check_declarations, read_declarations
from rolecall.cli.declarations.role import DeclaredRole

__all__ = ["DeclaredRole", "DeclaredRoles", "check_declarations", "read_declarations"]
