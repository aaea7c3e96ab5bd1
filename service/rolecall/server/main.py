"""The composition root: builds every object of a server once, starts it, and takes it down in order.

Up: store opened, addresses taken, ops port answering "not ready", state loaded, calls taken, "ready".
Down: "not ready", a while for callers to hear of it, calls under way finished, their log written, writes finished, store closed.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import uvloop
from structlog.typing import FilteringBoundLogger

from rolecall.config.settings import Config, ConfigError
from rolecall.observability.decision_log.log import DecisionLog, DecisionLogError, open_sink
from rolecall.observability.decision_log.record import ServerIdentity
from rolecall.observability.logs import adopt_standard_logging, make_logger
from rolecall.observability.metrics import rolecall_version
from rolecall.roles.errors import RoleError
from rolecall.security.credentials import CredentialsError, ListenerSecurity, TlsFiles, listener_security
from rolecall.server.replica import Replica, Work
from rolecall.server.server import BoundAddresses, RolecallServer, StopSignal
from rolecall.storage import open_repository
from rolecall.storage.snapshot.file import SnapshotFileError
from rolecall.storage.snapshot.key import SnapshotKeyError
from rolecall.transport.server import AddressError

BACKGROUND_REST_SECONDS = 1.0

_KEEPS_FROM_STARTING = (
    AddressError,
    ConfigError,
    CredentialsError,
    DecisionLogError,
    RoleError,
    SnapshotFileError,
    SnapshotKeyError,
)


class StartError(Exception):
    """The server cannot start; the message is for people."""


class StoppedError(StartError):
    """The server was told to stop before it had started."""


@asynccontextmanager
async def running_server(
    config: Config, *, log: FilteringBoundLogger | None = None, stopping: StopSignal | None = None
) -> AsyncIterator[RolecallServer]:
    """Give a server that takes calls; end it at once when left. Raise `StartError`, when `stopping` is asked early too."""
    log, stopping = log or make_logger(config.log_level, config.log_format), stopping or StopSignal()
    async with AsyncExitStack() as stack:
        with _start_errors():
            listener_security = _entrance(config)
            replica = Replica(config, open_repository(config.store_url), log)
            stack.push_async_callback(replica.close)
            decision_log = _decision_log(config, replica, log)
            if decision_log:
                stack.push_async_callback(decision_log.close)
            server = RolecallServer(config, replica, listener_security, log, decision_log)
            stack.push_async_callback(server.close)
            server.listen()
            await _unless(stopping, replica.load_patiently())
        await server.begin()
        if listener_security.warning:
            log.warning(listener_security.warning)
        for work in (*server.keeping(), *replica.following()):
            stack.push_async_callback(_cancel, asyncio.create_task(_kept_up(work, log)))
        yield server


async def serve(config: Config, *, ready: Callable[[BoundAddresses], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raise `StartError`."""
    log = make_logger(config.log_level, config.log_format)
    with adopt_standard_logging(log):
        stopping = StopSignal()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.ask)
        async with running_server(config, log=log, stopping=stopping) as server:
            if server.decision_log:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.decision_log.reopen)
            gc.collect()
            # What is loaded stays: the collector need not walk through it again and again.
            gc.freeze()
            log.info(
                "serving",
                address=server.bound.address,
                ops=server.bound.ops_address,
                roles=len(server.replica.snapshot),
            )
            if ready:
                ready(server.bound)
            await stopping.asked.wait()
            log.info("stopping")
            await server.drain(stopping)
        log.info("stopped")


def run(config: Config, *, ready: Callable[[BoundAddresses], None] | None = None) -> int:
    """Serve on a loop of its own; return the exit code: 0 after a signal, 2 with a sentence when it cannot start."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(config, ready=ready))
        except StoppedError:
            return 0
        except StartError as error:
            sys.stderr.write(f"rolecall: {error}\n")
            return 2
    return 0


@contextmanager
def _start_errors() -> Iterator[None]:
    """Make one sentence of what keeps a server from starting."""
    try:
        yield
    except _KEEPS_FROM_STARTING as error:
        raise StartError(str(error)) from error


def _entrance(config: Config) -> ListenerSecurity:
    files = TlsFiles(certificate=config.tls_cert, key=config.tls_key, client_authority=config.tls_client_ca)
    return listener_security(files, loopback=config.listen.loopback, insecure=config.insecure)


def _decision_log(config: Config, replica: Replica, log: FilteringBoundLogger) -> DecisionLog | None:
    options = config.decision_logging
    if options is None:
        return None
    origin = ServerIdentity(
        instance=str(uuid.uuid4()), version=rolecall_version(), incarnation=lambda: replica.snapshot.incarnation
    )
    decision_log = DecisionLog(open_sink(options), options, origin, log=log, clock=time.monotonic)
    decision_log.start()
    return decision_log


async def _kept_up(work: Work, log: FilteringBoundLogger) -> None:
    """Do what runs beside the calls, and begin it again should it fail: answers that grow old are better than none."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background_work_failed")
        await asyncio.sleep(BACKGROUND_REST_SECONDS)


async def _unless(stopping: StopSignal, work: Coroutine[object, object, None]) -> None:
    """Do the work; raise `StoppedError` if the server is to stop before it is done."""
    task, asked = asyncio.create_task(work), asyncio.create_task(stopping.asked.wait())
    await asyncio.wait([task, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not task.done():
        await _cancel(task)
        raise StoppedError("told to stop while starting")
    await task


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
