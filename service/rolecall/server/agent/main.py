"""Starts an agent, and stops it in order.

Start: connect to the followed server, bind the addresses, answer "not ready" on the ops port, read the state, accept calls, answer
"ready".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from structlog.typing import FilteringBoundLogger

from rolecall.callers.granted import ONLY_CHECKS
from rolecall.config.agent_settings import AgentConfig
from rolecall.engine.clock import now_micros
from rolecall.observability.logs import make_logger
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.server.agent.wiring import AgentWiring
from rolecall.server.background import cancel, run_with_restarts
from rolecall.server.callers import open_callers
from rolecall.server.main import open_decision_log, run_serving, security_of, start_errors, unless_stopped
from rolecall.server.server import CallServer
from rolecall.server.shutdown import StopSignal


@asynccontextmanager
async def running_agent(
    config: AgentConfig, *, log: FilteringBoundLogger | None = None, stopping: StopSignal | None = None
) -> AsyncIterator[CallServer]:
    """Yield an agent that accepts calls; stop it at once on exit. Raise `StartError`; `StoppedError` if stopped while starting."""
    log, stopping = log or make_logger(config.log_level, config.log_format), stopping or StopSignal()
    async with AsyncExitStack() as stack:
        with start_errors():
            callers = open_callers(config, log, now_micros(), without_file=ONLY_CHECKS)
            security = security_of(config, callers)
            replica = AgentReplica(config, Upstream(config, log), log)
            stack.push_async_callback(replica.close)
            decision_log = open_decision_log(config, log, incarnation=lambda: replica.snapshot.incarnation)
            if decision_log:
                stack.push_async_callback(decision_log.close)
            wiring = AgentWiring(config, replica)
            server = CallServer(config, replica, wiring, security, log, decision_log=decision_log, callers=callers)
            stack.push_async_callback(server.close)
            await security.key_sets.read_first()
            server.listen()
            stack.push_async_callback(cancel, asyncio.create_task(run_with_restarts(replica.follow, log)))
            await unless_stopped(replica.load(), stopping)
        await server.start()
        callers.log_start()
        if security.warning:
            log.warning(security.warning)
        for work in (*server.background_work(), *replica.background_work()):
            stack.push_async_callback(cancel, asyncio.create_task(run_with_restarts(work, log)))
        yield server


def run(config: AgentConfig) -> int:
    """Run an agent on a new event loop; return its exit code, as `run_serving` does."""
    return run_serving(config, running_agent)
