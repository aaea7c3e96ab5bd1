"""The walk over the kept log: without a gap from the floor to the head, every hash as it was, every row readable and in its place.

The log is read in short pages, so that on SQLite no writer waits. What has been committed does not change any more, only retention
takes it away from below; the caller sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_

from rolecall.policy.wording import quoted
from rolecall.roles.canonical_json import author_of, change_of, commit_hash, header_bytes
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.repository import Floor, Head
from rolecall.roles.role import Revision
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.sql.tables import changes, commits, counter, floor, meta

ROWS_PER_PAGE = 500
_AFTER_EVERY_CHANGE = (1 << 31) - 1
_MAX_ID_DIGITS = 19

T = TypeVar("T")
V = TypeVar("V")

Pages: TypeAlias = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection in a transaction, for one page."""

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_POSITION = select(
    meta.c.incarnation,
    counter.c.revision,
    counter.c.hash,
    counter.c.next_role_id,
    floor.c.revision.label("floor"),
    floor.c.hash.label("floor_hash"),
).where(meta.c.id == counter.c.id, floor.c.id == counter.c.id)
_ROWS = select(*(select(func.count()).select_from(table).scalar_subquery() for table in (meta, counter, floor)))
_REACH = select(func.min(commits.c.revision), func.max(commits.c.revision))
_CHANGES_REACH = select(func.min(changes.c.revision), func.max(changes.c.revision))
_HASH_AT = select(commits.c.hash).where(commits.c.revision == bindparam("at"))
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
    """Where the store says that it stands, and where its log begins."""

    head: Head
    floor: Floor
    next_role_id: int


def read_position(connection: Connection) -> StorePosition:
    """Return where the store stands; raise `BrokenHistoryError` if it does not say."""
    rows = connection.execute(_POSITION).all()
    # The join would hide a second row with another key, on which every server fails.
    if len(rows) != 1 or any(count != 1 for count in connection.execute(_ROWS).one()):
        message = "the store does not say where it stands: `meta`, `counter` and `floor` must have one row each"
        raise BrokenHistoryError(message)
    row = rows[0]
    return StorePosition(
        head=Head(incarnation=row.incarnation, revision=Revision(row.revision), hash=row.hash),
        floor=Floor(revision=Revision(row.floor), hash=row.floor_hash),
        next_role_id=row.next_role_id,
    )


def hash_at(connection: Connection, begin: Floor, revision: Revision) -> Floor | None:
    """Return a revision with its hash, from which a walk can begin; None if it is not kept."""
    if revision == begin.revision:
        return begin
    kept = connection.execute(_HASH_AT, {"at": revision}).scalar_one_or_none()
    return None if kept is None else Floor(revision=revision, hash=kept)


class LogWalk:
    """One walk over the log, and what it counted."""

    def __init__(self, pages: Pages, position: StorePosition, findings: Findings) -> None:
        self._pages, self._position, self._findings = pages, position, findings
        self._groups: Iterator[tuple[int, Iterator[AnyRow]]] = iter(())
        self._group: tuple[int, Iterator[AnyRow]] | None = None
        self.commits = self.changes = 0
        self._highest_role_id = 0

    def run(self, begin: Floor, on_progress: Callable[[int], object]) -> None:
        """Walk from the revision after `begin` to the head; `on_progress` gets how many commits have been walked."""
        self._groups = groupby(self._change_rows(begin.revision), key=itemgetter(0))
        self._group = next(self._groups, None)
        due, previous = begin.revision + 1, begin.hash
        for row in self._commit_rows(begin.revision):
            self._note_gap(due, row.revision - 1)
            self._examine(row, previous if row.revision == due else None)
            due, previous = row.revision + 1, row.hash
            self.commits += 1
            on_progress(self.commits)
        self._note_strays(before=None)
        self._note_end(due, previous)

    def note_reach(self, connection: Connection) -> None:
        """Note commits and changes that are kept beyond the head, or before the beginning."""
        head, begin = self._position.head.revision, self._position.floor.revision
        for what, reach in (("commits", _REACH), ("changes", _CHANGES_REACH)):
            first, last = connection.execute(reach).one()
            if first is not None and first <= begin:
                self._findings.add(first, f"there are {what} of revision {first}, though history begins after {begin}")
            if last is not None and last > head:
                self._findings.add(last, f"there are {what} of revision {last}, though the store stands at {head}")

    def _examine(self, row: AnyRow, previous: bytes | None) -> None:
        """Hold a commit to its hash, unless the commit before it is missing, and its header to its row."""
        revision = row.revision
        header = as_bytes(row.body)
        found = commit_hash(previous or b"", header, self._bodies(revision))
        if previous is not None and found != row.hash:
            self._findings.add(revision, f"commit {revision} was altered: it does not have its hash")
        author = readable(author_of, header)
        if author is None or readable(partial(header_bytes, revision), author) != header:
            self._findings.add(revision, f"commit {revision} has a header that is not its own")
        elif author.time != row.time:
            self._findings.add(revision, f"commit {revision} is filed under another time than its header has")

    def _bodies(self, revision: int) -> Iterator[bytes]:
        """Yield the bodies of a commit's changes, each of them examined."""
        self._note_strays(before=revision)
        if self._group is None or self._group[0] != revision:
            return
        due = 0
        for row in self._group[1]:
            if row.ordinal != due:
                self._findings.add(revision, f"commit {revision} has change {row.ordinal} where change {due} belongs")
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
            self._findings.add(row.revision, f"{name} is filed under {quoted(row.role_key)}, but is of {quoted(key)}")
        if row.role_id != role_id:
            self._findings.add(
                row.revision, f"{name} is filed under role id {quoted(row.role_id)}, but is of {quoted(role_id)}"
            )
        self._highest_role_id = max(self._highest_role_id, id_number(role_id))

    def _note_strays(self, *, before: int | None) -> None:
        """Note changes whose commit is missing, and pass over them."""
        while self._group is not None and (before is None or self._group[0] < before):
            revision = self._group[0]
            self._findings.add(revision, f"there are changes of commit {revision}, but not the commit")
            self._group = next(self._groups, None)

    def _note_gap(self, first: int, last: int) -> None:
        if first <= last:
            which = f"commit {first} is" if first == last else f"commits {first} to {last} are"
            self._findings.add(first, f"{which} missing")

    def _note_end(self, due: int, previous: bytes) -> None:
        head = self._position.head
        self._note_gap(due, head.revision)
        if due > head.revision and previous != head.hash:
            self._findings.add(head.revision, f"the store stands at another hash than that of revision {head.revision}")
        if self._position.next_role_id <= self._highest_role_id:
            self._findings.add(
                None,
                f"the store would give role id {self._position.next_role_id} again: ids up to {self._highest_role_id} were given",
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
    """Return the number that a role id is; 0 if it is none that a store gives."""
    return int(role_id) if role_id.isdecimal() and len(role_id) <= _MAX_ID_DIGITS else 0


def as_bytes(value: object) -> bytes:
    """Return a stored value as the bytes that it should have been."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


def readable(read: Callable[[V], T], stored: V) -> T | None:
    """Return what is stored as a value; None if it cannot be read."""
    try:
        return read(stored)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
