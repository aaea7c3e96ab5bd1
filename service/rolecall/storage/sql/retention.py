"""Pruning of the log of a SQL store."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select, update

from rolecall.roles.role import Revision
from rolecall.storage.sql.history import require_hash
from rolecall.storage.sql.queries import read_floor, read_head
from rolecall.storage.sql.tables import changes, commits, floor

COMMITS_PER_PRUNE = 500
"""The maximum of commits that one transaction prunes, so that writers do not wait for long."""

_FIRST_TO_KEEP = (
    select(commits.c.revision).where(commits.c.time >= bindparam("keep_after")).order_by(commits.c.revision).limit(1)
)


def prune_commits(connection: Connection, *, keep_after: int, keep_revisions: int) -> int:
    """Delete some of the oldest commits that need not be kept, and move the floor; return how many, 0 when none are left."""
    begin, head = read_floor(connection), read_head(connection).revision
    first_to_keep = connection.execute(_FIRST_TO_KEEP, {"keep_after": keep_after}).scalar_one_or_none()
    by_time = head if first_to_keep is None else first_to_keep - 1
    last = min(by_time, head - keep_revisions, begin.revision + COMMITS_PER_PRUNE)
    if last <= begin.revision:
        return 0
    new_hash = require_hash(connection, begin, Revision(last))
    connection.execute(update(floor).values(revision=last, hash=new_hash))
    connection.execute(delete(changes).where(changes.c.revision <= last))
    connection.execute(delete(commits).where(commits.c.revision <= last))
    return last - begin.revision
