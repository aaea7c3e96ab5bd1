"""`watch`: changes of roles as they happen, until Ctrl-C."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options import Connection, Output, OutputOption, expanded
from rolecall.cli.remote import client
from rolecall.cli.render.watch import WatchPrinter

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient

InitialOption = Annotated[
    bool, typer.Option("--initial", help="First every role as it is, each as created, then the changes.")
]
FromOption = Annotated[
    str,
    typer.Option(
        "--from", metavar="TOKEN", help="Go on after this token: of a checkpoint (`-o json` shows them), or of a write."
    ),
]
AccountOption = Annotated[
    list[str],
    typer.Option(
        "--account-id", metavar="ID", help="Only roles of this account, an id or an alias; of each of several."
    ),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a watch begins, and what it is about."""

    initial: InitialOption = False
    from_: FromOption = ""
    account_id: AccountOption = dataclasses.field(default_factory=list)


@expanded
def watch(start: Start, connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print changes of roles as they happen.

    One line each, until Ctrl-C: the time, the revision, what was done, the role. With `-o json` one object a line, in which
    checkpoints bring the tokens for --from. A connection that breaks is resumed where it was, which standard error tells.
    """
    if start.initial and start.from_:
        raise CommandError("only one of --initial and --from may be given")
    from rolecall_client.watch import ResyncRequiredError

    shown = WatchPrinter(output, connection.address)
    with client(connection) as asked:
        while True:
            try:
                _follow(asked, start, shown)
            except ResyncRequiredError as error:
                if not start.initial:
                    raise CommandError(error.message, hint="`rolecall watch --initial` does") from None
                shown.resync(error.message)


def _follow(asked: RolecallClient, start: Start, shown: WatchPrinter) -> None:
    events = asked.watch_roles(
        start_token=start.from_,
        account_ids=start.account_id,
        include_initial_state=start.initial,
        resumed=shown.resumed,
    )
    for event in events:
        shown.event(event)
