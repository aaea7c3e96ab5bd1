"""Time travel: the version of a role that counted at a revision, from the changes that are kept."""

from __future__ import annotations

from collections.abc import Callable

from rolecall.roles.change import Change, ChangeKind
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
    """Return the role as the write of `revision` left it, None if there was none; raise `RevisionNotKeptError`.

    All three reads are of one role key, and made in this order only where they are needed:

    1. `last`: the last kept change at or below `revision` says it.
    2. `newest`: without one, a role that has not changed since says it.
    3. `following`: otherwise the first kept change above `revision` says it. A creation: there was none. A deletion holds the role
       as it last was. An update replaced a version that is not kept.
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


def _not_kept(revision: Revision, floor: Revision) -> RevisionNotKeptError:
    message = (
        f"the role as revision {revision} left it is not kept: history begins after {floor}; choose a later revision"
    )
    return RevisionNotKeptError(revision, floor=floor, message=message)
