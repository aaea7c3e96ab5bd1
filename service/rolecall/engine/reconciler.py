"""Compares every role in memory with the store, slowly, to find roles that were altered without a commit.

Each read returns some roles and the head at one moment. When the state has reached that head, a role in memory that has not
changed since must equal the one in the store. Roles that exist in the store only are found by counting. The digest of the roles
in memory must be that of the head.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

from rolecall.engine.follower import Follower, Reload
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Examined, RoleRepository

KEYS_A_READ = 500
ROLES_A_STEP = 200
"""How many roles are added to the digest before other work runs: less than a millisecond."""

PAUSE_SECONDS = 0.02
MAX_NAMED = 20
TRIES_TO_COUNT = 3
UNKNOWN_ROLES = "(roles that only the store has)"
UNKNOWN_DIFFERENCE = "(none by name: the digest of the store is that of other roles)"

T = TypeVar("T")


class Reconciler:
    """Compares the state of a follower with its repository. `on_mismatch` gets the keys of roles that differ, 20 at most."""

    def __init__(
        self,
        follower: Follower,
        repository: RoleRepository,
        readers: Executor,
        *,
        on_mismatch: Callable[[Sequence[str]], object],
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._follower, self._repository, self._readers = follower, repository, readers
        self._on_mismatch, self._pause = on_mismatch, pause
        self.passes = self.mismatches = 0

    async def run(self, seconds: float) -> None:
        """Compare in this interval until cancelled, and reload the state when a role differs."""
        while True:
            await asyncio.sleep(seconds)
            # The polls report it; compare again later.
            with suppress(StoreUnavailableError):
                await self.reconcile()

    async def reconcile(self) -> None:
        """Compare once; raise `StoreUnavailableError`."""
        differing = await self._differing()
        self.passes += 1
        if differing:
            self.mismatches += 1
            self._on_mismatch(differing)
            # The load is proven: it replaces a wrong state in memory, and refuses altered roles in the store.
            await self._follower.reload(Reload.MISMATCH)
        else:
            self._follower.set_altered("")

    async def _differing(self) -> list[str]:
        found = list[str]()
        await self._follower.catch_up()
        keys = [version.role.key for version in self._follower.snapshot.versions()]
        for some in _pages(keys):
            found += await self._differing_of(some)
            if len(found) >= MAX_NAMED:
                return found[:MAX_NAMED]
            await asyncio.sleep(self._pause)
        if not found and not await self._counts_agree():
            return [UNKNOWN_ROLES]
        return found or ([] if await self._digest_agrees() else [UNKNOWN_DIFFERENCE])

    async def _differing_of(self, keys: Sequence[str]) -> list[str]:
        loop = asyncio.get_running_loop()
        examined = await loop.run_in_executor(self._readers, self._repository.examine, keys)
        if examined.head.revision > self._follower.snapshot.revision:
            await self._follower.catch_up()
        return [key for key in keys if self._differs(key, examined)]

    def _differs(self, key: str, examined: Examined) -> bool:
        snapshot = self._follower.snapshot
        version = snapshot.version(key)
        if version is None or examined.head.incarnation != snapshot.incarnation:
            return False
        return version.role.revision <= examined.head.revision and examined.roles.get(key) != version.role

    async def _counts_agree(self) -> bool:
        """Return whether the store has as many roles as memory; True if it changes too often to be compared."""
        for _ in range(TRIES_TO_COUNT):
            head, count = await asyncio.get_running_loop().run_in_executor(self._readers, self._repository.census)
            await self._follower.catch_up()
            if head.revision == self._follower.snapshot.revision:
                return count == len(self._follower.snapshot)
        return True

    async def _digest_agrees(self) -> bool:
        """Return whether the roles in memory have the digest of the head; True if the store changes too often."""
        loop = asyncio.get_running_loop()
        for _ in range(TRIES_TO_COUNT):
            head = await loop.run_in_executor(self._readers, self._repository.head)
            await self._follower.catch_up()
            snapshot = self._follower.snapshot
            if (head.incarnation, head.revision) == (snapshot.incarnation, snapshot.revision):
                return await self._digest_of(snapshot.versions()) == head.digest
        return True

    async def _digest_of(self, versions: Sequence[RoleVersion]) -> bytes:
        digest = StateDigest()
        for some in _pages(versions, ROLES_A_STEP):
            for version in some:
                digest.add(version.role)
            await asyncio.sleep(self._pause)
        return digest.value


def _pages(items: Sequence[T], size: int = KEYS_A_READ) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]
