"""`watch`: print changes of roles as they happen, until Ctrl-C."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, Output, OutputOption, expanded
from rolecall.cli.remote.connection import chosen_connection, connect
from rolecall.cli.render.watch import WatchPrinter

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient

InitialOption = Annotated[
    bool, typer.Option("--initial", help="First print every existing role as created, then the changes.")
]
FromOption = Annotated[
    str,
    typer.Option(
        "--from", metavar="TOKEN", help="Start after this token: of a checkpoint (shown by `-o json`), or of a write."
    ),
]
AccountOption = Annotated[
    list[str],
    typer.Option("--account-id", metavar="ID", help="Only roles of this account, an id or an alias; repeatable."),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a watch starts, and which roles it covers."""

    initial: InitialOption = False
    from_: FromOption = ""
    account_id: AccountOption = dataclasses.field(default_factory=list)


@expanded
def watch(start: Start, connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print changes of roles as they happen.

    Prints one line for each change until Ctrl-C: the time, the revision, the kind of change, the role. With `-o json` each line is
    an object, and checkpoints have the tokens for --from. A broken connection is resumed without a gap, and reported on standard
    error. If the server has another store then, such as a new one in memory, every role of that store is printed as created.
    """
    if start.initial and start.from_:
        raise CommandError("only one of --initial and --from may be given")
    from rolecall_client.errors import OtherStoreError, ResyncRequiredError

    printer = WatchPrinter(output, chosen_connection(connection).address)
    with connect(connection, accounts=start.account_id) as client:
        while True:
            try:
                _follow(client, start, printer)
            except OtherStoreError as error:
                # After the store before, every role of the other store is a change.
                start = dataclasses.replace(start, initial=True, from_="")
                printer.resync(error.message)
            except ResyncRequiredError as error:
                if not start.initial:
                    raise CommandError(error.message, hint="restart with `rolecall watch --initial`") from None
                printer.resync(error.message)


def _follow(client: RolecallClient, start: Start, printer: WatchPrinter) -> None:
    events = client.watch_roles(
        start_token=start.from_,
        account_ids=start.account_id,
        include_initial_state=start.initial,
        resumed=printer.resumed,
    )
    for event in events:
        printer.event(event)
