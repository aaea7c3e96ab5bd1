"""The environment of a run: one database, several replicas, each behind a proxy of its own, and everything clean when it is over."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rolecall.storage.open import migrate
from tests.chaos.agents import Agent
from tests.chaos.database import Database
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica

POLL_SECONDS = 0.5
SNAPSHOT_SECONDS = 1
DRAIN_SECONDS = 0.5
"""On the loopback interface servers do not wait by default for clients to notice that they stop; elsewhere they do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The processes of a run. `proxies[n]` is between `replicas[n]` and the database, `upstream` between the agent and `replicas[0]`."""

    database: Database
    proxies: Sequence[Proxy]
    replicas: Sequence[Replica]
    agent: Agent | None = None
    upstream: Proxy | None = None

    @property
    def target(self) -> str:
        """Return the target of a client of all replicas."""
        return target_of(self.replicas)

    def recover(self) -> None:
        """End every fault, and return when every replica is ready."""
        for proxy in (*self.proxies, *([self.upstream] if self.upstream else [])):
            proxy.open()
        if not self.database.server.running:
            self.database.start()
        for replica in self.replicas:
            replica.shift_clock(0)
            replica.signal(signal.SIGCONT)
            if not replica.running:
                replica.start()
        for replica in self.replicas:
            replica.wait_ready()


def target_of(replicas: Sequence[Replica]) -> str:
    """Return the gRPC target of these replicas together."""
    return "ipv4:" + ",".join(replica.address for replica in replicas)


@contextmanager
def running_environment(count: int, directory: Path, **settings: object) -> Iterator[Environment]:
    """Yield an environment whose replicas are ready; `settings` are flags of every replica."""
    with ExitStack() as stack:
        database = Database()
        stack.callback(database.close)
        database.start()
        migrate(database.url)
        running = [
            stack.enter_context(running_replica(database, f"replica-{n}", directory, **settings)) for n in range(count)
        ]
        for replica, _ in running:
            replica.wait_ready()
        yield Environment(database, [proxy for _, proxy in running], [replica for replica, _ in running])


@contextmanager
def running_replica(
    database: Database, name: str, directory: Path, **settings: object
) -> Iterator[tuple[Replica, Proxy]]:
    """Yield a replica that is starting, and the proxy between it and the database; end both afterwards."""
    flags = {
        "poll_seconds": POLL_SECONDS,
        "snapshot_seconds": SNAPSHOT_SECONDS,
        "drain_delay_seconds": DRAIN_SECONDS,
        **settings,
    }
    proxy = Proxy("127.0.0.1", database.server.port)
    try:
        replica = Replica(name, _through(database.url, proxy), directory, **flags)
        replica.start()
        try:
            yield replica, proxy
        finally:
            replica.signal(signal.SIGCONT)
            replica.kill()
    finally:
        proxy.close()


def _through(url: str, proxy: Proxy) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()
