"""`what-can`: list the roles of a server that a principal can assume, or could assume with further condition keys."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from rolecall.cli.options.request import PrincipalOptions, principal_query
from rolecall.cli.options.shared import Output, OutputOption, RemoteOptions, expanded
from rolecall.cli.problems.reports import report_hint
from rolecall.cli.remote.connection import connect
from rolecall.cli.text.terminal import print_json, record

_ROOT = re.compile(r"acs:ram::([0-9]{1,20}):root", re.ASCII)

AccountOption = Annotated[
    str,
    typer.Option(
        "--account-id", metavar="ID", help="Only roles of this account, an id or an alias; default: of all accounts."
    ),
]


@expanded
def what_can(
    asker: PrincipalOptions,
    connection: RemoteOptions,
    account_id: AccountOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show which roles a principal can assume.

    ALLOW: the principal can assume the role. CONDITIONAL: it depends on condition keys that were not given; they are listed.
    """
    named = [account_id] if account_id else []
    with connect(connection.in_context(asker.server_context), accounts=named) as client:
        roles = client.what_can(principal_query(asker, account_id, client), account_id=account_id)
        if output is Output.JSON:
            print_json({"roles": [record(role) for role in roles]})
        else:
            from rolecall.cli.render.reverse import show_assumable

            show_assumable(roles)
    if root := _ROOT.fullmatch(asker.as_):
        report_hint(
            f"an account root assumes no role; ask as a user of the account: `--as acs:ram::{root[1]}:user/NAME` "
            "(with a name that no policy names: what every user of the account can assume)"
        )
