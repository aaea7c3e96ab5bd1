"""Reads of the past, derived from the stored changes: a role as it was at a revision, and the bounds of the log."""

from __future__ import annotations

from collections.abc import Callable

from rolecall.roles.change import Change, ChangeKind, LogSpan
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.role import Revision, Role


def version_as_of(
    revision: Revision,
    *,
    floor: Revision,
    last: Callable[[], Change | None],
    newest: Callable[[], Role | None],
    following: Callable[[], Change | None],
) -> Role | None:
    """Return the role as it was at `revision`, None if it did not exist; raise `RevisionNotKeptError` if that is no longer known.

    `floor` is the newest revision whose changes were pruned. The three reads concern one role key; each is made only if the ones
    before it give no answer:

    1. `last`, the last stored change at or below `revision`: its role, or None for a deletion.
    2. `newest`, the current role: if it has not changed since, it is the answer.
    3. `following`, the first stored change above `revision`: before a creation the role did not exist; a deletion contains the
       role as it last was; an update replaced a version that was pruned.
    """
    if revision < floor:
        raise _not_kept(revision, floor)
    if change := last():
        return None if change.kind is ChangeKind.DELETED else change.role
    if (role := newest()) and role.revision <= revision:
        return role
    change = following()
    if change is None or change.kind is ChangeKind.CREATED:
        return None
    if change.kind is ChangeKind.DELETED and change.role.revision <= revision:
        return change.role
    raise _not_kept(revision, floor)


def require_stored(span: LogSpan, floor: Revision) -> None:
    """Raise `RevisionNotKeptError` if a span of the log begins below the floor."""
    if span.after.revision < floor:
        first = span.after.revision + 1
        message = f"the changes from revision {first} on are not all kept: start at {floor + 1} or later"
        raise RevisionNotKeptError(first, floor=floor, message=message)


def _not_kept(revision: Revision, floor: Revision) -> RevisionNotKeptError:
    message = f"the role as of revision {revision} is not kept: history begins after {floor}; choose a later revision"
    return RevisionNotKeptError(revision, floor=floor, message=message)
