"""Roles at earlier revisions, read from the repository, since memory has the newest versions only."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Protocol

from rolecall.engine.errors import FutureRevisionError, InvalidRequestError
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.errors import FieldViolation
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision


class History(Protocol):
    """Earlier versions of roles."""

    async def version(self, key: str, revision: int) -> RoleVersion | None:
        """Return the version of a role at `revision`; None: there was no such role."""
        ...


class RoleHistory:
    """Reads earlier versions of roles, on `readers`, so that no decision waits for them."""

    def __init__(self, repository: RoleRepository, follower: Follower, readers: Executor) -> None:
        self._repository, self._follower, self._readers = repository, follower, readers

    async def version(self, key: str, revision: int) -> RoleVersion | None:
        """Return the version of a role at `revision`; None: there was no such role.

        Raise `InvalidRequestError` below 0, which is the revision of an empty store; `FutureRevisionError` above the head of the
        store; `RevisionNotKeptError` for a revision that was pruned; and `StoreUnavailableError`.
        """
        if revision < 0:
            raise InvalidRequestError([_no_revision(revision)])
        if revision > self._follower.snapshot.revision and revision > (head := await self._follower.catch_up()):
            raise FutureRevisionError(revision, head, field="at_revision")
        loop = asyncio.get_running_loop()
        role = await loop.run_in_executor(self._readers, self._repository.role_as_of, key, Revision(revision))
        return None if role is None else RoleVersion(role)


def _no_revision(given: int) -> FieldViolation:
    return FieldViolation(field="at_revision", reason="REVISION_RANGE", message=f"must be 0 or more, not {given}")
