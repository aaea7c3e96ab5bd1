"""`export`: write the roles of a server as a file that `apply` reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, expanded, pairs
from rolecall.cli.remote.connection import connect
from rolecall.cli.text.terminal import console

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient
    from rolecall_client.v1.role_pb2 import RoleDeclaration

ROLES_PER_UPDATE = 100


class ExportFormat(StrEnum):
    """The file format of exported roles."""

    YAML = "yaml"
    JSON = "json"


FormatOption = Annotated[
    ExportFormat, typer.Option("--output", "-o", help="The format of the file; `apply` reads both.")
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account-id",
        metavar="ID",
        help="The account: an id, or an alias of the server; default: the server's account.",
    ),
]
AllAccountsOption = Annotated[
    bool,
    typer.Option(
        "--all-accounts",
        help="The roles of every account; needs the right `rolecall:Watch` on `*`, as `rolecall account list` does.",
    ),
]
TagOption = Annotated[
    list[str],
    typer.Option("--tag", metavar="KEY=VALUE", help="Only roles with this tag; given several times, with all of them."),
]


@expanded
def export(
    connection: Connection,
    output: FormatOption = ExportFormat.YAML,
    account_id: AccountOption = "",
    all_accounts: AllAccountsOption = False,
    tag: TagOption = [],  # noqa: B006 - typer copies it
) -> None:
    """Write roles as a file that `apply` reads.

    Prints the roles on standard output in the order of their accounts and names. Applying the file changes nothing: trust policies
    are written byte for byte. YAML begins with `---`, so several exports can be written one after the other into one file.
    """
    from rolecall.cli.declarations.writing import json_parts, yaml_parts

    if account_id and all_accounts:
        raise CommandError("--account-id and --all-accounts exclude each other", hint="give one of them")

    tags = pairs(tag, "--tag")
    # Always UTF-8: characters escaped for the terminal's encoding could not be read back.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    with (
        connect(connection, accounts=[] if all_accounts else [account_id]) as client,
        _progress(_exported(client, _accounts(client) if all_accounts else [account_id], tags)) as roles,
    ):
        for part in chain(["---\n"], yaml_parts(roles)) if output is ExportFormat.YAML else json_parts(roles):
            sys.stdout.write(part)


def _accounts(client: RolecallClient) -> Iterable[str]:
    from rolecall.cli.commands.accounts import roles_by_account

    return roles_by_account(client)


def _exported(client: RolecallClient, accounts: Iterable[str], tags: Mapping[str, str]) -> Iterator[RoleDeclaration]:
    return chain.from_iterable(client.export_roles(account, tags=tags) for account in accounts)


@contextmanager
def _progress(roles: Iterable[RoleDeclaration]) -> Iterator[Iterable[RoleDeclaration]]:
    """Yield the roles; if standard error is a terminal and standard output is not, show how many have been exported."""
    out = console(sys.stderr)
    if not out.is_terminal or sys.stdout.isatty():
        yield roles
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("exporting"), BarColumn(), TextColumn("{task.completed:,} roles"), TimeElapsedColumn()
    # Without `redirect_stdout=False` the roles would be printed on the progress bar's stream.
    with Progress(*columns, console=out, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("exporting", total=None)

        def counted() -> Iterator[RoleDeclaration]:
            for number, role in enumerate(roles, start=1):
                yield role
                if not number % ROLES_PER_UPDATE:
                    progress.update(task, completed=number)

        yield counted()
