"""Reads of the commits of a SQL store."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, bindparam, func, select

from rolecall.roles.canonical_json import author_of, change_of
from rolecall.roles.change import Commit, RoleRevision
from rolecall.roles.errors import AlteredRolesError, BrokenHistoryError
from rolecall.roles.repository import Floor
from rolecall.roles.role import Revision
from rolecall.storage.sql.queries import read_floor, read_head
from rolecall.storage.sql.rows import commit_of_rows
from rolecall.storage.sql.tables import changes, commits

CHANGES_PER_READ = 5_000
"""The maximum of changes in a page, unless its first commit alone has more."""

_COMMITS = (
    select(commits.c.revision, commits.c.body, commits.c.hash)
    .where(commits.c.revision > bindparam("after"))
    .order_by(commits.c.revision)
    .limit(bindparam("most"))
)
_IN_PAGE = (changes.c.revision > bindparam("after")) & (changes.c.revision <= bindparam("last"))
_BODIES = select(changes.c.revision, changes.c.body).where(_IN_PAGE).order_by(changes.c.revision, changes.c.ordinal)
_COUNTS = (
    select(changes.c.revision, func.count()).where(_IN_PAGE).group_by(changes.c.revision).order_by(changes.c.revision)
)
_LAST_REVISION = select(func.max(commits.c.revision))
_HASH_AT = select(commits.c.hash).where(commits.c.revision == bindparam("at"))
_OF_ROLE = (
    select(changes.c.revision, commits.c.body, changes.c.body)
    .join(commits, commits.c.revision == changes.c.revision)
    .where(changes.c.role_id == bindparam("id"))
    .order_by(changes.c.revision.desc())
    .limit(bindparam("most"))
)
_OF_ROLE_BELOW = _OF_ROLE.where(changes.c.revision < bindparam("below"))


def commits_after(connection: Connection, floor: Floor, after: Revision, limit: int) -> list[Commit]:
    """Return the next commits after a revision, which is not below `floor`; raise `BrokenHistoryError`."""
    last = min(read_head(connection).revision, after + limit)
    if last <= after:
        return []
    last = _within_budget(connection, after, last)
    rows = connection.execute(_COMMITS, {"after": after, "most": last - after}).all()
    changed = connection.execute(_BODIES, {"after": after, "last": last}).all()
    bodies = {revision: [row[1] for row in group] for revision, group in groupby(changed, key=itemgetter(0))}
    previous, found = require_hash(connection, floor, after), list[Commit]()
    for row in rows:
        commit = commit_of_rows(Revision(after + len(found) + 1), previous, row, bodies.get(row[0], []))
        found.append(commit)
        previous = commit.hash
    if len(found) != last - after:
        raise BrokenHistoryError(
            f"the store has no commit {after + len(found) + 1}, but its newest revision is {last} or later"
        )
    return found


def role_history(connection: Connection, role_id: str, before: Revision | None, limit: int) -> list[RoleRevision]:
    """Return the stored revisions of a role below `before`, the newest first."""
    statement = _OF_ROLE if before is None else _OF_ROLE_BELOW
    rows = connection.execute(statement, {"id": role_id, "below": before, "most": limit})
    return [
        RoleRevision(revision=Revision(revision), author=author_of(header), change=change_of(body))
        for revision, header, body in rows
    ]


def _within_budget(connection: Connection, after: int, last: int) -> int:
    """Return the last revision of a page with at most `CHANGES_PER_READ` changes; the page has one commit at least."""
    if last == after + 1:
        return last
    total = 0
    for revision, count in connection.execute(_COUNTS, {"after": after, "last": last}):
        total += count
        if total > CHANGES_PER_READ:
            return max(int(revision) - 1, after + 1)
    return last


def hash_at(connection: Connection, floor: Floor, revision: Revision) -> bytes | None:
    """Return the hash of a stored commit or of the floor; None if the revision is not stored."""
    if revision == floor.revision:
        return floor.hash
    found: bytes | None = connection.execute(_HASH_AT, {"at": revision}).scalar_one_or_none()
    return found


def require_newest(connection: Connection) -> None:
    """Raise `AlteredRolesError` unless the log ends with the head of the store."""
    head, floor = read_head(connection), read_floor(connection)
    last = connection.execute(_LAST_REVISION).scalar_one() or floor.revision
    if last != head.revision or hash_at(connection, floor, head.revision) != head.hash:
        raise AlteredRolesError(
            f"the log of the store does not end with its newest revision, {head.revision}; run `rolecall audit verify`"
        )


def require_hash(connection: Connection, floor: Floor, revision: Revision) -> bytes:
    """Return the hash of a stored commit or of the floor; raise `BrokenHistoryError` if the revision is not stored."""
    found = hash_at(connection, floor, revision)
    if found is None:
        raise BrokenHistoryError(f"the store has no commit {revision}")
    return found
