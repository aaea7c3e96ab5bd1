"""Starts a server and stops it in order.

Start: open the store, bind the addresses, answer "not ready" on the ops port, load the state, accept calls, answer "ready".
Stop: answer "not ready", wait for load balancers to notice, finish calls and writes in progress, close the store.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import Protocol, TypeVar

import uvloop
from structlog.typing import FilteringBoundLogger

from rolecall.config.options import decision_log_options, key_sets, tls_files
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.config.sources import ConfigError
from rolecall.engine.clock import now_micros
from rolecall.observability.decision_log.log import DecisionLog, DecisionLogError, open_sink
from rolecall.observability.decision_log.record import ServerIdentity
from rolecall.observability.logs import adopt_standard_logging, make_logger
from rolecall.observability.metrics import rolecall_version
from rolecall.roles.errors import RoleError
from rolecall.security.credentials import CredentialsError, ListenerSecurity, listener_security
from rolecall.server.background import cancel, run_with_restarts
from rolecall.server.callers import CallersFileError, ServerCallers, open_callers
from rolecall.server.replica import Replica
from rolecall.server.server import BoundAddresses, CallServer, RolecallServer
from rolecall.server.shutdown import StopSignal, wait_until_done_or_set
from rolecall.storage import open_repository
from rolecall.storage.snapshot.file import SnapshotFileError
from rolecall.storage.snapshot.key import SnapshotKeyError
from rolecall.transport.choice import MissingTransportError, transport_named
from rolecall.transport.endpoint import AddressError
from rolecall.transport.options import H2

COLLECTION_THRESHOLDS = (5_000, 10, 10)
"""When the cycle collector runs. With Python's own numbers a write with thousands of watches causes a full collection."""

SWITCH_SECONDS = 0.000_5
"""How long a thread that parses a document may keep the interpreter from the event loop and from the threads of gRPC.

A call changes between these several times, and would wait Python's default of five milliseconds each time.
"""

_START_ERRORS = (
    AddressError,
    CallersFileError,
    ConfigError,
    CredentialsError,
    DecisionLogError,
    MissingTransportError,
    RoleError,
    SnapshotFileError,
    SnapshotKeyError,
)


class StartError(Exception):
    """The server cannot start; the message is one sentence for the operator."""


class StoppedError(StartError):
    """The server was stopped before it had started."""


Settings_contra = TypeVar("Settings_contra", bound=ServingSettings, contravariant=True)
Settings = TypeVar("Settings", bound=ServingSettings)


class Running(Protocol[Settings_contra]):
    """Gives a server that accepts calls until the block ends, as `running_server` does."""

    def __call__(
        self, config: Settings_contra, /, *, log: FilteringBoundLogger, stopping: StopSignal
    ) -> AbstractAsyncContextManager[CallServer]:
        """Return the block."""
        ...


@asynccontextmanager
async def running_server(
    config: Config, *, log: FilteringBoundLogger | None = None, stopping: StopSignal | None = None
) -> AsyncIterator[RolecallServer]:
    """Yield a server that accepts calls; stop it at once on exit. Raise `StartError`; `StoppedError` if stopped while starting."""
    log, stopping = log or make_logger(config.log_level, config.log_format), stopping or StopSignal()
    async with AsyncExitStack() as stack:
        with start_errors():
            callers = open_callers(config, log, now_micros())
            security = security_of(config, callers)
            replica = Replica(config, open_repository(config.store_url, create=config.create_store == "auto"), log)
            stack.push_async_callback(replica.close)
            decision_log = open_decision_log(config, log, incarnation=lambda: replica.snapshot.incarnation)
            if decision_log:
                stack.push_async_callback(decision_log.close)
            server = RolecallServer(config, replica, security, log, decision_log, callers=callers)
            stack.push_async_callback(server.close)
            await security.key_sets.read_first()
            server.listen()
            await unless_stopped(replica.load_with_retry(), stopping)
        await server.start()
        callers.log_start()
        if security.warning:
            log.warning(security.warning)
        for work in (*server.background_work(), *replica.background_work()):
            stack.push_async_callback(cancel, asyncio.create_task(run_with_restarts(work, log)))
        yield server


async def serve(
    config: Settings, running: Running[Settings], *, ready: Callable[[BoundAddresses], None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raise `StartError`."""
    log = make_logger(config.log_level, config.log_format)
    with adopt_standard_logging(log):
        stopping = StopSignal()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.request)
        async with running(config, log=log, stopping=stopping) as server:
            if server.decision_log:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.decision_log.reopen)
            gc.collect()
            # The loaded roles live as long as the process: collections need not visit them.
            gc.freeze()
            gc.set_threshold(*COLLECTION_THRESHOLDS)
            transport = transport_named(config.transport)
            log.info(
                "serving",
                address=server.bound.address,
                ops=server.bound.ops_address,
                roles=len(server.state.snapshot),
                transport=transport.name,
                transport_reason=transport.why,
            )
            if ready:
                ready(server.bound)
            await stopping.requested.wait()
            log.info("stopping")
            await server.drain(stopping)
        log.info("stopped")


def run(config: Config, *, ready: Callable[[BoundAddresses], None] | None = None) -> int:
    """Run a server as `run_serving` does."""
    return run_serving(config, running_server, ready=ready)


def run_serving(
    config: Settings, running: Running[Settings], *, ready: Callable[[BoundAddresses], None] | None = None
) -> int:
    """Serve on a new event loop; return the exit code: 0 after a signal, 2 with a sentence on stderr when it cannot start."""
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(config, running, ready=ready))
        except StoppedError:
            return 0
        except StartError as error:
            sys.stderr.write(f"rolecall: {error}\n")
            return 2
    return 0


@contextmanager
def start_errors() -> Iterator[None]:
    """Turn every foreseen error of a start into a `StartError`."""
    try:
        yield
    except _START_ERRORS as error:
        raise StartError(str(error)) from error


def security_of(config: ServingSettings, callers: ServerCallers) -> ListenerSecurity:
    """Return the security of the address that a process listens on; raise `CredentialsError`."""
    return listener_security(
        tls_files(config),
        callers.directory,
        loopback=config.listen.loopback,
        insecure=config.insecure,
        key_sets=key_sets(config),
        admin_socket=bool(config.admin_socket),
        sees_users=transport_named(config.transport).name == H2,
    )


def open_decision_log(
    config: ServingSettings, log: FilteringBoundLogger, *, incarnation: Callable[[], str]
) -> DecisionLog | None:
    """Start the decision log, if there is to be one; raise `DecisionLogError`."""
    options = decision_log_options(config)
    if options is None:
        return None
    identity = ServerIdentity(instance=str(uuid.uuid4()), version=rolecall_version(), incarnation=incarnation)
    decision_log = DecisionLog(open_sink(options), options, identity, log=log, clock=time.monotonic)
    decision_log.start()
    return decision_log


async def unless_stopped(work: Coroutine[object, object, None], stopping: StopSignal) -> None:
    """Return when `work` is done; raise `StoppedError` if a stop is requested earlier."""
    loading = asyncio.create_task(work)
    await wait_until_done_or_set(loading, stopping.requested)
    if not loading.done():
        await cancel(loading)
        raise StoppedError("stopped while starting")
    await loading
