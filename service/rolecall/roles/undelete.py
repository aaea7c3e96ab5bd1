"""Restore a deleted role, within one transaction."""

from __future__ import annotations

from rolecall.roles.commands import UndeleteRole
from rolecall.roles.errors import RoleExistsError, RoleNotFoundError
from rolecall.roles.repository import Transaction
from rolecall.roles.rights import RoleAccess, WriteRights
from rolecall.roles.role import Role, RoleRef


def require_undelete(
    transaction: Transaction, rights: WriteRights, ref: RoleRef | None, command: UndeleteRole, *, valid: bool
) -> None:
    """Require the right to create a role as it was when it was deleted; `valid`: the request names it in a valid way."""
    # As for a creation, nothing is read of a role that exists.
    deleted = transaction.deleted_role(ref.key, command.role_id) if ref is not None and valid else None
    if deleted is None:
        rights.require_create(RoleAccess(ref=ref))
    else:
        rights.require_create(RoleAccess(ref=ref, document=deleted.document, tags=deleted.tags))


def deleted_role(transaction: Transaction, ref: RoleRef, role_id: str) -> Role:
    """Return the last state of a deleted role; raise `RoleExistsError` if its name is taken, or `RoleNotFoundError`."""
    if existing := transaction.role(ref.key):
        raise RoleExistsError(existing.arn)
    deleted = transaction.deleted_role(ref.key, role_id)
    if deleted is None:
        raise RoleNotFoundError(ref.arn, stored=True, role_id=role_id, floor=transaction.floor().revision)
    return deleted
