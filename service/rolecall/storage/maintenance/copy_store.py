"""Copying a store to another database: the same history, with the same incarnation and token key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from sqlalchemy import Connection

from rolecall.roles.errors import AlteredRolesError, BrokenHistoryError, StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_log import LogWalk, read_position
from rolecall.storage.maintenance.store_contents import OnProgress, StoreContents, fill, read_contents, row_batches


def copy_store(
    source: Connection, target: Connection, *, head_now: Callable[[], Head], on_progress: OnProgress, store: str
) -> StoreContents:
    """Copy what the transaction on `source` reads into the empty store `target`; return a summary.

    `store` names the source in messages. Raise `StoreUnavailableError` if the source was written to meanwhile, `BrokenHistoryError`
    if its log is damaged or its roles were altered. The caller commits `target` only if this returns.
    """
    fill(target, row_batches(source), on_progress)
    contents = read_contents(source)
    if read_contents(target) != contents:
        raise BrokenHistoryError("the copy differs from the source; nothing was copied")
    if contents.digest != contents.head.digest:
        raise AlteredRolesError(
            f"{store} has roles that no server wrote; run `rolecall audit verify`; nothing was copied"
        )
    _require_sound_log(target, store)
    # Two histories with one incarnation would accept each other's tokens.
    if head_now() != contents.head:
        raise StoreUnavailableError(f"{store} was written to during the copy; stop its servers and copy it again")
    return contents


def _require_sound_log(copy: Connection, store: str) -> None:
    position, findings = read_position(copy), Findings()
    walk = LogWalk(lambda: nullcontext(copy), position, findings)
    walk.check_bounds(copy)
    walk.run(position.floor, lambda _: None)
    if findings.total:
        more = f", and {findings.total - 1} more" if findings.total > 1 else ""
        raise BrokenHistoryError(
            f"the log of {store} is damaged: {findings.listed[0].message}{more}; run `rolecall audit verify`"
        )
