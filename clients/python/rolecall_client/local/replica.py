"""A copy of the roles in this process: a watch feeds it, and checks are decided from it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeAlias

from rolecall_client.boottime import boottime
from rolecall_client.checks import CallOptions
from rolecall_client.errors import RolecallError
from rolecall_client.following import is_permanent
from rolecall_client.local.deciding import Decider
from rolecall_client.local.engine import FollowedState, Revision, WatchedRoles, change_kind, now_micros, sent_checkpoint
from rolecall_client.local.options import LocalOptions
from rolecall_client.local.watch_credential import WatchCredential
from rolecall_client.v1 import decision_pb2 as d, watch_pb2 as w

_MICROS = 1_000_000

_log = logging.getLogger("rolecall_client")

_Waiter: TypeAlias = "Future[None]"


class LocalReplica:
    """Roles as a watch sends them, and decisions from them. It is a `WatchSink`. Safe to share between threads.

    It is `ready` while it has all roles of one revision, and they are at most `max_staleness_seconds` old. `clock` measures
    ages as `boottime` does; `time_of_day` returns microseconds since the epoch.
    """

    def __init__(
        self,
        options: LocalOptions,
        *,
        clock: Callable[[], float] = boottime,
        time_of_day: Callable[[], int] = now_micros,
    ) -> None:
        self.options, self._clock, self._time_of_day = options, clock, time_of_day
        self.credential = WatchCredential()
        self._lock = threading.Lock()
        self._max_age = round(options.max_staleness_seconds * _MICROS)
        self.start: Callable[[], object] = _nothing
        """Starts what feeds the replica, if that did not start by itself."""
        self._waiting: set[_Waiter] = set()
        self._error: RolecallError | None = None
        self._warned = False
        self._start()

    @property
    def revision(self) -> int:
        """Return the revision that decides; 0: none yet."""
        return self._state.snapshot.revision

    @property
    def ready(self) -> bool:
        """Return whether checks are decided here at this moment."""
        with self._lock:
            return self._is_ready()

    def staleness(self) -> float | None:
        """Return an upper bound of the age of the roles in seconds; None: they are not here yet, or the age is unknown."""
        with self._lock:
            age = self._state.age(self._now())
        return None if age is None else age / _MICROS

    def wait_until_ready(self, timeout: float) -> bool:
        """Block until the replica is ready, for at most `timeout` seconds, and return whether it is.

        Raise `RolecallError` if the server refuses the watch.
        """
        waiter = self._waiter()
        try:
            waiter.result(timeout)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return True

    async def until_ready(self, timeout: float) -> bool:  # noqa: ASYNC109 - as in `wait_until_ready`
        """Wait as `wait_until_ready` does, without blocking the event loop."""
        self.start()
        waiter = self._waiter()
        try:
            await asyncio.wait_for(asyncio.wrap_future(waiter), timeout)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return True

    def answer(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions, digest: bytes = b""
    ) -> d.CheckAssumeRoleResponse | None:
        """Return the decision of a query as the server would make it; None: only the server can answer it.

        `digest` is that of the credential of the caller.
        """
        # What a call adds to its metadata may change what the server does with it.
        if options.metadata or not self.credential.is_current(digest):
            return None
        data = self._decider.readable(query)
        if data is None:
            return None
        with self._lock:
            age = self._state.age(self._now())
            if age is None or age > self._max_age or not self._fresh_enough(consistency):
                return None
            return self._decider.answer(data, age)

    def restart(self) -> None:
        """Read the initial state again; until it is whole the present state decides, while it is young enough."""
        with self._lock:
            self._state.restart()

    def change(self, change: w.RoleWatchChange) -> None:
        """Take a role of the initial state, or a change."""
        role = self._reader.role(change.role)
        with self._lock:
            self._state.change(Revision(change.revision), change_kind(change.kind), role)

    def checkpoint(self, checkpoint: w.WatchCheckpoint, opened_at: float) -> None:
        """Let everything up to a checkpoint take effect, at once."""
        self._reader.forget()
        sent = sent_checkpoint(checkpoint, round(opened_at * _MICROS))
        if sent.stream_age is None and not self._warned:
            self._warned = True
            _log.warning(
                "checks are left to the server, since it does not send how old its roles are; update the server"
            )
        with self._lock:
            self._error = None
            self.credential.accepted()
            self._state.checkpoint(sent, self._now())
            if self._is_ready():
                self._settle(lambda waiter: waiter.set_result(None))

    def broken(self, error: RolecallError) -> None:
        """Note that the stream ended. If the server refuses the watch nothing is decided here any more."""
        if not is_permanent(error):
            return
        if self._error is None:
            _log.warning("checks are left to the server, since it refuses the watch: %s", error)
        with self._lock:
            self._forget()
            self._error = error
            self._settle(lambda waiter: waiter.set_exception(error))

    def close(self) -> None:
        """Decide nothing any more, and free the roles."""
        with self._lock:
            self._forget()
            self._decider.close()

    def _forget(self) -> None:
        self._decider.close()
        self._start()

    def _start(self) -> None:
        self._state, self._reader = FollowedState(self.options.account_ids), WatchedRoles()
        self._decider = Decider(self._state, self.options, self._time_of_day, self._lock)

    def _now(self) -> int:
        return int(self._clock() * _MICROS)

    def _is_ready(self) -> bool:
        age = self._state.age(self._now())
        return age is not None and age <= self._max_age

    def _fresh_enough(self, consistency: d.Consistency | None) -> bool:
        if consistency is None:
            return True
        match consistency.WhichOneof("requirement"):
            case None:
                return True
            case "minimize_latency":
                return consistency.minimize_latency
            case "at_least_as_fresh":
                # Only the servers have the key that proves what a token names, so only those of this watch are known.
                return self._state.reached(consistency.at_least_as_fresh)
        return False

    def _waiter(self) -> _Waiter:
        waiter: _Waiter = Future()
        with self._lock:
            if self._is_ready():
                waiter.set_result(None)
            elif self._error is not None:
                waiter.set_exception(self._error)
            else:
                self._waiting.add(waiter)
        return waiter

    def _settle(self, settle: Callable[[_Waiter], object]) -> None:
        while self._waiting:
            waiter = self._waiting.pop()
            if waiter.set_running_or_notify_cancel():
                settle(waiter)


def _nothing() -> None:
    return
