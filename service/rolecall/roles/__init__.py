"""Roles: what they are, who may write what about them, and the port behind which they are kept."""

from __future__ import annotations

from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import CatalogOptions, RoleCatalog
from rolecall.roles.change import Author, Change, ChangeKind, Commit, RoleRevision
from rolecall.roles.commands import (
    ApplyRoles,
    CreateRole,
    DeleteRole,
    Page,
    RoleDeclaration,
    RoleDifference,
    RollbackRole,
    UpdateRole,
    Written,
)
from rolecall.roles.repository import Floor, Head, Remembered, RoleRepository, Transaction
from rolecall.roles.role import DEFAULT_SESSION_SECONDS, Micros, Revision, Role, RoleRef
from rolecall.roles.tokens import Tokens

__all__ = [
    "DEFAULT_SESSION_SECONDS",
    "Accounts",
    "ApplyRoles",
    "Author",
    "CatalogOptions",
    "Change",
    "ChangeKind",
    "Commit",
    "CreateRole",
    "DeleteRole",
    "Floor",
    "Head",
    "Micros",
    "Page",
    "Remembered",
    "Revision",
    "Role",
    "RoleCatalog",
    "RoleDeclaration",
    "RoleDifference",
    "RoleRef",
    "RoleRepository",
    "RoleRevision",
    "RollbackRole",
    "Tokens",
    "Transaction",
    "UpdateRole",
    "Written",
]
