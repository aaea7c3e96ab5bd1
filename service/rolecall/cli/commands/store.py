"""`store`: copy a whole store to another database."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Output, PlainOutputOption
from rolecall.cli.options.store_options import counted, counting, store_errors, url_of
from rolecall.cli.text.terminal import print_json

app = typer.Typer(no_args_is_help=True, help="Copy a store to another database.")

_URL = "sqlite:///PATH, postgresql://..., or @FILE for a file that contains the URL."


@app.callback()
def store() -> None:
    """Copy a store to another database."""


@app.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=f"The store to copy: {_URL}")],
    target: Annotated[str, typer.Argument(metavar="TO", help=f"An empty or new store: {_URL}")],
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Copy a store into an empty one.

    Copies everything: roles, the log with its hashes, stored request ids, the incarnation and the token key. Both stores then have
    the same history, and only one of them may be used: stop the servers of FROM first. The copy is compared with what was read
    before it is committed; if anything differs, TO stays empty.
    """
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.copy_store import copy_store

    with store_errors(), ExitStack() as stack:
        with store_errors("FROM"):
            source_store = open_admin_store(url_of(source))
            read = stack.enter_context(source_store.snapshot_transaction())
        with store_errors("TO"):
            target_store = open_admin_store(url_of(target))
            if _same_file(source_store.path, target_store.path):
                raise CommandError("FROM and TO are the same file")
            written = stack.enter_context(target_store.fill_transaction())
        on_progress = stack.enter_context(counting("copying", "rows"))
        copied = copy_store(read, written, head_now=source_store.head, on_progress=on_progress, store=source_store.name)
    if output is Output.JSON:
        print_json(
            {
                "roles": copied.roles,
                "revision": copied.head.revision,
                "incarnation": copied.head.incarnation,
                "digest": copied.digest.hex(),
            }
        )
        return
    sys.stdout.write(
        f"copied {counted(copied.roles, 'role')} at revision {copied.head.revision}, with the complete log\n"
        "start servers with the copy from now on, and no longer with the store that it was copied from\n"
    )


def _same_file(source: Path | None, target: Path | None) -> bool:
    """Return whether two stores are one file, also by two names."""
    if source is None or target is None:
        return False
    return source == target or (target.exists() and source.samefile(target))
