"""`migrate`: bring the schema of a store to this version, by hand or before the servers start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from rolecall.cli.failure import DENIED, OK
from rolecall.cli.options.shared import Output, PlainOutputOption, expanded
from rolecall.cli.options.store_options import StoreChoice, store_errors
from rolecall.cli.text.terminal import print_json

PAUSE_SECONDS = 0.5
MIGRATION_SECONDS = 10.0
"""How long to wait for another process that uses the store file, since it may be migrating it."""

T = TypeVar("T")

CheckOption = Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if a migration is needed.")]
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
        help="If the store cannot be reached but this snapshot file exists, exit with 0: the server can start from the file.",
    ),
]


@expanded
def migrate(
    store: StoreChoice,
    check: CheckOption = False,
    wait: WaitOption = 0.0,
    or_snapshot: SnapshotOption = None,
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Migrate the schema of a store to this version.

    Creates the tables in a new store. Running it twice changes nothing, and of two runs at once the second waits. A server migrates
    a SQLite file by itself; a PostgreSQL database needs this once for each version that changes the tables.
    """
    from rolecall.storage import migrate as migrate_store, schema_of
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.sql.tables import SCHEMA

    wanted = f"{SCHEMA:04}"
    with store_errors(), _allow_snapshot(or_snapshot):
        name = open_admin_store(store.url).name
        before = _retry_until_reached(lambda: schema_of(store.url), wait)
        after = before
        # A newer schema is not changed, only checked for compatibility with this version.
        if before > wanted or (before < wanted and not check):
            after = _retry_until_reached(lambda: _migrated(migrate_store, store.url, wanted), wait)
    done = not check or after >= wanted
    if output is Output.JSON:
        print_json({"store": name.strip("`"), "before": before, "after": after, "wanted": wanted, "up_to_date": done})
    else:
        sys.stdout.write(_sentence(name, before, after, wanted) + "\n")
    raise typer.Exit(OK if done else DENIED)


@contextmanager
def _allow_snapshot(snapshot: Path | None) -> Iterator[None]:
    """Exit with 0 if the store cannot be reached but the snapshot file exists: the store was migrated when it was written."""
    from rolecall.roles.errors import StoreUnavailableError

    try:
        yield
    except StoreUnavailableError as error:
        if snapshot is None or not snapshot.is_file():
            raise
        sys.stderr.write(f"not migrated: {error}; a server can start from `{snapshot}`\n")
        raise typer.Exit(OK) from None


def _retry_until_reached(work: Callable[[], T], seconds: float) -> T:
    """Return the result of `work`, retrying for up to `seconds` while the store cannot be reached; then raise the last error."""
    from rolecall.roles.errors import StoreBusyError, StoreUnavailableError

    limit, reported = time.monotonic() + seconds, ""
    while True:
        try:
            return work()
        except StoreBusyError:
            raise
        except StoreUnavailableError as error:
            if time.monotonic() >= limit:
                raise
            if reported != str(error):
                reported = str(error)
                sys.stderr.write(f"waiting: {reported}\n")
        time.sleep(min(PAUSE_SECONDS, max(0.0, limit - time.monotonic())))


def _migrated(migrate_store: Callable[[str], tuple[str, str]], url: str, wanted: str) -> str:
    """Migrate and return the schema afterwards; wait for another process that may be migrating the file."""
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
        return f"{name} {found}; this version needs {wanted}: run `rolecall migrate`"
    if before == after:
        newer = f", newer than {wanted} but compatible with this version" if after > wanted else ""
        return f"{name} has schema {after}{newer}: nothing to do"
    return (
        f"{name} was migrated from schema {before} to {after}" if before else f"{name} was created with schema {after}"
    )
