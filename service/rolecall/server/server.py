"""A server that takes calls: its parts, from the first address taken to the last call finished."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from structlog.typing import FilteringBoundLogger

from rolecall.config.settings import Config
from rolecall.engine.clock import now_micros
from rolecall.engine.consistency import Consistency
from rolecall.engine.history import RoleHistory
from rolecall.engine.watch import RoleWatches
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.loop_probe import LoopProbe
from rolecall.observability.metrics import Sources, make_registry
from rolecall.observability.ops import OpsServer
from rolecall.observability.replication_metrics import ReplicationSources
from rolecall.roles.catalog import CatalogOptions, RoleCatalog
from rolecall.roles.errors import StoreUnavailableError
from rolecall.security.credentials import CredentialsError, ListenerSecurity
from rolecall.security.permissions import permit
from rolecall.server.replica import Replica, Work
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.record import RecordDecoder
from rolecall.transport.codecs.watch import EventEncoder
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.stats import LATENCY_BOUNDS
from rolecall.transport.server import (
    DECISION_SERVICE,
    POLICY_SERVICE,
    ROLE_SERVICE,
    SERVICES,
    WATCH_SERVICE,
    AddressError,
    Endpoint,
    GrpcServer,
    ServerOptions,
    Servicers,
)
from rolecall.transport.services.decision import DecisionServicer
from rolecall.transport.services.health import PROCESS, Health
from rolecall.transport.services.policy import PolicyServicer
from rolecall.transport.services.recorded_decisions import RecordedDecisions
from rolecall.transport.services.reverse import ReverseQueries
from rolecall.transport.services.role import RoleParts, RoleServicer
from rolecall.transport.services.uploads import UploadLimits, Uploads
from rolecall.transport.services.watch import WatchServicer

RETENTION_SECONDS = 3_600.0
REVIVAL_SECONDS = 0.5
HEALTH_SECONDS = 1.0
_DAY_MICROS = 86_400_000_000


@dataclass(frozen=True, slots=True)
class BoundAddresses:
    """Where a server listens, as clients write it."""

    address: str
    ops_address: str


class StopSignal:
    """Tells that a server is to stop, and when told twice, that it is to hurry."""

    def __init__(self) -> None:
        self.asked, self.hurried = asyncio.Event(), asyncio.Event()

    def ask(self) -> None:
        """Ask to stop; a second time, to hurry."""
        (self.hurried if self.asked.is_set() else self.asked).set()


class RolecallServer:
    """A server that takes calls. `decision_log` is None when decisions are not logged."""

    def __init__(
        self,
        config: Config,
        replica: Replica,
        listener_security: ListenerSecurity,
        log: FilteringBoundLogger,
        decision_log: DecisionLog | None = None,
    ) -> None:
        self._config, self._log, self._listener_security = config, log, listener_security
        self.replica, self.decision_log = replica, decision_log
        self.health = Health(SERVICES)
        self.probe = LoopProbe()
        self.server = GrpcServer(
            _servicers(config, replica, listener_security, self.health, decision_log),
            ServerOptions(
                max_message_bytes=config.max_message_bytes,
                max_concurrent_rpcs=config.max_concurrent_rpcs,
                max_watches=config.max_watches,
                max_deadline_seconds=config.max_deadline_seconds,
                reflection=config.with_reflection,
            ),
            boundary=ErrorBoundary(log, verbose=config.log_level == "debug"),
            permits=permit,
        )
        self.registry = make_registry(self._sources())
        self.ops = OpsServer(self.registry, not_live=self._not_live, not_ready=self._not_ready)
        self._not_ready_because, self._deaf_because = "", ""
        self._begun = False
        self.bound = BoundAddresses("", "")

    def listen(self) -> None:
        """Take the addresses; the ops port answers from now on. Raise `AddressError`, `StartError`."""
        listen, ops_listen = self._config.listen, self._config.ops_listen
        place = Endpoint(listen.text, listen.host, listen.port)
        port = self.server.bind(place, self._listener_security.credentials)
        try:
            ops_port = self.ops.start(ops_listen.host, ops_listen.port)
        except OSError as error:
            raise AddressError(ops_listen.text, (error.strerror or str(error)).lower()) from None
        self.bound = BoundAddresses(listen.with_port(port), ops_listen.with_port(ops_port))

    async def begin(self) -> None:
        """Take calls."""
        await self.server.start()
        self.health.set(PROCESS, DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE, serving=True)
        self._begun = True

    async def drain(self, stopping: StopSignal) -> None:
        """Stop without an error that a caller sees: say so, wait until callers have heard, finish what is under way."""
        self._not_ready_because = "the server is stopping"
        self.health.drain()
        await _sleep(self._config.drain_delay, unless=stopping.hurried)
        stop = asyncio.create_task(self.server.stop(self._config.drain_grace_seconds))
        hurry = asyncio.create_task(stopping.hurried.wait())
        await asyncio.wait([stop, hurry], return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not stop.done():
            await self.server.stop(0)
        await stop
        await self.replica.keep()

    async def close(self) -> None:
        """Stop at once."""
        await self.server.stop(0)
        self.ops.stop()

    def keeping(self) -> list[Work]:
        """Return what keeps the server in order, each to be run until cancelled."""
        work: list[Work] = [self.keep_serving, self.keep_house, self.keep_health, self._sweep]
        if self._listener_security.certificate:
            work.append(partial(self._listener_security.certificate.keep, self._tell_of_certificate))
        return work

    async def _sweep(self) -> None:
        await self.probe.run(lambda: self.server.sweep(time.perf_counter()))

    async def keep_serving(self) -> None:
        """Revive the gRPC server whenever it crashes, until cancelled; while that is in vain, it is neither ready nor live."""
        while True:
            await self.server.crashed()
            self._log.error("server_crashed", revivals=self.server.revivals + 1)
            while not await self._revived():  # noqa: ASYNC110  (each turn tries, it does not merely wait)
                await asyncio.sleep(REVIVAL_SECONDS)

    async def keep_health(self) -> None:
        """Say of each service whether it serves: decisions while the state is young enough, administration while the store answers.

        The process itself stays ready: one outage of the database must not take every replica out.
        """
        limit = round(self._config.max_staleness_seconds * 1_000_000)
        while True:
            self.health.set(DECISION_SERVICE, serving=self.replica.follower.staleness() <= limit)
            self.health.set(ROLE_SERVICE, serving=not self.replica.polling.counts.failing)
            await asyncio.sleep(HEALTH_SECONDS)

    async def _revived(self) -> bool:
        try:
            await self.server.revive()
        except AddressError as error:
            self._deaf_because = str(error)
            self._log.error("server_not_revived", error=str(error))
            return False
        self._deaf_because = ""
        return True

    async def keep_house(self) -> None:
        """Forget old history, now and every hour, until cancelled."""
        while True:
            try:
                forgotten = await asyncio.get_running_loop().run_in_executor(self.replica.writing, self._prune)
            except StoreUnavailableError as error:
                self._log.warning("retention", error=str(error))
            else:
                if forgotten:
                    self._log.info("retention", forgotten_revisions=forgotten)
            await asyncio.sleep(RETENTION_SECONDS)

    def _prune(self) -> int:
        kept_since = now_micros() - self._config.retention_days * _DAY_MICROS
        return self.replica.repository.prune(
            keep_after=kept_since, keep_revisions=self._config.retention_revisions, forget_requests_before=kept_since
        )

    def _tell_of_certificate(self, error: CredentialsError | None) -> None:
        if error is None:
            self._log.info("certificate")
        else:
            self._log.warning("certificate_kept", error=str(error))

    def _not_live(self) -> list[str]:
        reasons = ["the event loop is stuck"] if self.probe.stuck else []
        return [*reasons, self._deaf_because] if self._deaf_because else reasons

    def _not_ready(self) -> list[str]:
        if not self._begun:
            return [self.replica.waiting_because]
        return [self._not_ready_because] if self._not_ready_because else self._not_live()

    def _sources(self) -> Sources:
        return Sources(
            method_stats=self.server.methods.method_stats,
            latency_bounds=LATENCY_BOUNDS,
            point=self.replica.point,
            writer=self.replica.writer,
            decision_log=self.decision_log,
            calls_under_way=lambda: sum(len(concurrency.calls) for concurrency in self.server.concurrency_limits),
            following=_following(self.replica),
            certificate=self._listener_security.certificate,
            watches=lambda: self.server.watches,
            revivals=lambda: self.server.revivals,
            loop_lag_seconds=lambda: self.probe.lag_seconds,
        )


def _following(replica: Replica) -> ReplicationSources:
    return ReplicationSources(replica.follower, replica.polling, replica.reconciler, replica.keeper)


def _servicers(
    config: Config,
    replica: Replica,
    listener_security: ListenerSecurity,
    health: Health,
    decision_log: DecisionLog | None,
) -> Servicers:
    accounts = config.accounts
    options = CatalogOptions(max_roles_per_account=config.max_roles_per_account, lint_blocks=config.lint_blocks)
    roles = RoleParts(
        catalog=RoleCatalog(replica.repository, accounts, config.limits, options, tokens=replica.tokens),
        writer=replica.writer,
        snapshot=replica.snapshot,
        accounts=accounts,
        tokens=replica.tokens,
        uploads=Uploads(UploadLimits(max_roles=config.max_upload_roles, max_bytes=config.max_upload_bytes)),
        identify=listener_security.identify,
        clock=now_micros,
    )
    return Servicers(
        decision=_decision_servicer(config, replica, listener_security, decision_log),
        role=RoleServicer(roles),
        policy=PolicyServicer(config.limits, now_micros, account=accounts.default),
        watch=_watch_servicer(config, replica),
        health=health,
    )


def _decision_servicer(
    config: Config, replica: Replica, listener_security: ListenerSecurity, decision_log: DecisionLog | None
) -> DecisionServicer | RecordedDecisions:
    accounts = config.accounts
    decoder = QueryDecoder(accounts)
    decisions = DecisionServicer(
        replica.point,
        Consistency(replica.follower, replica.tokens, max_staleness_seconds=config.max_staleness_seconds),
        decoder,
        reverse=ReverseQueries(replica.point, decoder, accounts, replica.tokens),
        history=RoleHistory(replica.repository, replica.follower, replica.reading),
        max_batch=config.max_batch,
    )
    if decision_log is None:
        return decisions
    records = RecordDecoder(decoder, replica.snapshot)
    return RecordedDecisions(decisions, decision_log, records, clock=now_micros, identify=listener_security.identify)


def _watch_servicer(config: Config, replica: Replica) -> WatchServicer:
    watches = RoleWatches(
        replica.repository,
        replica.follower,
        replica.reading,
        consistency=Consistency(replica.follower, replica.tokens),
        tokens=replica.tokens,
    )
    return WatchServicer(watches, EventEncoder(replica.tokens), config.accounts)


async def _sleep(seconds: float, *, unless: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(unless.wait(), seconds)
    except TimeoutError:
        return
