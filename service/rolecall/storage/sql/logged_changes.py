"""Reads of single changes in the log of a SQL store."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select, tuple_

from rolecall.roles.canonical_json import author_of, change_of
from rolecall.roles.change import ChangeKind, LoggedChange, LogPosition, LogSpan
from rolecall.roles.role import Revision, Role
from rolecall.storage.as_of import require_stored
from rolecall.storage.sql.history import commits_after
from rolecall.storage.sql.queries import read_floor
from rolecall.storage.sql.tables import changes, commits

_DELETION = f'{{"kind":"{ChangeKind.DELETED.value}",'.encode()
"""The first bytes of each deletion: the members of a body are sorted. So the database need not send the other changes of a role."""

_DELETIONS = (
    select(changes.c.revision, changes.c.ordinal)
    .where(changes.c.role_key == bindparam("key"), func.substr(changes.c.body, 1, len(_DELETION)) == _DELETION)
    .order_by(changes.c.revision.desc(), changes.c.ordinal.desc())
    .limit(1)
)
_DELETIONS_OF_ID = _DELETIONS.where(changes.c.role_id == bindparam("id"))

_POSITION = tuple_(changes.c.revision, changes.c.ordinal)
_SPAN = (
    select(changes.c.revision, changes.c.ordinal, commits.c.body, changes.c.body)
    .join(commits, commits.c.revision == changes.c.revision)
    .where(
        tuple_(bindparam("after"), bindparam("after_nth")) < _POSITION,
        tuple_(bindparam("before"), bindparam("before_nth")) > _POSITION,
    )
    .limit(bindparam("most"))
)
_OLDEST_FIRST = _SPAN.order_by(changes.c.revision, changes.c.ordinal)
_NEWEST_FIRST = _SPAN.order_by(changes.c.revision.desc(), changes.c.ordinal.desc())
_OF_KEY = changes.c.role_key == bindparam("key")


def last_deleted(connection: Connection, key: str, role_id: str) -> Role | None:
    """Return the last state of the role of a key, and with a `role_id` of that one, at its newest deletion.

    Raise `BrokenHistoryError` if the commit of the deletion was altered: the role may be stored again.
    """
    statement = _DELETIONS_OF_ID if role_id else _DELETIONS
    row = connection.execute(statement, {"key": key, "id": role_id} if role_id else {"key": key}).one_or_none()
    if row is None:
        return None
    (commit,) = commits_after(connection, read_floor(connection), Revision(row.revision - 1), 1)
    deleted: Role = commit.changes[row.ordinal].role
    return deleted


def changes_of_span(connection: Connection, span: LogSpan, key: str, limit: int) -> list[LoggedChange]:
    """Return at most `limit` changes of a span; with a `key` those of that role only. Raise `RevisionNotKeptError`."""
    require_stored(span, read_floor(connection).revision)
    statement = _NEWEST_FIRST if span.newest_first else _OLDEST_FIRST
    parameters: dict[str, object] = {
        "after": span.after.revision,
        "after_nth": span.after.ordinal,
        "before": span.before.revision,
        "before_nth": span.before.ordinal,
        "most": limit,
    }
    if key:
        statement, parameters = statement.where(_OF_KEY), {**parameters, "key": key}
    rows = connection.execute(statement, parameters)
    return [
        LoggedChange(LogPosition(Revision(revision), ordinal), author_of(header), change_of(body))
        for revision, ordinal, header, body in rows
    ]
