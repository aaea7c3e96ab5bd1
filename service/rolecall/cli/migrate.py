"""`migrate`: the tables of a store brought to this version, by a person or before the servers start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from rolecall.cli.failure import DENIED, OK
from rolecall.cli.options import Output, expanded
from rolecall.cli.store_options import StoreChoice, store_errors
from rolecall.cli.terminal import print_json

PAUSE_SECONDS = 0.5
MIGRATION_SECONDS = 10.0
"""How long another process that has a file is waited for: it may be migrating it just now."""

T = TypeVar("T")

CheckOption = Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if there is something to do.")]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, max=86_400, help="How long to wait for a store that cannot be reached."
    ),
]
SnapshotOption = Annotated[
    Path | None,
    typer.Option(
        "--or-snapshot",
        metavar="FILE",
        help="Exit code 0 also for a store that cannot be reached, if there is this snapshot file for the server to start from.",
    ),
]
FormatOption = Annotated[Output, typer.Option("--output", "-o", help="For people (table), or JSON.")]


@expanded
def migrate(
    store: StoreChoice,
    check: CheckOption = False,
    wait: WaitOption = 0.0,
    or_snapshot: SnapshotOption = None,
    output: FormatOption = Output.TABLE,
) -> None:
    """Bring the tables of a store to this version.

    Makes them in a store that is new. Repeated it does nothing, and of two at once the second waits. A server brings a SQLite
    file up to date by itself; a PostgreSQL database needs this once for each version that changes the tables.
    """
    from rolecall.storage import migrate as migrate_store, schema_of
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.sql.tables import SCHEMA

    wanted = f"{SCHEMA:04}"
    with store_errors(), _excused(or_snapshot):
        name = open_admin_store(store.url).name
        before = _patiently(lambda: schema_of(store.url), wait)
        after = before
        # A newer one is held to whether this version can work on it, and not changed.
        if before > wanted or (before < wanted and not check):
            after = _patiently(lambda: _migrated(migrate_store, store.url, wanted), wait)
    done = not check or after >= wanted
    if output is Output.JSON:
        print_json({"store": name.strip("`"), "before": before, "after": after, "wanted": wanted, "up_to_date": done})
    else:
        sys.stdout.write(_sentence(name, before, after, wanted) + "\n")
    raise typer.Exit(OK if done else DENIED)


@contextmanager
def _excused(snapshot: Path | None) -> Iterator[None]:
    """Let a store that cannot be reached be where there is a snapshot file: it was migrated when that was written."""
    from rolecall.roles.errors import StoreUnavailableError

    try:
        yield
    except StoreUnavailableError as error:
        if snapshot is None or not snapshot.is_file():
            raise
        sys.stderr.write(f"not migrated: {error}; a server can start from `{snapshot}`\n")
        raise typer.Exit(OK) from None


def _patiently(work: Callable[[], T], seconds: float) -> T:
    """Do it as soon as the store can be reached, for so long; the last error goes on to the caller."""
    from rolecall.roles.errors import StoreBusyError, StoreUnavailableError

    limit, told = time.monotonic() + seconds, ""
    while True:
        try:
            return work()
        except StoreBusyError:
            raise
        except StoreUnavailableError as error:
            if time.monotonic() >= limit:
                raise
            if told != str(error):
                told = str(error)
                sys.stderr.write(f"waiting: {told}\n")
        time.sleep(min(PAUSE_SECONDS, max(0.0, limit - time.monotonic())))


def _migrated(migrate_store: Callable[[str], tuple[str, str]], url: str, wanted: str) -> str:
    """Migrate and return the schema after it; a file that another process has may be being migrated just now."""
    from rolecall.roles.errors import StoreBusyError
    from rolecall.storage import schema_of

    limit = time.monotonic() + MIGRATION_SECONDS
    while True:
        try:
            return migrate_store(url)[1]
        except StoreBusyError:
            if (found := schema_of(url)) == wanted:
                return found
            if time.monotonic() >= limit:
                raise
        time.sleep(PAUSE_SECONDS / 10)


def _sentence(name: str, before: str, after: str, wanted: str) -> str:
    if after < wanted:
        found = f"has schema {before}" if before else "has no tables yet"
        return f"{name} {found}, this version has {wanted}: run `rolecall migrate`"
    if before == after:
        newer = f", newer than this version's {wanted}, which can work on it" if after > wanted else ""
        return f"{name} has schema {after}{newer}: nothing to do"
    return f"{name} was brought from schema {before} to {after}" if before else f"{name} was made with schema {after}"
