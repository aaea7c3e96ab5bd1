"""The audit of the log: no revision is missing from the floor to the head, every hash matches, every row is readable.

The log is read in short pages, so that on SQLite no writer waits. Committed rows never change; only pruning removes the oldest, and
the caller must detect that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_

from rolecall.policy.wording import quoted
from rolecall.roles.canonical_json import author_of, change_of, commit_hash, header_bytes
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.repository import Floor, Head
from rolecall.roles.role import Revision
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.sql.rows import readable
from rolecall.storage.sql.tables import changes, commits, counter, floor, meta

ROWS_PER_PAGE = 500
_AFTER_EVERY_CHANGE = (1 << 31) - 1
_MAX_ID_DIGITS = 19

Pages: TypeAlias = Callable[[], AbstractContextManager[Connection]]
"""Returns a context manager that yields a connection in a transaction, for one page."""

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_POSITION = select(
    meta.c.incarnation,
    counter.c.revision,
    counter.c.hash,
    counter.c.digest,
    counter.c.next_role_id,
    floor.c.revision.label("floor"),
    floor.c.hash.label("floor_hash"),
).where(meta.c.id == counter.c.id, floor.c.id == counter.c.id)
_ROWS = select(*(select(func.count()).select_from(table).scalar_subquery() for table in (meta, counter, floor)))
_REACH = select(func.min(commits.c.revision), func.max(commits.c.revision))
_CHANGES_REACH = select(func.min(changes.c.revision), func.max(changes.c.revision))
_COMMITS = (
    select(commits.c.revision, commits.c.time, commits.c.body, commits.c.hash)
    .where(commits.c.revision > bindparam("after"), commits.c.revision <= bindparam("head"))
    .order_by(commits.c.revision)
    .limit(ROWS_PER_PAGE)
)
_CHANGES = (
    select(changes.c.revision, changes.c.ordinal, changes.c.role_id, changes.c.role_key, changes.c.body)
    .where(
        tuple_(changes.c.revision, changes.c.ordinal) > tuple_(bindparam("after"), bindparam("nth")),
        changes.c.revision <= bindparam("head"),
    )
    .order_by(changes.c.revision, changes.c.ordinal)
    .limit(ROWS_PER_PAGE)
)


class StorePosition(NamedTuple):
    """The newest revision of a store, where its log begins, and the next role id."""

    head: Head
    floor: Floor
    next_role_id: int


def read_position(connection: Connection) -> StorePosition:
    """Return the position of the store; raise `BrokenHistoryError` unless each table of one row has one."""
    rows = connection.execute(_POSITION).all()
    # The join would hide a second row with another key, with which no server can work.
    if len(rows) != 1 or any(count != 1 for count in connection.execute(_ROWS).one()):
        message = "the position of the store is unknown: `meta`, `counter` and `floor` must have one row each; restore a backup"
        raise BrokenHistoryError(message)
    row = rows[0]
    return StorePosition(
        head=Head(incarnation=row.incarnation, revision=Revision(row.revision), hash=row.hash, digest=row.digest),
        floor=Floor(revision=Revision(row.floor), hash=row.floor_hash),
        next_role_id=row.next_role_id,
    )


class LogWalk:
    """One walk over the log, and its counts."""

    def __init__(self, pages: Pages, position: StorePosition, findings: Findings) -> None:
        self._pages, self._position, self._findings = pages, position, findings
        self._groups: Iterator[tuple[int, Iterator[AnyRow]]] = iter(())
        self._group: tuple[int, Iterator[AnyRow]] | None = None
        self.commits = self.changes = 0
        self._highest_role_id = 0

    def run(self, begin: Floor, on_progress: Callable[[int], object]) -> None:
        """Walk from the revision after `begin` to the head; `on_progress` gets the number of commits so far."""
        self._groups = groupby(self._change_rows(begin.revision), key=itemgetter(0))
        self._group = next(self._groups, None)
        due, previous = begin.revision + 1, begin.hash
        for row in self._commit_rows(begin.revision):
            self._check_gap(due, row.revision - 1)
            self._examine(row, previous if row.revision == due else None)
            due, previous = row.revision + 1, row.hash
            self.commits += 1
            on_progress(self.commits)
        self._report_orphans(before=None)
        self._check_end(due, previous)

    def check_bounds(self, connection: Connection) -> None:
        """Report commits and changes above the head, or not above the floor."""
        head, begin = self._position.head.revision, self._position.floor.revision
        for what, reach in (("commits", _REACH), ("changes", _CHANGES_REACH)):
            first, last = connection.execute(reach).one()
            if first is not None and first <= begin:
                self._findings.add(first, f"there are {what} of revision {first}, but history begins after {begin}")
            if last is not None and last > head:
                self._findings.add(last, f"there are {what} of revision {last}, but the newest revision is {head}")

    def _examine(self, row: AnyRow, previous: bytes | None) -> None:
        """Check the hash of a commit, unless the commit before it is missing, and its header against its row."""
        revision = row.revision
        header = as_bytes(row.body)
        found = commit_hash(previous or b"", header, self._bodies(revision))
        if previous is not None and found != row.hash:
            self._findings.add(revision, f"commit {revision} was altered: its hash does not match")
        author = readable(author_of, header)
        if author is None or readable(partial(header_bytes, revision), author) != header:
            self._findings.add(revision, f"commit {revision} has an invalid header, or that of another commit")
        elif author.time != row.time:
            self._findings.add(revision, f"commit {revision} is stored with another time than its header has")

    def _bodies(self, revision: int) -> Iterator[bytes]:
        """Yield the bodies of a commit's changes, and examine each change."""
        self._report_orphans(before=revision)
        if self._group is None or self._group[0] != revision:
            return
        due = 0
        for row in self._group[1]:
            if row.ordinal != due:
                self._findings.add(
                    revision, f"commit {revision} has change {row.ordinal} where change {due} is expected"
                )
            due = row.ordinal + 1
            self.changes += 1
            self._examine_change(row)
            yield as_bytes(row.body)
        self._group = next(self._groups, None)

    def _examine_change(self, row: AnyRow) -> None:
        name = f"change {row.ordinal} of commit {row.revision}"
        found = readable(_identity, as_bytes(row.body))
        if found is None:
            self._findings.add(row.revision, f"{name} cannot be read")
            return
        role_id, key = found
        if row.role_key != key:
            self._findings.add(
                row.revision, f"{name} is stored for role {quoted(row.role_key)}, but is of {quoted(key)}"
            )
        if row.role_id != role_id:
            self._findings.add(
                row.revision, f"{name} is stored for role id {quoted(row.role_id)}, but is of {quoted(role_id)}"
            )
        self._highest_role_id = max(self._highest_role_id, id_number(role_id))

    def _report_orphans(self, *, before: int | None) -> None:
        """Report changes whose commit is missing, and skip them."""
        while self._group is not None and (before is None or self._group[0] < before):
            revision = self._group[0]
            self._findings.add(revision, f"there are changes of commit {revision}, but not the commit")
            self._group = next(self._groups, None)

    def _check_gap(self, first: int, last: int) -> None:
        if first <= last:
            which = f"commit {first} is" if first == last else f"commits {first} to {last} are"
            self._findings.add(first, f"{which} missing")

    def _check_end(self, due: int, previous: bytes) -> None:
        head = self._position.head
        self._check_gap(due, head.revision)
        if due > head.revision and previous != head.hash:
            self._findings.add(head.revision, f"the newest hash of the store is not that of revision {head.revision}")
        if self._position.next_role_id <= self._highest_role_id:
            self._findings.add(
                None,
                f"the store would assign role id {self._position.next_role_id} again: ids up to {self._highest_role_id} are in use",
            )

    def _commit_rows(self, after: int) -> Iterator[AnyRow]:
        while True:
            with self._pages() as connection:
                rows = connection.execute(_COMMITS, {"after": after, "head": self._position.head.revision}).all()
            yield from rows
            if len(rows) < ROWS_PER_PAGE:
                return
            after = rows[-1].revision

    def _change_rows(self, after: int) -> Iterator[AnyRow]:
        place = {"after": after, "nth": _AFTER_EVERY_CHANGE}
        while True:
            with self._pages() as connection:
                rows = connection.execute(_CHANGES, {**place, "head": self._position.head.revision}).all()
            yield from rows
            if len(rows) < ROWS_PER_PAGE:
                return
            place = {"after": rows[-1].revision, "nth": rows[-1].ordinal}


def _identity(body: bytes) -> tuple[str, str]:
    role = change_of(body).role
    return str(role.role_id), role.key


def id_number(role_id: str) -> int:
    """Return a role id as a number; 0 if no store could have assigned it."""
    return int(role_id) if role_id.isdecimal() and len(role_id) <= _MAX_ID_DIGITS else 0


def as_bytes(value: object) -> bytes:
    """Return a stored value as bytes, also if it was stored as text or a number."""
    return value if isinstance(value, bytes) else str(value).encode()
