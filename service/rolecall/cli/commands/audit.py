"""`audit`: verify that a store still holds what was written to it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import DENIED, OK, CommandError
from rolecall.cli.options.shared import Output, PlainOutputOption, expanded
from rolecall.cli.options.store_options import StoreChoice, counted, counting, store_errors
from rolecall.cli.text.terminal import add_row, console, marks, print_json, table

if TYPE_CHECKING:
    from rolecall.roles.repository import Floor
    from rolecall.storage.maintenance.audit import Audit

MAX_REVISION = (1 << 63) - 1

app = typer.Typer(no_args_is_help=True, help="Verify the contents of a store.")


@app.callback()
def audit() -> None:
    """Verify the contents of a store."""


@app.command()
@expanded
def verify(
    store: StoreChoice,
    first: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="REVISION",
            min=1,
            help="Verify the log from this revision on; default: from the oldest in the log.",
        ),
    ] = None,
    noted: Annotated[
        str,
        typer.Option(
            "--noted",
            metavar="REVISION:HASH",
            help="The revision and hash that an earlier run printed; the log must still contain them.",
        ),
    ] = "",
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Verify the store against its log, and the log's hash chain.

    Checks that the schema is as this version makes it; that every value in every table has the type of its column; that the log has
    no missing revision, no changed hash and no unreadable row; that every role, its tags and the role count of its account match
    the log; and that all roles have the digest of the store. Exit code 1 if anything differs. Servers may keep writing meanwhile.
    """
    from rolecall.roles.role import Revision
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.audit import audit as examine

    floor = _floor(noted) if noted else None
    with store_errors():
        opened = open_admin_store(store.url)
        with opened.pages() as pages, counting("verifying", "commits and roles") as on_progress:
            found = examine(
                pages,
                first=None if first is None else Revision(first),
                on_progress=lambda _what, _all, done: on_progress(done),
                noted=floor,
            )
    if output is Output.JSON:
        print_json(_record(opened.name, found))
    else:
        _show(opened.name, found)
    raise typer.Exit(DENIED if found.total_findings else OK)


def _floor(text: str) -> Floor:
    from rolecall.policy.wording import quoted
    from rolecall.roles.repository import Floor
    from rolecall.roles.role import Revision

    noted = re.fullmatch("([0-9]+):([0-9a-f]{64})", text)
    if noted is None:
        raise CommandError("--noted takes REVISION:HASH, as `audit verify` prints it")
    revision, hash_ = noted.groups()
    # Count the digits first: `int` raises on thousands of them.
    if len(revision) > len(str(MAX_REVISION)) or int(revision) > MAX_REVISION:
        message = f"--noted has revision {quoted(revision)}, which is higher than any store can have"
        raise CommandError(f"{message}; give what `audit verify` printed")
    return Floor(revision=Revision(int(revision)), hash=bytes.fromhex(hash_))


def _record(name: str, found: Audit) -> dict[str, object]:
    return {
        "store": name.strip("`"),
        "sound": not found.total_findings,
        "not_examined": list(found.skipped),
        "incarnation": None if found.first is None else found.head.incarnation,
        "from": found.first,
        "to": None if found.first is None else found.head.revision,
        "hash": None if found.first is None else found.head.hash.hex(),
        "commits": found.commits,
        "changes": found.changes,
        "roles": found.roles,
        "roles_older_than_the_log": found.older_than_the_log,
        "total_breaks": found.total_findings,
        "breaks": [{"revision": broken.revision, "message": broken.message} for broken in found.findings],
    }


def _show(name: str, found: Audit) -> None:
    out = console(sys.stdout)
    if found.findings:
        rows = table("REVISION", "WHAT IS WRONG")
        for broken in found.findings:
            add_row(rows, ("" if broken.revision is None else str(broken.revision), broken.message))
        out.print(rows)
    if found.total_findings > len(found.findings):
        out.print(f"and {found.total_findings - len(found.findings):,} more")
    sound = not found.total_findings
    mark = marks(out).yes if sound else marks(out).no
    outcome = "matches its log" if sound else counted(found.total_findings, "break")
    out.print(f"{mark} {name}: {outcome}", style="green" if sound else "red", soft_wrap=True)
    if found.skipped:
        skipped = " and ".join(f"the {part}" for part in found.skipped)
        out.print(f"not verified: {skipped}; correct the values of wrong types, then verify again", soft_wrap=True)
    out.print(_summary(found), style="dim", soft_wrap=True)


def _summary(found: Audit) -> str:
    log = f"revisions {found.first} to {found.head.revision}" if found.commits else "no revision"
    older = f", {found.older_than_the_log:,} of them older than the log" if found.older_than_the_log else ""
    counts = f"{counted(found.commits, 'commit')}, {counted(found.changes, 'change')}, {counted(found.roles, 'role')}"
    newest = "" if found.first is None else f"; {found.head.revision}:{found.head.hash.hex()}"
    return f"verified {log}: {counts}{older}{newest}"
