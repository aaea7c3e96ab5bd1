"""A server that accepts calls, from binding its addresses to finishing the last call."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from structlog.typing import FilteringBoundLogger

from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.loop_probe import LoopProbe
from rolecall.observability.metrics import make_registry
from rolecall.observability.ops import OpsServer
from rolecall.security.credential_faults import CredentialFault
from rolecall.security.credentials import CredentialsError, ListenerSecurity
from rolecall.security.tokens.faults import TokenFault
from rolecall.server.background import BackgroundWork
from rolecall.server.callers import ServerCallers
from rolecall.server.health import ServedState, ServerHealth
from rolecall.server.replica import Replica
from rolecall.server.replica_wiring import ReplicaWiring
from rolecall.server.retention import Retention
from rolecall.server.shutdown import StopSignal, wait_until_done_or_set
from rolecall.server.wiring import CallersOfCalls, Wiring, make_grpc_server, metric_sources
from rolecall.transport.endpoint import AddressError, Endpoint
from rolecall.transport.rpc.refusal_log import RefusalLog

REVIVAL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class BoundAddresses:
    """The addresses that a server listens on, as clients write them."""

    address: str
    ops_address: str


class CallServer:
    """Accepts calls, and answers them by a state, with the parts that `wiring` makes. `decision_log` is None without one."""

    def __init__(
        self,
        config: ServingSettings,
        state: ServedState,
        wiring: Wiring,
        listener_security: ListenerSecurity,
        log: FilteringBoundLogger,
        *,
        decision_log: DecisionLog | None,
        callers: ServerCallers,
    ) -> None:
        self._config, self._log, self._listener_security = config, log, listener_security
        self.state, self.callers, self.decision_log = state, callers, decision_log
        self.probe = LoopProbe()
        self.health = ServerHealth(
            state, self.probe, max_staleness_seconds=config.max_staleness_seconds, services=wiring.services
        )
        self.identities = CallersOfCalls.of(listener_security)
        callers.directory.on_change(self.identities.streams.change)
        self.refusals = RefusalLog(log, causes=(*CredentialFault, *TokenFault))
        self.decoder = decoder = wiring.decoder(listener_security, self.refusals)
        callers.directory.on_change(decoder.federation_changed)
        servicers = wiring.servicers(self.identities, self.health.servicer, decision_log, decoder=decoder)
        self.grpc_server = make_grpc_server(config, servicers, log, self.identities, self.refusals)
        self.registry = make_registry(
            metric_sources(
                self.grpc_server,
                wiring.measured_state(),
                self.probe,
                listener_security,
                decision_log,
                callers=callers,
                decoder=decoder,
                refusals=self.refusals,
            )
        )
        self.ops = OpsServer(self.registry, not_live=self.health.not_live, not_ready=self.health.not_ready)
        self.bound: BoundAddresses  # from `listen` on

    def listen(self) -> None:
        """Bind the addresses; the ops port answers from now on. Raise `AddressError`."""
        listen, ops_listen = self._config.listen, self._config.ops_listen
        endpoint = Endpoint(listen.text, listen.host, listen.port, self._config.socket_access)
        port = self.grpc_server.bind(endpoint, self._listener_security.certificate)
        if self._config.admin_socket:
            self.grpc_server.bind_admin(self._config.admin_socket)
        try:
            ops_port = self.ops.start(ops_listen.host, ops_listen.port)
        except OSError as error:
            raise AddressError(ops_listen.text, (error.strerror or str(error)).lower()) from None
        self.bound = BoundAddresses(listen.with_port(port), ops_listen.with_port(ops_port))

    async def start(self) -> None:
        """Accept calls, and report ready."""
        await self.grpc_server.start()
        self.health.start()

    async def drain(self, stopping: StopSignal) -> None:
        """Stop without an error that a caller sees: report not ready, accept calls for the drain delay, then finish them."""
        self.health.drain()
        await stopping.sleep_unless_forced(self._config.drain_delay)
        stop = asyncio.create_task(self.grpc_server.stop(self._config.drain_grace_seconds))
        await wait_until_done_or_set(stop, stopping.forced)
        if not stop.done():
            await self.grpc_server.stop(0)
        await stop
        await self.state.save_snapshot()

    async def close(self) -> None:
        """Stop at once."""
        await self.grpc_server.stop(0)
        self._listener_security.key_sets.close()
        self.ops.stop()

    def background_work(self) -> list[BackgroundWork]:
        """Return what maintains the server while it runs."""
        work: list[BackgroundWork] = [
            self._revive_after_crashes,
            self.health.run,
            self._sweep,
            self._watch_keys,
            self.identities.streams.run,
        ]
        if self._listener_security.certificate:
            work.append(partial(self._listener_security.certificate.watch_files, self._log_certificate))
        if self.callers.reloading:
            work.append(self.callers.watch_files)
        return work

    async def _watch_keys(self) -> None:
        await self._listener_security.key_sets.watch(self._log_keys)

    async def _sweep(self) -> None:
        await self.probe.run(lambda: self.grpc_server.sweep(time.perf_counter()))

    async def _revive_after_crashes(self) -> None:
        """Revive the gRPC server whenever it crashes; until that succeeds the process is neither ready nor live."""
        while True:
            await self.grpc_server.crashed()
            self._log.error("server_crashed", revivals=self.grpc_server.revivals + 1)
            while not await self._revived():  # noqa: ASYNC110  (each turn retries, it does not merely wait)
                await asyncio.sleep(REVIVAL_SECONDS)

    async def _revived(self) -> bool:
        try:
            await self.grpc_server.revive()
        except AddressError as error:
            self.health.listen_error = str(error)
            self._log.error("server_not_revived", error=str(error))
            return False
        self.health.listen_error = ""
        return True

    def _log_certificate(self, error: CredentialsError | None) -> None:
        if error is None:
            self._listener_security.on_certificate()
            self._log.info("certificate")
        else:
            self._log.warning("certificate_kept", error=str(error))

    def _log_keys(self, owner: str, error: str) -> None:
        if error:
            self._log.warning("keys_kept", owner=owner, error=error)
        else:
            self._log.info("keys", owner=owner)


class RolecallServer(CallServer):
    """A server of the roles in a store."""

    def __init__(
        self,
        config: Config,
        replica: Replica,
        listener_security: ListenerSecurity,
        log: FilteringBoundLogger,
        decision_log: DecisionLog | None = None,
        *,
        callers: ServerCallers,
    ) -> None:
        wiring = ReplicaWiring(config, replica)
        super().__init__(config, replica, wiring, listener_security, log, decision_log=decision_log, callers=callers)
        self.replica, self.retention = replica, Retention(replica, config, log)

    def background_work(self) -> list[BackgroundWork]:
        """Return what maintains the server while it runs."""
        return [*super().background_work(), self.retention.run]
