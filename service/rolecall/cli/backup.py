"""`backup` and `restore`: write a store into one file, and fill an empty store from it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options import Output, PlainOutputOption, expanded
from rolecall.cli.store_options import StoreChoice, counted, counting, store_errors
from rolecall.cli.terminal import print_json
from rolecall.engine.clock import now_micros


@expanded
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to write.")],
    store: StoreChoice,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Write a whole store into one file.

    Contains the roles, the log, stored request ids and the token key, all at one revision. Servers keep running meanwhile. FILE is
    as secret as the store, and readable by its owner only. It appears under its name only when it is complete.
    """
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.backup import write_backup

    if not file.absolute().parent.is_dir():
        raise CommandError(f"there is no directory `{file.parent}`", hint="create it first")
    if file.exists() and not force:
        raise CommandError(f"`{file}` exists already", hint="choose another name, or replace it with --force")
    with store_errors():
        opened = open_admin_store(store.url)
        if opened.path == file.resolve():
            raise CommandError(f"`{file}` is the store itself", hint="choose another name for the backup")
        with opened.snapshot_transaction_beside(file) as transaction, counting("writing", "rows") as on_progress:
            written = write_backup(transaction, file, now=now_micros(), on_progress=on_progress)
    if output is Output.JSON:
        print_json({"file": str(file), **asdict(written)})
        return
    sys.stdout.write(f"wrote revision {written.revision} with {counted(written.rows, 'row')} to `{file}`\n")


@expanded
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file written by `rolecall backup`.")],
    store: StoreChoice,
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Restore a backup into an empty store.

    The store is created if it does not exist; a store that has data is refused. The file is verified before anything is written,
    and the restore is one transaction. The store gets a new incarnation: consistency tokens from before are refused with
    UNKNOWN_INCARNATION, and callers read again without them.
    """
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.backup import read_backup, restore_backup

    with store_errors():
        opened = open_admin_store(store.url)
        with counting("checking", "rows") as on_progress:
            written = read_backup(file, on_progress=on_progress)
        with opened.fill_transaction() as target, counting("restoring", "rows") as on_progress:
            restored = restore_backup(file, written, target, on_progress=on_progress)
    facts = {"revision": restored.head.revision, "roles": restored.roles, "incarnation": restored.head.incarnation}
    if output is Output.JSON:
        print_json({"file": str(file), **facts, "digest": restored.digest.hex()})
        return
    sys.stdout.write(
        f"restored {counted(restored.roles, 'role')} at revision {restored.head.revision} from `{file}`\n"
        f"the store has a new history, incarnation {restored.head.incarnation}: older consistency tokens are refused\n"
    )
