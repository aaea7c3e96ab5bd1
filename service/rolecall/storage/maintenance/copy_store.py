"""A store moved as it is from one database to another: the same history, with the same incarnation and token key.

1. The source is read at one moment. If it has gone on when the copy is there, nothing is copied: two histories of one incarnation
   would take each other's tokens for their own.
2. The target is empty, and is filled in one transaction.
3. Before that transaction ends, the copy is held to the source: the same head, the same roles, an unbroken log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from sqlalchemy import Connection

from rolecall.roles.errors import BrokenHistoryError, StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_log import LogWalk, read_position
from rolecall.storage.maintenance.store_contents import OnProgress, StoreContents, fill, read_contents, row_batches


def copy_store(
    source: Connection, target: Connection, *, head_now: Callable[[], Head], on_progress: OnProgress, store: str
) -> StoreContents:
    """Copy what the transaction on `source` sees into the empty store `target`; return what that is.

    `store` is what the source is called. Raise `StoreUnavailableError` if it has gone on meanwhile, `BrokenHistoryError` if what
    was read is not a sound store.
    """
    fill(target, row_batches(source), on_progress)
    contents = read_contents(source)
    if read_contents(target) != contents:
        raise BrokenHistoryError("the copy is not what was read; nothing was copied")
    _require_sound_log(target, store)
    if head_now() != contents.head:
        raise StoreUnavailableError(f"{store} was written to meanwhile; stop its servers and copy it again")
    return contents


def _require_sound_log(copy: Connection, store: str) -> None:
    position, findings = read_position(copy), Findings()
    walk = LogWalk(lambda: nullcontext(copy), position, findings)
    walk.note_reach(copy)
    walk.run(position.floor, lambda _: None)
    if findings.total:
        more = f", and {findings.total - 1} more" if findings.total > 1 else ""
        raise BrokenHistoryError(
            f"the log of {store} is broken: {findings.listed[0].message}{more}; see `rolecall audit verify`"
        )
