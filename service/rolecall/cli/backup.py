"""`backup` and `restore`: a store in one file, and back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options import Output, expanded
from rolecall.cli.store_options import StoreChoice, counted, counting, store_errors
from rolecall.cli.terminal import print_json
from rolecall.engine.clock import now_micros

FormatOption = Annotated[Output, typer.Option("--output", "-o", help="For people (table), or JSON.")]


@expanded
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to write.")],
    store: StoreChoice,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    output: FormatOption = Output.TABLE,
) -> None:
    """Write a whole store into one file.

    Roles, the log, remembered requests and the token key, as of one moment; servers go on meanwhile. FILE is as secret as the store
    and its owner's alone. It takes its name when it is whole.
    """
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.backup import write_backup

    if not file.absolute().parent.is_dir():
        raise CommandError(f"there is no directory `{file.parent}`", hint="make it first")
    if file.exists() and not force:
        raise CommandError(f"`{file}` is there already", hint="give another name, or --force to replace it")
    with store_errors():
        kept = open_admin_store(store.url)
        if kept.path == file.resolve():
            raise CommandError(f"`{file}` is the store itself", hint="give the backup another name")
        with kept.snapshot_transaction_beside(file) as moment, counting("writing", "rows") as tell:
            written = write_backup(moment, file, now=now_micros(), on_progress=tell)
    if output is Output.JSON:
        print_json({"file": str(file), **asdict(written)})
        return
    sys.stdout.write(f"wrote revision {written.revision} with {counted(written.rows, 'row')} to `{file}`\n")


@expanded
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `rolecall backup` has written.")],
    store: StoreChoice,
    output: FormatOption = Output.TABLE,
) -> None:
    """Put a backup into an empty store.

    The store is made if it is not there; one that holds anything is refused. The file is read through and found whole before
    anything is written, and then all of it is there or nothing. The store gets a new incarnation: consistency tokens from before
    are refused with UNKNOWN_INCARNATION, and callers read again without them.
    """
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.backup import read_backup, restore_backup

    with store_errors():
        kept = open_admin_store(store.url)
        with counting("checking", "rows") as tell:
            written = read_backup(file, on_progress=tell)
        with kept.fill_transaction() as target, counting("restoring", "rows") as tell:
            restored = restore_backup(file, written, target, on_progress=tell)
    told = {"revision": restored.head.revision, "roles": restored.roles, "incarnation": restored.head.incarnation}
    if output is Output.JSON:
        print_json({"file": str(file), **told, "digest": restored.digest.hex()})
        return
    sys.stdout.write(
        f"restored {counted(restored.roles, 'role')} at revision {restored.head.revision} from `{file}`\n"
        f"it is another history now, incarnation {restored.head.incarnation}: consistency tokens from before are refused\n"
    )
