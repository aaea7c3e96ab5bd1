"""The accounts that names mean: without a server by the context in use; with one, the context and the server must agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from rolecall.cli.failure import CommandError

if TYPE_CHECKING:
    from rolecall_client.contexts.context import ServerContext
    from rolecall_client.errors import RolecallError
    from rolecall_client.v1.role_pb2 import GetRoleResponse, ListRolesRequest, ListRolesResponse

_ANY_ROLE = "rolecall-context"
"""The role that is asked about, which need not exist: the error names its account, too."""


class RoleReading(Protocol):
    """The calls of a client that read roles."""

    def get_role(self, role: str, /) -> GetRoleResponse:
        """Return one role; raise `RolecallError`."""
        ...

    def list_roles(self, request: ListRolesRequest, /) -> ListRolesResponse:
        """Return one page of the roles of an account; raise `RolecallError`."""
        ...


def account_in(role: str) -> str | None:
    """Return the account in the name of a role as it is written, empty if it has none; None for an ARN, which has an id."""
    return None if role.startswith("acs:") else role.rpartition("/")[0]


def with_account_id(role: str, context: ServerContext | None) -> str:
    """Return the name of a role with the id of its account, if the context has the alias that it is written with."""
    account = account_in(role)
    if not account or context is None:
        return role
    return f"{context.account_id(account)}/{role.rpartition('/')[2]}"


def require_same_accounts(client: RoleReading, context: ServerContext | None, accounts: Iterable[str | None]) -> None:
    """Raise `CommandError` if the server means another account than the context by an alias, or without an account.

    A name is sent as it is, so the server decides what it means: a write must not happen in another account than was meant.
    """
    if context is None:
        return
    known = {*context.accounts, *([""] if context.default_account else [])}
    for account in sorted({account for account in accounts if account is not None} & known):
        expected, actual = context.account_id(account), _account_of_server(client, account)
        if actual != expected:
            raise _disagreement(context, account, expected, actual)


def account_on_server(client: RoleReading, account: str) -> str:
    """Return the id of an account, an alias for example, by the server; raise its error if it does not know the name.

    The name is empty for the server's default account.
    """
    from rolecall_client.errors import RolecallError

    if account.isascii() and account.isdigit():
        return account
    try:
        return client.get_role(f"{account}/{_ANY_ROLE}" if account else _ANY_ROLE).role.account_id
    except RolecallError as error:
        if not (account_id := _account_in_error(error)):
            raise
        return account_id


def _account_of_server(client: RoleReading, account: str) -> str:
    """Return the id of an account by the server; empty if it does not know the name."""
    from rolecall_client.errors import RolecallError

    try:
        return account_on_server(client, account)
    except RolecallError as error:
        if error.code != "INVALID_ARGUMENT":
            raise
        return ""


def _account_in_error(error: RolecallError) -> str:
    """Return the account of the ARN in the facts of an error, which a caller gets without the right to read roles, too."""
    prefix, _, rest = error.metadata.get("role", error.metadata.get("resource", "")).partition("acs:ram::")
    return rest.partition(":")[0] if not prefix else ""


def _disagreement(context: ServerContext, account: str, expected: str, actual: str) -> CommandError:
    name = f"the alias `{account}`" if account else "a name without an account"
    meant = f"account {actual}" if actual else "no account"
    return CommandError(
        f"the context `{context.name}` and the server differ about {name}: {expected} in the context, {meant} on the server",
        hint="name the account by its id, or correct the context; nothing was done",
    )
