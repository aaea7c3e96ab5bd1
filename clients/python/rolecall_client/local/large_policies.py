"""Reads large trust policies on a thread of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from weakref import WeakSet

from rolecall_client.local.engine import DecisionPoint, EngineError, RoleVersion


class LargePolicies:
    """Parses and compiles policies that would delay the caller, or an event loop. The thread starts with the first.

    `lock` is that of the decision point.
    """

    def __init__(self, point: DecisionPoint, lock: Lock) -> None:
        self._point, self._lock = point, lock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rolecall-policies")
        # Those in the queue, and those that cannot be read, which are not tried again.
        self._tried: WeakSet[RoleVersion] = WeakSet()

    def prepare(self, version: RoleVersion) -> None:
        """Have the policy of a version compiled, if it is not yet. The caller has the lock."""
        if version.policy is None and version not in self._tried:
            self._tried.add(version)
            self._thread.submit(self._compile, version)

    def close(self) -> None:
        """Read no further policies; the one that is being read is finished."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _compile(self, version: RoleVersion) -> None:
        try:
            policy = self._point.compile(version.role)
        except EngineError:
            return
        with self._lock:
            self._tried.discard(version)
            if version.policy is None:
                self._point.adopt(version, policy)
