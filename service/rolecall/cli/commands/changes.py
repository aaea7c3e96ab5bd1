"""`changes`: list what was changed in a store, when, by whom and why, and follow it live."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, Output, OutputOption, expanded
from rolecall.cli.remote.account_names import account_in
from rolecall.cli.remote.connection import chosen_connection, connect
from rolecall.cli.render.recorded_changes import ChangePrinter, show_recorded

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient
    from rolecall_client.v1 import role_pb2 as pb

POLL_SECONDS = 1.0
MAX_LISTED, MAX_PAGE = 10_000, 1_000


class Kind(StrEnum):
    """The kinds of changes by which a list can be filtered."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which changes are listed: those that every given option selects."""

    role: Annotated[
        str,
        typer.Option("--role", metavar="ROLE", help="Only of roles of this name, existing and deleted ones."),
    ] = ""
    account_id: Annotated[
        list[str],
        typer.Option(
            "--account-id", metavar="ID", help="Only of roles of this account, an id or an alias; repeatable."
        ),
    ] = dataclasses.field(default_factory=list)
    prefix: Annotated[
        str,
        typer.Option("--prefix", metavar="TEXT", help="Only of roles whose names begin so; case does not matter."),
    ] = ""
    kind: Annotated[
        list[Kind],
        typer.Option(
            "--kind", metavar="KIND", help="Only changes of this kind: created, updated or deleted; repeatable."
        ),
    ] = dataclasses.field(default_factory=list)
    actor: Annotated[
        str, typer.Option("--actor", metavar="NAME", help="Only changes by this caller, named as in the list.")
    ] = ""
    from_revision: Annotated[
        int,
        typer.Option(
            "--from-revision",
            metavar="N",
            min=0,
            help="From this revision on; 0: the newest changes.",
        ),
    ] = 0

    def request(self, *, full: bool) -> pb.ListChangesRequest:
        """Return the request of a list."""
        from rolecall_client.v1 import role_pb2 as pb

        return pb.ListChangesRequest(
            start_revision=self.from_revision,
            account_ids=self.account_id,
            name_prefix=self.prefix,
            role=self.role,
            kinds=[f"CHANGE_KIND_{kind.name}" for kind in self.kind],
            actor=self.actor,
            view=pb.ROLE_VIEW_FULL if full else pb.ROLE_VIEW_BASIC,
        )


@expanded
def changes(
    filters: Filters,
    connection: Connection,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=MAX_LISTED, help="Show at most this many, 1 to 10,000.")
    ] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Then print later changes as they happen, until Ctrl-C.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="With `-o json`: include trust policies.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List what was changed: when, by whom and why.

    The newest changes are shown, the last one at the end; with --from-revision those from that revision on. A change says
    UNDELETED if it restored a deleted role. With --follow each change is one line, with `-o json` one object; --limit is for the
    newest changes, which are printed first.
    """
    request, accounts = filters.request(full=full), [*filters.account_id]
    if filters.role and (account := account_in(filters.role)) is not None:
        accounts.append(account)
    with connect(connection, accounts=accounts) as client:
        if follow:
            _follow(client, request, limit, ChangePrinter(output, chosen_connection(connection).address))
        else:
            found, more = _listed(client, request, limit)
            show_recorded(found, output, more=more)


def _listed(client: RolecallClient, request: pb.ListChangesRequest, limit: int) -> tuple[list[pb.RecordedChange], str]:
    """Return the changes that are shown, in order, and what there is more of: `older` or `later` changes, or nothing."""
    request.newest_first = not request.start_revision
    # One more than is shown, to know whether there are more.
    request.page_size = min(limit + 1, MAX_PAGE)
    found = list(islice((change for page in _pages(client, request) for change in page.changes), limit + 1))
    more = ("older" if request.newest_first else "later") if len(found) > limit else ""
    found = found[:limit]
    return (found[::-1] if request.newest_first else found), more


def _follow(client: RolecallClient, request: pb.ListChangesRequest, limit: int, printer: ChangePrinter) -> None:
    from rolecall_client.errors import DeadlineExceededError, UnavailableError

    if not request.start_revision:
        request.start_revision = _print_newest(client, request, limit, printer) + 1
    request.newest_first, request.page_size, request.page_token = False, MAX_PAGE, ""
    while True:
        try:
            page = client.list_changes(request)
        except (UnavailableError, DeadlineExceededError) as error:
            printer.interrupted(error)
            time.sleep(POLL_SECONDS)
            continue
        printer.page(page)
        request.page_token = page.next_page_token
        if not page.next_page_token:
            request.start_revision = _next_start(request, page)
            time.sleep(POLL_SECONDS)


def _print_newest(client: RolecallClient, request: pb.ListChangesRequest, limit: int, printer: ChangePrinter) -> int:
    """Print the newest changes; return the revision up to which they were listed."""
    request.newest_first, request.page_size = True, min(limit, MAX_PAGE)
    pages = _pages(client, request)
    first = next(pages)
    found = [*first.changes]
    while len(found) < limit and (page := next(pages, None)):
        found += page.changes
    printer.changes(found[:limit][::-1])
    # What is written after the first page was read is not on the others.
    return first.revision


def _next_start(request: pb.ListChangesRequest, page: pb.ListChangesResponse) -> int:
    # The numbers of another history name other writes, so what was printed and what follows would not belong together.
    if page.revision + 1 < request.start_revision:
        raise CommandError(
            f"the store is at revision {page.revision}, and was at {request.start_revision - 1}: it was restored or replaced",
            hint="restart the command",
        )
    return page.revision + 1


def _pages(client: RolecallClient, request: pb.ListChangesRequest) -> Iterator[pb.ListChangesResponse]:
    while True:
        page = client.list_changes(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
