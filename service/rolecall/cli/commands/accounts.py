"""`account list`: the accounts that have roles on a server."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, Output, PlainOutputOption, expanded
from rolecall.cli.remote.account_names import account_on_server
from rolecall.cli.remote.connection import chosen_connection, connect
from rolecall.cli.text.terminal import add_row, console, print_json, table

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient

app = typer.Typer(no_args_is_help=True, help="List the accounts of a server.")


@app.callback()
def account() -> None:
    """List the accounts of a server."""


@app.command("list")
@expanded
def list_(connection: Connection, output: PlainOutputOption = Output.TABLE) -> None:
    """List the accounts that have roles, with how many.

    Reads every role, as `rolecall watch --initial` does, and needs the same right: `rolecall:Watch` on `*`.
    """
    context = chosen_connection(connection).context
    with connect(connection) as client:
        accounts, default = roles_by_account(client), _default_account(client)
    aliases = dict(sorted(context.accounts.items())) if context else {}
    if output is Output.JSON:
        print_json({"accounts": [_record(*each, default, aliases) for each in accounts.items()]})
        return
    rows = table("ACCOUNT", "ROLES", "DEFAULT", "ALIASES")
    for account_id, roles in accounts.items():
        names = ", ".join(alias for alias, meant in aliases.items() if meant == account_id)
        add_row(rows, (account_id, f"{roles:,}", "*" if account_id == default else "", names))
    if accounts:
        console(sys.stdout).print(rows)
    else:
        console(sys.stderr).print("no roles", style="dim")


def roles_by_account(client: RolecallClient) -> Mapping[str, int]:
    """Return how many roles each account has, in the order of the ids; raise `RolecallError`."""
    from rolecall_client.errors import ResyncRequiredError
    from rolecall_client.v1.watch_pb2 import WatchCheckpoint

    roles: Counter[str] = Counter()
    with closing(client.watch_roles(include_initial_state=True)) as events:
        try:
            for event in events:
                if isinstance(event, WatchCheckpoint):
                    break
                roles[event.role.account_id] += 1
        except ResyncRequiredError as error:
            raise CommandError(f"the roles changed while they were read: {error.message}", hint="try again") from None
    return dict(sorted(roles.items(), key=lambda each: (len(each[0]), each[0])))


def _default_account(client: RolecallClient) -> str:
    """Return the id of the server's default account; empty if it has none."""
    from rolecall_client.errors import InvalidArgumentError

    try:
        return account_on_server(client, "")
    except InvalidArgumentError:
        return ""


def _record(account_id: str, roles: int, default: str, aliases: Mapping[str, str]) -> dict[str, object]:
    """Return an account as a JSON object."""
    return {
        "account_id": account_id,
        "roles": roles,
        "default": account_id == default,
        "aliases": [alias for alias, meant in aliases.items() if meant == account_id],
    }
