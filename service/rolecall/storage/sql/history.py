"""The reads of the kept history of a SQL store."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, bindparam, func, select

from rolecall.roles.change import Commit
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.repository import Floor
from rolecall.roles.role import Revision
from rolecall.storage.sql.queries import read_head
from rolecall.storage.sql.rows import commit_of_rows
from rolecall.storage.sql.tables import changes, commits

CHANGES_PER_READ = 5_000
"""How many changes a page holds at most, unless its first commit alone has more."""

_COMMITS = (
    select(commits.c.revision, commits.c.body, commits.c.hash)
    .where(commits.c.revision > bindparam("after"))
    .order_by(commits.c.revision)
    .limit(bindparam("most"))
)
_BODIES = (
    select(changes.c.revision, changes.c.body)
    .where(changes.c.revision > bindparam("after"), changes.c.revision <= bindparam("last"))
    .order_by(changes.c.revision, changes.c.ordinal)
)
_COUNTS = (
    select(changes.c.revision, func.count())
    .where(changes.c.revision > bindparam("after"), changes.c.revision <= bindparam("last"))
    .group_by(changes.c.revision)
    .order_by(changes.c.revision)
)
_HASH_AT = select(commits.c.hash).where(commits.c.revision == bindparam("at"))


def commits_after(connection: Connection, begin: Floor, after: Revision, limit: int) -> list[Commit]:
    """Return the next commits after a revision, none of which is below `begin`; raise `BrokenHistoryError`."""
    last = min(read_head(connection).revision, after + limit)
    if last <= after:
        return []
    last = _within_budget(connection, after, last)
    rows = connection.execute(_COMMITS, {"after": after, "most": last - after}).all()
    changed = connection.execute(_BODIES, {"after": after, "last": last}).all()
    bodies = {revision: [row[1] for row in group] for revision, group in groupby(changed, key=itemgetter(0))}
    previous, found = hash_at(connection, begin, after), list[Commit]()
    for row in rows:
        commit = commit_of_rows(Revision(after + len(found) + 1), previous, row, bodies.get(row[0], []))
        found.append(commit)
        previous = commit.hash
    if len(found) != last - after:
        raise BrokenHistoryError(
            f"the store has no commit {after + len(found) + 1}, though it stands at {last} or more"
        )
    return found


def _within_budget(connection: Connection, after: int, last: int) -> int:
    """Return the last revision up to which there are `CHANGES_PER_READ` changes or fewer, the next one at least."""
    if last == after + 1:
        return last
    total = 0
    for revision, count in connection.execute(_COUNTS, {"after": after, "last": last}):
        total += count
        if total > CHANGES_PER_READ:
            return max(int(revision) - 1, after + 1)
    return last


def hash_at(connection: Connection, begin: Floor, revision: Revision) -> bytes:
    """Return the hash of a kept commit, or of the floor."""
    if revision == begin.revision:
        return begin.hash
    kept: bytes | None = connection.execute(_HASH_AT, {"at": revision}).scalar_one_or_none()
    if kept is None:
        raise BrokenHistoryError(f"the store has no commit {revision}")
    return kept
