"""The audit of a store: its schema, the values of every table, the log and its hashes, and the roles against the log.

Servers may write and prune during an audit. On PostgreSQL it reads one consistent state; on SQLite it reads page by page, and
restarts the walk over the log when commits were pruned during it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from rolecall.roles.errors import RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Floor, Head
from rolecall.roles.role import Revision
from rolecall.storage.maintenance.audit_digest import check_digest
from rolecall.storage.maintenance.audit_findings import AuditFinding, Findings
from rolecall.storage.maintenance.audit_log import LogWalk, Pages, StorePosition, read_position
from rolecall.storage.maintenance.audit_schema import check_schema
from rolecall.storage.maintenance.audit_state import StateAudit
from rolecall.storage.maintenance.audit_tables import TableAudit, check_compatible_from
from rolecall.storage.sql.history import hash_at
from rolecall.storage.sql.tables import accounts, changes, commits, counter, floor, meta, role_tags, roles

ATTEMPTS = 5

_LOG_TABLES = {meta, counter, floor, commits, changes}
_ROLE_TABLES = {counter, floor, changes, accounts, roles, role_tags}

OnProgress: TypeAlias = Callable[[str, int | None, int], object]
"""Called with what is being examined, the total if it is known, and how many were examined so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit examined and found. `findings` are the first of `total_findings`.

    `skipped` names what could not be examined: `log`, `roles`. If the log was skipped, `first` is None, and `head` is what the
    store contains, whose types may be wrong.
    """

    head: Head
    first: Revision | None
    skipped: Sequence[str]
    commits: int
    changes: int
    roles: int
    older_than_the_log: int
    findings: Sequence[AuditFinding]
    total_findings: int


def audit(pages: Pages, *, first: Revision | None, on_progress: OnProgress, noted: Floor | None = None) -> Audit:
    """Examine a store, and its log from the revision `first` on (None: from the oldest stored revision).

    `noted` is a revision and the hash that an earlier audit printed; a different hash is a finding. Raise `RevisionNotKeptError` if
    one of the two revisions is not stored, `BrokenHistoryError` if the position of the store cannot be read.
    """
    with pages() as connection:
        head = read_position(connection).head
    findings = Findings()
    tables, state = TableAudit(pages, findings), StateAudit(pages, findings)
    tables.run(partial(on_progress, "rows", None))
    with pages() as connection:
        check_schema(connection, findings)
    # A walk over values of wrong types would fail: it is skipped, and the audit reports that.
    if not tables.has_mistyped({counter}):
        with pages() as connection:
            check_compatible_from(connection, findings)
    log = None if tables.has_mistyped(_LOG_TABLES) else _walk_log(pages, first, noted, on_progress, findings)
    without_roles = tables.has_mistyped(_ROLE_TABLES)
    if not without_roles:
        state.run(partial(on_progress, "roles", None))
        check_digest(pages, findings)
    skipped = [name for name, left_out in (("log", log is None), ("roles", without_roles)) if left_out]
    return _audit(log.position.head if log else head, log, state, skipped, findings)


class _Log(NamedTuple):
    """A finished walk over the log."""

    position: StorePosition
    begin: Floor
    walk: LogWalk


def _walk_log(
    pages: Pages, first: Revision | None, noted: Floor | None, on_progress: OnProgress, findings: Findings
) -> _Log:
    """Walk over the log; restart if commits are pruned meanwhile. Raise `StoreUnavailableError` after `ATTEMPTS`."""
    for _ in range(ATTEMPTS):
        found = Findings()
        with pages() as connection:
            position = read_position(connection)
            walk = LogWalk(pages, position, found)
            walk.check_bounds(connection)
            begin = _beginning(connection, position, first)
            _check_noted_hash(connection, position, noted, found)
        walk.run(begin, partial(on_progress, "commits", position.head.revision - begin.revision))
        with pages() as connection:
            same_floor = read_position(connection).floor == position.floor
        if same_floor:
            findings.include(found)
            return _Log(position, begin, walk)
    raise StoreUnavailableError("commits were pruned repeatedly during the audit; try again")


def _beginning(connection: Connection, position: StorePosition, first: Revision | None) -> Floor:
    """Return the revision after which the walk starts."""
    if first is None:
        return position.floor
    head, floor = position.head.revision, position.floor.revision
    begin = _floor_at(connection, position.floor, Revision(first - 1)) if floor < first <= head else None
    if begin is None:
        message = f"the audit cannot start at revision {first}: {_kept(position)}"
        raise RevisionNotKeptError(first, floor=floor, message=message)
    return begin


def _check_noted_hash(connection: Connection, position: StorePosition, noted: Floor | None, findings: Findings) -> None:
    """Add a finding if a revision does not have the noted hash: then the history was replaced."""
    if noted is None:
        return
    found = hash_at(connection, position.floor, noted.revision)
    if found is None:
        message = f"revision {noted.revision}, whose hash was noted, is not kept: {_kept(position)}"
        raise RevisionNotKeptError(noted.revision, floor=position.floor.revision, message=message)
    if found != noted.hash:
        findings.add(noted.revision, f"revision {noted.revision} has another hash than was noted: {found.hex()}")


def _kept(position: StorePosition) -> str:
    head, floor = position.head.revision, position.floor.revision
    return f"the log has revisions {floor + 1} to {head}" if floor < head else "the log is empty"


def _floor_at(connection: Connection, floor: Floor, revision: Revision) -> Floor | None:
    """Return a revision with its hash; None if it is not stored."""
    found = hash_at(connection, floor, revision)
    return None if found is None else Floor(revision=revision, hash=found)


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
