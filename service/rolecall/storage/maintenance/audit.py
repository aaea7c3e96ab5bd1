"""The audit of a store: each table by itself, then the log by itself, and then the roles by the log.

A walk over tables with values of wrong types would trip over them: it is left out, and the audit says so.

Servers may go on writing and forgetting meanwhile. On PostgreSQL the audit sees one moment; on SQLite it reads page by page, and
begins anew when retention has taken away from the log in the middle of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from rolecall.roles.errors import RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Floor, Head
from rolecall.roles.role import Revision
from rolecall.storage.maintenance.audit_findings import Finding, Findings
from rolecall.storage.maintenance.audit_log import LogWalk, Pages, StorePosition, hash_at, read_position
from rolecall.storage.maintenance.audit_state import StateAudit
from rolecall.storage.maintenance.audit_tables import TableAudit, check_compatible_from
from rolecall.storage.sql.tables import accounts, changes, commits, counter, floor, meta, role_tags, roles

ATTEMPTS = 5

_OF_THE_LOG = {meta, counter, floor, commits, changes}
_OF_THE_ROLES = {counter, floor, changes, accounts, roles, role_tags}

OnProgress = Callable[[str, int | None, int], object]
"""Gets what is being examined, how much there is if that is known, and how much has been examined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit looked at and what it found. `breaks` are the first of `total_findings`.

    `skipped` names what could not be examined: `log`, `roles`. Without the log there is no `first`, and `head` is only what the
    store says, of whatever types that is.
    """

    head: Head
    first: Revision | None
    skipped: Sequence[str]
    commits: int
    changes: int
    roles: int
    older_than_the_log: int
    findings: Sequence[Finding]
    total_findings: int


def audit(pages: Pages, *, first: Revision | None, on_progress: OnProgress, noted: Floor | None = None) -> Audit:
    """Examine a store, its log from the revision `first` on; None: all that is kept.

    `noted` is a revision with the hash that it had when somebody looked before: it must still have it.

    Raise `RevisionNotKeptError` if that revision is not kept, `BrokenHistoryError` if the store does not say where it stands.
    """
    with pages() as connection:
        head = read_position(connection).head
    findings = Findings()
    tables, state = TableAudit(pages, findings), StateAudit(pages, findings)
    tables.run(partial(on_progress, "rows", None))
    if not tables.hinders({counter}):
        with pages() as connection:
            check_compatible_from(connection, findings)
    log = None if tables.hinders(_OF_THE_LOG) else _walked(pages, first, noted, on_progress, findings)
    without_roles = tables.hinders(_OF_THE_ROLES)
    if not without_roles:
        state.run(partial(on_progress, "roles", None))
    skipped = [name for name, left_out in (("log", log is None), ("roles", without_roles)) if left_out]
    return _audit(log.position.head if log else head, log, state, skipped, findings)


class _Log(NamedTuple):
    """The log as it was walked."""

    position: StorePosition
    begin: Floor
    walk: LogWalk


def _walked(
    pages: Pages, first: Revision | None, noted: Floor | None, on_progress: OnProgress, findings: Findings
) -> _Log:
    """Walk over the log, anew if retention takes away from it meanwhile."""
    for _ in range(ATTEMPTS):
        found = Findings()
        with pages() as connection:
            position = read_position(connection)
            walk = LogWalk(pages, position, found)
            walk.note_reach(connection)
            begin = _beginning(connection, position, first)
            _hold_to_note(connection, position, noted, found)
        walk.run(begin, partial(on_progress, "commits", position.head.revision - begin.revision))
        with pages() as connection:
            unmoved = read_position(connection).floor == position.floor
        if unmoved:
            findings.include(found)
            return _Log(position, begin, walk)
    raise StoreUnavailableError("old history is being forgotten while it is examined; try again")


def _beginning(connection: Connection, position: StorePosition, first: Revision | None) -> Floor:
    """Return the revision after which the walk begins."""
    if first is None:
        return position.floor
    head, floor = position.head.revision, position.floor.revision
    begin = hash_at(connection, position.floor, Revision(first - 1)) if floor < first <= head else None
    if begin is None:
        kept = f"the log has revisions {floor + 1} to {head}" if floor < head else "the log is empty"
        message = f"the walk cannot begin with revision {first}: {kept}"
        raise RevisionNotKeptError(first, floor=floor, message=message)
    return begin


def _hold_to_note(connection: Connection, position: StorePosition, noted: Floor | None, findings: Findings) -> None:
    """Note a break if a revision has not the hash that was noted: then this is another history."""
    if noted is None:
        return
    kept = hash_at(connection, position.floor, noted.revision)
    if kept is None:
        message = f"revision {noted.revision}, of which a hash was noted, is not kept"
        raise RevisionNotKeptError(noted.revision, floor=position.floor.revision, message=message)
    if kept != noted:
        findings.add(noted.revision, f"revision {noted.revision} has another hash than was noted: {kept.hash.hex()}")


def _audit(head: Head, log: _Log | None, state: StateAudit, skipped: Sequence[str], findings: Findings) -> Audit:
    return Audit(
        head=head,
        first=Revision(log.begin.revision + 1) if log else None,
        skipped=tuple(skipped),
        commits=log.walk.commits if log else 0,
        changes=log.walk.changes if log else 0,
        roles=state.roles,
        older_than_the_log=state.older_than_the_log,
        findings=tuple(findings.listed),
        total_findings=findings.total,
    )
