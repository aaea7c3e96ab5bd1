"""`backup` and `restore`: write a store into one file, and fill an empty store from it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Output, PlainOutputOption, expanded
from rolecall.cli.options.store_options import StoreChoice, counted, counting, store_errors
from rolecall.cli.text.terminal import print_json
from rolecall.engine.clock import now_micros
from rolecall.regular_file import NotRegularError, reason_of, require_replaceable


@expanded
def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup to write.")],
    store: StoreChoice,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Write a whole store into one file.

    Contains the roles, the log, stored request ids and the token key, all at one revision. Servers keep running meanwhile. FILE is
    as secret as the store, and readable by its owner only. It appears under its name only when it is complete. A link, a device or
    anything else that is not a regular file is never replaced.
    """
    from rolecall.storage.maintenance.admin_store import open_admin_store
    from rolecall.storage.maintenance.backup import write_backup

    path = _new_file(file, force=force)
    with store_errors():
        opened = open_admin_store(store.url)
        _require_apart(path, opened.path)
        with opened.snapshot_transaction_beside(path) as transaction, counting("writing", "rows") as on_progress:
            written = write_backup(transaction, path, now=now_micros(), on_progress=on_progress)
    if output is Output.JSON:
        print_json({"file": file, **asdict(written)})
        return
    sys.stdout.write(f"wrote revision {written.revision} with {counted(written.rows, 'row')} to `{file}`\n")


def _new_file(file: str, *, force: bool) -> Path:
    """Return the path of a file that may be written; raise `CommandError`."""
    path = _named_file(file)
    if not path.absolute().parent.is_dir():
        raise CommandError(f"there is no directory `{path.parent}`", hint="create it first")
    try:
        require_replaceable(path)
    except NotRegularError as error:
        hint = "give the name of a regular file, or one that does not exist"
        raise CommandError(f"`{file}` cannot be the backup: {reason_of(error)}", hint=hint) from None
    if path.exists() and not force:
        raise CommandError(f"`{file}` exists already", hint="choose another name, or replace it with --force")
    return path


def _named_file(file: str) -> Path:
    if not file:
        raise CommandError("FILE is empty", hint="give the name of the backup")
    return Path(file)


def _require_apart(path: Path, store: Path | None) -> None:
    """Raise `CommandError` if the backup would replace the file of the store, or one that belongs to it."""
    from rolecall.storage.sqlite.new_store import COMPANIONS

    if store is None:
        return
    path = path.parent.resolve() / path.name
    if path in {store, *(store.with_name(f"{store.name}{suffix}") for suffix in COMPANIONS)}:
        what = "is the store itself" if path == store else f"belongs to the store `{store}`"
        raise CommandError(f"`{path.name}` {what}", hint="choose another name for the backup")


@expanded
def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file written by `rolecall backup`.")],
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

    path = _named_file(file)
    with store_errors():
        opened = open_admin_store(store.url)
        with counting("checking", "rows") as on_progress:
            written = read_backup(path, on_progress=on_progress)
        with opened.fill_transaction() as target, counting("restoring", "rows") as on_progress:
            restored = restore_backup(path, written, target, on_progress=on_progress)
    facts = {"revision": restored.head.revision, "roles": restored.roles, "incarnation": restored.head.incarnation}
    if output is Output.JSON:
        print_json({"file": file, **facts, "digest": restored.digest.hex()})
        return
    sys.stdout.write(
        f"restored {counted(restored.roles, 'role')} at revision {restored.head.revision} from `{file}`\n"
        f"the store has a new history, incarnation {restored.head.incarnation}: older consistency tokens are refused\n"
    )
