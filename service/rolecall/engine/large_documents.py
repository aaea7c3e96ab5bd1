"""Large trust policies are parsed and compiled on a thread of their own, so that the event loop never waits for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from rolecall.engine.decision_point import DecisionPoint, is_large, stored_policy
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.document import TrustPolicy

T = TypeVar("T")


class LargeDocuments:
    """Reads the large trust policies of role versions on `thread`, one at a time. For one event loop.

    Callers that wait for the same version share one compilation. It is not begun when none of them waits any more.
    """

    def __init__(self, point: DecisionPoint, thread: Executor) -> None:
        self._point, self._thread = point, thread
        self._compiling: dict[RoleVersion, _Compilation] = {}

    async def compile(self, version: RoleVersion) -> None:
        """Compile and cache the policy of a version if it is large and not compiled; raise `UnreadablePolicyError`."""
        if version.policy is not None or not is_large(version.role):
            return
        compilation = self._compiling.get(version)
        if compilation is None:
            compilation = self._compiling[version] = _Compilation(asyncio.ensure_future(self._compile(version)))
        compilation.waiting += 1
        try:
            await asyncio.shield(compilation.task)
        finally:
            compilation.waiting -= 1
            if not compilation.waiting:
                del self._compiling[version]
                compilation.task.cancel()

    async def parse(self, version: RoleVersion) -> TrustPolicy | None:
        """Return the trust policy of a version if it is large, else None; raise `UnreadablePolicyError`."""
        return await self._apart(lambda: stored_policy(version.role)) if is_large(version.role) else None

    async def _compile(self, version: RoleVersion) -> None:
        compiled = await self._apart(lambda: self._point.compile(version.role))
        if version.policy is None:
            self._point.adopt(version, compiled)

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class _Compilation:
    """A compilation, and how many callers wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Future[None]) -> None:
        self.task, self.waiting = task, 0
