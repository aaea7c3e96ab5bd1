"""The rights of reads: of a role, of the roles of an account, and of a watch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from rolecall.callers.caller import Caller
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.accounts import Accounts
from rolecall.roles.fields import name_prefix_violations
from rolecall.roles.role import Role, RoleRef
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.actions import GET_ROLE, LIST_ROLES, READ_HISTORY, WATCH
from rolecall.transport.rights.resources import (
    ANY,
    keys_of_role,
    named_account,
    named_role,
    role_resource,
    roles_of_account,
    whole_account,
)


class RoleRights:
    """Judges rights on roles by a snapshot of them. Whether a role exists is not looked up, unless a right reads its tags."""

    def __init__(self, accounts: Accounts, version_of: Callable[[str], RoleVersion | None]) -> None:
        self._accounts, self._version_of = accounts, version_of

    def require_role(self, action: str, text: str, caller: Caller) -> None:
        """Require a right on the role that a text names; raise `PermissionDeniedError`."""
        ref = named_role(self._accounts, text)
        version = self._version_of(ref.key) if ref and caller.reads_tags else None
        require_on(action, ref, version.role if version else None, caller)

    def require_list(self, account: str, name_prefix: str, caller: Caller) -> None:
        """Require the right to list those roles of an account whose names begin with a prefix."""
        account_id = None if name_prefix_violations(name_prefix) else named_account(self._accounts, account)
        resource = roles_of_account(account_id, name_prefix)
        if not caller.allows(LIST_ROLES, resource):
            raise PermissionDeniedError(LIST_ROLES, resource)

    def require_changes(self, account_ids: Sequence[str], name_prefix: str, caller: Caller) -> None:
        """Require the right to read the history of roles by their accounts and the beginning of their names."""
        ids = [] if name_prefix_violations(name_prefix) else named_accounts(self._accounts, account_ids)
        for resource in [roles_of_account(account_id, name_prefix) for account_id in sorted(ids)] or [ANY]:
            if not caller.allows(READ_HISTORY, resource):
                raise PermissionDeniedError(READ_HISTORY, resource)


def require_on(action: str, ref: RoleRef | None, role: Role | None, caller: Caller) -> None:
    """Require a right on a role, given its name and its state, if it has any; raise `PermissionDeniedError`."""
    if not caller.allows(action, role_resource(ref), keys_of_role(caller, role)):
        raise PermissionDeniedError(action, role_resource(ref))


def may_read_history(role: Role, caller: Caller) -> bool:
    """Return whether the caller may read the history of a role."""
    return caller.allows(READ_HISTORY, role.arn, keys_of_role(caller, role))


def may_read(role: Role, caller: Caller) -> bool:
    """Return whether the caller may read a role that was found in a list."""
    return caller.allows(GET_ROLE, role.arn, keys_of_role(caller, role))


def named_accounts(accounts: Accounts, texts: Sequence[str]) -> Collection[str]:
    """Return the ids of the accounts that a request names; none, which stands for every account, if one of them is none."""
    ids = [named_account(accounts, text) for text in texts]
    return [] if None in ids else [account_id for account_id in ids if account_id is not None]


def require_watch(account_ids: Collection[str], caller: Caller) -> None:
    """Require the right to watch some accounts, or without any every account; raise `PermissionDeniedError`."""
    for resource in map(whole_account, sorted(account_ids)) if account_ids else (ANY,):
        if not caller.allows(WATCH, resource):
            raise PermissionDeniedError(WATCH, resource)
