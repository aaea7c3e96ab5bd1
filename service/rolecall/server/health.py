"""Readiness and liveness of a server: what `/readyz`, `/livez` and grpc.health report, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from rolecall.engine.snapshot import Snapshot
from rolecall.observability.loop_probe import LoopProbe
from rolecall.transport.server import DECISION_SERVICE, ROLE_SERVICE, SERVICES
from rolecall.transport.services.health import PROCESS, Health

HEALTH_SECONDS = 1.0


class ServedState(Protocol):
    """The state that a server answers from."""

    @property
    def startup_status(self) -> str:
        """Return why the state is not loaded."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """Return the roles."""
        ...

    def staleness(self) -> int | None:
        """Return an upper bound of the age of the state, in microseconds; None: it is not known."""
        ...

    def administered(self) -> bool:
        """Return whether roles can be read and written here now."""
        ...

    async def save_snapshot(self) -> None:
        """Save the state a last time, before the process ends."""
        ...


class ServerHealth:
    """Health of one server with some services. `listen_error` says why its address could not be bound again after a crash.

    `not_live` and `not_ready` return the reasons for a negative answer, and nothing for a positive one; any thread may call them.
    """

    def __init__(
        self,
        state: ServedState,
        probe: LoopProbe,
        *,
        max_staleness_seconds: float,
        services: Sequence[str],
    ) -> None:
        self.servicer = Health(SERVICES)
        self.listen_error = ""
        self._state, self._probe, self._services = state, probe, services
        self._max_staleness = round(max_staleness_seconds * 1_000_000)
        self._started = self._draining = False

    def start(self) -> None:
        """Report ready, and every service as serving: calls are accepted from now on."""
        self._started = True
        self.servicer.set(PROCESS, *self._services, serving=True)

    def drain(self) -> None:
        """Report not ready, and no service as serving, for good."""
        self._draining = True
        self.servicer.drain()

    def not_live(self) -> list[str]:
        """Return why the process should be restarted."""
        stuck = "the event loop is stuck" if self._probe.stuck else ""
        return [reason for reason in (stuck, self.listen_error) if reason]

    def not_ready(self) -> list[str]:
        """Return why the server should receive no calls."""
        if not self._started:
            return [self._state.startup_status]
        return ["the server is stopping"] if self._draining else self.not_live()

    async def run(self) -> None:
        """Report service health once a second until cancelled."""
        while True:
            self.update_services()
            await asyncio.sleep(HEALTH_SECONDS)

    def update_services(self) -> None:
        """Report service health.

        Decisions are served while staleness is within the limit, administration while the store reads, writes and is not altered.
        """
        # Not the process: one outage of the database must not make every replica unready.
        staleness = self._state.staleness()
        self.servicer.set(DECISION_SERVICE, serving=staleness is not None and staleness <= self._max_staleness)
        self.servicer.set(ROLE_SERVICE, serving=self._state.administered())
