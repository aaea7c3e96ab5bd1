"""The stores of a run, each with its servers: SQLite with one, PostgreSQL with two replicas that have it in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from rolecall.storage.open import migrate
from rolecall.transport.options import GRPCIO, H2
from rolecall_client.v1 import decision_pb2_grpc as dg, role_pb2_grpc as rg, watch_pb2_grpc as wg
from tests.chaos.database import Database
from tests.chaos.replicas import Replica

SQLITE, POSTGRES = "sqlite", "postgres"
STORES = (SQLITE, POSTGRES)

# What differs between the servers: who reads the calls, and caches so small that they are always full.
_SMALL_CACHES = {"cache_entries": 50, "request_cache_bytes": 20_000, "compiled_policies": 5}
_SERVERS: dict[str, tuple[dict[str, object], ...]] = {
    SQLITE: ({"transport": H2},),
    POSTGRES: ({"transport": H2, "poll_seconds": 0.5}, {"transport": GRPCIO, "poll_seconds": 0.5, **_SMALL_CACHES}),
}
_OWN_CONNECTIONS = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True, slots=True)
class Asks:
    """The stubs of one server; `log` returns what it has logged."""

    name: str
    decisions: dg.DecisionServiceAsyncStub
    roles: rg.RoleServiceAsyncStub
    watches: wg.WatchServiceAsyncStub
    log: Callable[[], str] = lambda: ""


@asynccontextmanager
async def running_servers(store: str, directory: Path) -> AsyncIterator[Sequence[Asks]]:
    """Yield the stubs of the servers of a store; end the servers and remove the store afterwards."""
    async with AsyncExitStack() as stack:
        url = f"sqlite:///{directory / 'roles.db'}" if store == SQLITE else _postgres(stack)
        replicas = []
        for number, settings in enumerate(_SERVERS[store], start=1):
            replica = Replica(f"{store}-{number}", url, directory, **settings)
            replica.start()
            stack.callback(replica.kill)
            replicas.append(replica)
        asks = []
        for replica in replicas:
            replica.wait_ready()
            channel = grpc.aio.insecure_channel(replica.address, options=_OWN_CONNECTIONS)
            await stack.enter_async_context(channel)
            asks.append(replace(stubs_of(replica.name, channel), log=replica.log_text))
        yield asks


def stubs_of(name: str, channel: grpc.aio.Channel) -> Asks:
    """Return the stubs of a channel."""
    return Asks(name, dg.DecisionServiceStub(channel), rg.RoleServiceStub(channel), wg.WatchServiceStub(channel))


def _postgres(stack: AsyncExitStack) -> str:
    database = Database(small_disk=False)
    stack.callback(database.close)
    database.start()
    migrate(database.url)
    return database.url
