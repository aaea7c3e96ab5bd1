"""The composition root: builds every object of a server once, starts it, and takes it down in order.

Up: store opened, addresses taken, ops port answering "not ready", state loaded, calls taken, "ready".
Down: "not ready", a while for callers to hear of it, calls under way finished, writes finished, store closed.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvloop
from structlog.typing import FilteringBoundLogger

from rolecall.config import Config
from rolecall.engine.consistency import Consistency
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.follower import Follower, load_snapshot
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.writer import RoleWriter
from rolecall.observability.logs import adopt_standard_logging, make_logger
from rolecall.observability.loop_probe import LoopProbe
from rolecall.observability.metered_writer import MeteredWriter
from rolecall.observability.metrics import Sources, make_registry
from rolecall.observability.ops import OpsServer
from rolecall.roles.catalog import CatalogOptions, RoleCatalog
from rolecall.roles.errors import RoleError, StoreUnavailableError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.tokens import Tokens
from rolecall.security.credentials import CredentialsError, Entrance, TlsFiles, entrance
from rolecall.security.permissions import Permissions
from rolecall.storage import open_repository
from rolecall.transport.boundary import Boundary
from rolecall.transport.codec_decision import QueryDecoder
from rolecall.transport.decision_servicer import DecisionServicer
from rolecall.transport.health import PROCESS, Health
from rolecall.transport.policy_servicer import PolicyServicer
from rolecall.transport.role_servicer import RoleParts, RoleServicer
from rolecall.transport.server import (
    DECISION_SERVICE,
    POLICY_SERVICE,
    ROLE_SERVICE,
    SERVICES,
    AddressError,
    Place,
    Server,
    ServerOptions,
    Servicers,
)
from rolecall.transport.tally import LATENCY_BOUNDS
from rolecall.transport.unavailable import WatchServicer
from rolecall.transport.uploads import UploadLimits, Uploads

READING_THREADS = 4
RETENTION_SECONDS = 3_600.0
_DAY_MICROS = 86_400_000_000


class StartError(Exception):
    """The server cannot start; the message is for people."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a server listens, as clients write it."""

    address: str
    ops_address: str


class Stopping:
    """Tells that a server is to stop, and when told twice, that it is to hurry."""

    def __init__(self) -> None:
        self.asked, self.hurried = asyncio.Event(), asyncio.Event()

    def ask(self) -> None:
        """Ask to stop; a second time, to hurry."""
        (self.hurried if self.asked.is_set() else self.asked).set()


class State:
    """What is followed and decided upon: the store, its roles in memory, and the way from the one to the other."""

    def __init__(self, config: Config, repository: RoleRepository) -> None:
        self.repository = repository
        self.tokens = Tokens(repository.token_key, repository.head().incarnation)
        self.snapshot = Snapshot()
        self.writing = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self.reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="store-reader")
        self.follower = Follower(repository, self.snapshot, self.reading)
        self.role_writer = RoleWriter(self.follower, writing=self.writing, reading=self.reading)
        self.writer = MeteredWriter(self.role_writer)
        options = DecisionOptions(
            cache_entries=config.cache_entries,
            compiled_policies=config.compiled_policies,
            source_identity_needs_allow=config.source_identity_needs_allow,
        )
        self.point = DecisionPoint(self.snapshot, options, now_micros)

    async def load(self) -> None:
        """Read every role into memory."""
        loop = asyncio.get_running_loop()
        self.snapshot.replace(await loop.run_in_executor(self.reading, load_snapshot, self.repository))

    async def close(self) -> None:
        """Finish what is being written and let go of the store."""
        await self.role_writer.drain()
        self.writing.shutdown()
        self.reading.shutdown()
        self.repository.close()


class Running:
    """A server that takes calls."""

    def __init__(self, config: Config, state: State, way_in: Entrance, log: FilteringBoundLogger) -> None:
        self._config, self._log, self._way_in = config, log, way_in
        self.state = state
        self.health = Health(SERVICES)
        self.probe = LoopProbe()
        self.server = Server(
            _servicers(config, state, way_in, self.health),
            ServerOptions(
                max_message_bytes=config.max_message_bytes,
                max_concurrent_rpcs=config.max_concurrent_rpcs,
                max_deadline_seconds=config.max_deadline_seconds,
                reflection=config.with_reflection,
            ),
            boundary=Boundary(log, verbose=config.log_level == "debug"),
            permits=Permissions().permit,
        )
        self.registry = make_registry(self._sources())
        self.ops = OpsServer(self.registry, not_live=self._not_live, not_ready=self._not_ready)
        self._not_ready_because = "the state is not loaded"
        self.bound = Bound("", "")

    def listen(self) -> None:
        """Take the addresses; the ops port answers from now on. Raise `AddressError`, `StartError`."""
        listen, ops_listen = self._config.listen, self._config.ops_listen
        place = Place(listen.text, listen.host, listen.port)
        port = self.server.bind(place, self._way_in.credentials)
        try:
            ops_port = self.ops.start(ops_listen.host, ops_listen.port)
        except OSError as error:
            raise AddressError(ops_listen.text, (error.strerror or str(error)).lower()) from None
        self.bound = Bound(listen.with_port(port), ops_listen.with_port(ops_port))

    async def begin(self) -> None:
        """Take calls."""
        await self.server.start()
        self.health.set(PROCESS, DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, serving=True)
        self._not_ready_because = ""

    async def drain(self, stopping: Stopping) -> None:
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

    async def close(self) -> None:
        """Stop at once."""
        await self.server.stop(0)
        self.ops.stop()

    async def keep_serving(self) -> None:
        """Revive the gRPC server whenever it crashes, until cancelled."""
        while True:
            await self.server.crashed()
            self._log.error("server_crashed", revivals=self.server.revivals + 1)
            await self.server.revive()

    async def keep_house(self) -> None:
        """Forget old history, now and every hour, until cancelled."""
        while True:
            try:
                forgotten = await asyncio.get_running_loop().run_in_executor(self.state.writing, self._prune)
            except StoreUnavailableError as error:
                self._log.warning("retention", error=str(error))
            else:
                if forgotten:
                    self._log.info("retention", forgotten_revisions=forgotten)
            await asyncio.sleep(RETENTION_SECONDS)

    def _prune(self) -> int:
        kept_since = now_micros() - self._config.retention_days * _DAY_MICROS
        return self.state.repository.prune(
            keep_after=kept_since, keep_revisions=self._config.retention_revisions, forget_requests_before=kept_since
        )

    def _not_live(self) -> list[str]:
        return ["the event loop is stuck"] if self.probe.stuck else []

    def _not_ready(self) -> list[str]:
        return [self._not_ready_because] if self._not_ready_because else self._not_live()

    def _sources(self) -> Sources:
        return Sources(
            tallies=self.server.methods.tallies,
            latency_bounds=LATENCY_BOUNDS,
            point=self.state.point,
            writer=self.state.writer,
            calls_under_way=lambda: sum(len(admission.calls) for admission in self.server.admissions),
            reloads=lambda: self.state.follower.reloads,
            revivals=lambda: self.server.revivals,
            # The store belongs to this process, which has applied each write before it is acknowledged.
            staleness_seconds=lambda: 0.0,
            loop_lag_seconds=lambda: self.probe.lag_seconds,
        )


def now_micros() -> int:
    """Return the time: microseconds since the epoch."""
    return time.time_ns() // 1_000


@asynccontextmanager
async def running(config: Config, *, log: FilteringBoundLogger | None = None) -> AsyncIterator[Running]:
    """Give a server that takes calls; end it at once when left. Raise `StartError`."""
    log = log or make_logger(config.log_level, config.log_format)
    async with AsyncExitStack() as stack:
        with _start_errors():
            way_in = _entrance(config)
            state = State(config, open_repository(config.store))
            stack.push_async_callback(state.close)
            server = Running(config, state, way_in, log)
            stack.push_async_callback(server.close)
            server.listen()
            await state.load()
        await server.begin()
        if way_in.warning:
            log.warning(way_in.warning)
        sweep = server.probe.run(lambda: server.server.sweep(time.perf_counter()))
        for task in (sweep, server.keep_serving(), server.keep_house()):
            stack.push_async_callback(_cancel, _background(task, log))
        yield server


async def serve(config: Config, *, ready: Callable[[Bound], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raise `StartError`."""
    log = make_logger(config.log_level, config.log_format)
    with adopt_standard_logging(log):
        async with running(config, log=log) as server:
            stopping = Stopping()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopping.ask)
            gc.collect()
            # What is loaded stays: the collector need not walk through it again and again.
            gc.freeze()
            log.info(
                "serving", address=server.bound.address, ops=server.bound.ops_address, roles=len(server.state.snapshot)
            )
            if ready:
                ready(server.bound)
            await stopping.asked.wait()
            log.info("stopping")
            await server.drain(stopping)
        log.info("stopped")


def run(config: Config, *, ready: Callable[[Bound], None] | None = None) -> int:
    """Serve on a loop of its own; return the exit code: 0 after a signal, 2 with a sentence when it cannot start."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(config, ready=ready))
        except StartError as error:
            sys.stderr.write(f"rolecall: {error}\n")
            return 2
    return 0


@contextmanager
def _start_errors() -> Iterator[None]:
    """Make one sentence of what keeps a server from starting."""
    try:
        yield
    except (AddressError, CredentialsError, RoleError) as error:
        raise StartError(str(error)) from error


def _entrance(config: Config) -> Entrance:
    files = TlsFiles(certificate=config.tls_cert, key=config.tls_key, client_authority=config.tls_client_ca)
    return entrance(files, loopback=config.listen.loopback, insecure=config.insecure)


def _servicers(config: Config, state: State, way_in: Entrance, health: Health) -> Servicers:
    accounts = config.accounts
    options = CatalogOptions(max_roles_per_account=config.max_roles_per_account, lint_blocks=config.lint_blocks)
    roles = RoleParts(
        catalog=RoleCatalog(state.repository, accounts, config.limits, options),
        writer=state.writer,
        snapshot=state.snapshot,
        accounts=accounts,
        tokens=state.tokens,
        uploads=Uploads(UploadLimits(max_roles=config.max_upload_roles, max_bytes=config.max_upload_bytes)),
        identify=way_in.identify,
        clock=now_micros,
    )
    decisions = DecisionServicer(
        state.point,
        Consistency(state.follower, state.tokens),
        QueryDecoder(accounts),
        max_batch=config.max_batch,
    )
    return Servicers(
        decision=decisions,
        role=RoleServicer(roles),
        policy=PolicyServicer(config.limits, now_micros, account=accounts.default),
        watch=WatchServicer(),
        health=health,
    )


async def _sleep(seconds: float, *, unless: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(unless.wait(), seconds)
    except TimeoutError:
        return


def _background(work: Coroutine[object, object, None], log: FilteringBoundLogger) -> asyncio.Task[None]:
    def tell(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.error("background_task_ended", exc_info=task.exception())

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
