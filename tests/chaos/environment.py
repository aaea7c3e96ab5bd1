"""The stage of a run: one database, several replicas, each behind a proxy of its own, and everything clean when it is over."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rolecall.storage.open import migrate
from tests.chaos.database import Database
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica

POLL_SECONDS = 0.5
SNAPSHOT_SECONDS = 1
DRAIN_SECONDS = 0.5
"""On the loopback servers do not wait by themselves for callers to hear that they stop; elsewhere they do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a run plays on. `proxies[n]` is between `replicas[n]` and the database."""

    database: Database
    proxies: Sequence[Proxy]
    replicas: Sequence[Replica]

    @property
    def target(self) -> str:
        """Return the target of a client of all replicas."""
        return target_of(self.replicas)

    def calm(self) -> None:
        """End whatever fault is left, and return when every replica is ready."""
        for proxy in self.proxies:
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
def staged(count: int, directory: Path, **settings: object) -> Iterator[Stage]:
    """Give a stage whose replicas are ready; `settings` are flags of every replica."""
    with ExitStack() as stack:
        database = Database()
        stack.callback(database.close)
        database.start()
        migrate(database.url)
        joined = [stack.enter_context(joining(database, f"replica-{n}", directory, **settings)) for n in range(count)]
        for replica, _ in joined:
            replica.wait_ready()
        yield Stage(database, [proxy for _, proxy in joined], [replica for replica, _ in joined])


@contextmanager
def joining(database: Database, name: str, directory: Path, **settings: object) -> Iterator[tuple[Replica, Proxy]]:
    """Give a replica that starts, and the proxy between it and the database; whatever state it is in, it is gone afterwards."""
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
