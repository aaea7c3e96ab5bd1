"""The log of the store, read when the run is over, and every role at every revision."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.repository import Floor, Head, RoleRepository
from rolecall.roles.role import Revision, Role

PAGE = 500


@dataclass(frozen=True, slots=True)
class Version:
    """A role as one write left it. `number` identifies a version cheaply."""

    number: int
    role: Role
    policy: Any


class History:
    """The log of a store, by revision, by role and by request id."""

    def __init__(self, floor: Floor, head: Head, commits: Sequence[Commit]) -> None:
        self.floor, self.head, self.commits = floor, head, commits
        self.by_request: Mapping[str, list[int]] = defaultdict(list)
        self._revisions: dict[str, list[int]] = defaultdict(list)
        self._versions: dict[str, list[Version | None]] = defaultdict(list)
        self._by_revision = {commit.revision: commit for commit in commits}
        numbers = 0
        for commit in commits:
            if commit.author.request_id:
                self.by_request[commit.author.request_id].append(commit.revision)
            for change in commit.changes:
                numbers += 1
                deleted = change.kind is ChangeKind.DELETED
                version = None if deleted else Version(numbers, change.role, json.loads(change.role.document))
                self._revisions[change.role.key].append(commit.revision)
                self._versions[change.role.key].append(version)

    def commit(self, revision: int) -> Commit:
        """Return the commit of a revision that the log has."""
        return self._by_revision[Revision(revision)]

    def version(self, key: str, revision: int) -> Version | None:
        """Return a role as it was at a revision."""
        index = bisect_right(self._revisions.get(key, []), revision)
        return self._versions[key][index - 1] if index else None

    def revision_of(self, request_id: str) -> int:
        """Return the revision of a write, 0 when there is none."""
        revisions = self.by_request.get(request_id)
        return revisions[0] if revisions else 0

    def roles(self) -> Mapping[str, Role]:
        """Return every role as it is at the head, by key."""
        newest = {key: versions[-1] for key, versions in self._versions.items()}
        return {key: version.role for key, version in newest.items() if version is not None}


def read_history(repository: RoleRepository) -> History:
    """Read the whole log; the writers must have stopped."""
    floor, head = repository.floor(), repository.head()
    commits: list[Commit] = []
    after = floor.revision
    while page := repository.commits(after=after, limit=PAGE):
        commits += page
        after = page[-1].revision
    return History(floor, head, commits)
