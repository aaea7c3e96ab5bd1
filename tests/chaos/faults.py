"""The faults: each is a context manager, and imitates what really happens to processes, disks and networks."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from random import Random

from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.environment import Environment
from tests.chaos.isolation import open_client
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica

HOUR = 3_600
SMALL_FILE_BYTES = 64
AGENT_ALONE = "agent without its server"

Fault = Callable[[Environment, Random], AbstractContextManager[None]]


class UnmetPromiseError(Exception):
    """A promise did not hold during a fault."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: its name, its target (two faults at a time have different targets), its duration, and its function."""

    name: str
    target: str
    seconds: tuple[float, float]
    fault: Fault


@contextmanager
def killed(environment: Environment, random: Random) -> Iterator[None]:
    """kill -9 of a server, and a restart."""
    replica = random.choice(environment.replicas)
    replica.kill()
    yield
    replica.start()
    replica.wait_ready()


@contextmanager
def rolled(environment: Environment, random: Random) -> Iterator[None]:
    """A rolling restart by SIGTERM."""
    for replica in random.sample(environment.replicas, len(environment.replicas)):
        replica.terminate()
        code = replica.wait_ended()
        if code != 0:
            raise UnmetPromiseError(f"{replica.name} ended with {code} after SIGTERM")
        replica.start()
        replica.wait_ready()
    yield


@contextmanager
def paused(environment: Environment, random: Random) -> Iterator[None]:
    """SIGSTOP of a server, SIGCONT later."""
    replica = random.choice(environment.replicas)
    replica.signal(signal.SIGSTOP)
    yield
    replica.signal(signal.SIGCONT)


@contextmanager
def wrong_clock(environment: Environment, random: Random) -> Iterator[None]:
    """The wall clock of a server jumps by an hour, and back."""
    replica = random.choice(environment.replicas)
    replica.shift_clock(random.choice([HOUR, -HOUR]))
    yield
    replica.shift_clock(0)


@contextmanager
def no_room_for_snapshots(environment: Environment, random: Random) -> Iterator[None]:
    """A server may write no file of more than a few bytes: its snapshot file and its log meet a full disk."""
    replica = random.choice(environment.replicas)
    _, most = resource.prlimit(replica.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(replica.pid, resource.RLIMIT_FSIZE, (SMALL_FILE_BYTES, most))
    yield
    resource.prlimit(replica.pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def database_crashed(environment: Environment, random: Random) -> Iterator[None]:
    """Immediate stop of PostgreSQL, and a restart."""
    environment.database.crash()
    yield
    environment.database.start()


@contextmanager
def database_frozen(environment: Environment, random: Random) -> Iterator[None]:
    """SIGSTOP of every process of PostgreSQL: connections stay and nothing answers."""
    with environment.database.stopped(environment.database.processes()):
        yield


@contextmanager
def backend_frozen(environment: Environment, random: Random) -> Iterator[None]:
    """SIGSTOP of one connection's process, which may hold a lock that all writers need."""
    backends = environment.database.backends()
    with environment.database.stopped([random.choice(backends)] if backends else []):
        yield


@contextmanager
def database_disk_full(environment: Environment, random: Random) -> Iterator[None]:
    """No byte is left where the tables are."""
    with environment.database.full():
        yield


@contextmanager
def connections_terminated(environment: Environment, random: Random) -> Iterator[None]:
    """pg_terminate_backend of every connection."""
    environment.database.terminate_backends()
    yield


@contextmanager
def connections_cut(environment: Environment, random: Random) -> Iterator[None]:
    """Connections break in the network; new ones are taken."""
    for proxy in _some(environment, random):
        proxy.cut()
    yield


@contextmanager
def database_unreachable(environment: Environment, random: Random) -> Iterator[None]:
    """Connections break and are refused."""
    with _opened_afterwards(_some(environment, random)) as proxies:
        for proxy in proxies:
            proxy.refuse()
        yield


@contextmanager
def database_silent(environment: Environment, random: Random) -> Iterator[None]:
    """Connections stay, are taken, and carry nothing."""
    with _opened_afterwards(_some(environment, random)) as proxies:
        for proxy in proxies:
            proxy.silence()
        yield


@contextmanager
def restored(environment: Environment, random: Random) -> Iterator[None]:
    """A server is restarted while the database is down: it serves from its snapshot file, and says so."""
    replica = random.choice(environment.replicas)
    environment.database.crash()
    with ExitStack() as stack:
        stack.callback(environment.database.start)
        replica.kill()
        replica.start()
        replica.wait_ready()
        _require_restored(replica)
        yield


@contextmanager
def agent_alone(environment: Environment, random: Random) -> Iterator[None]:
    """The server of an agent is unreachable, or silent: the agent decides alone; afterwards it catches up."""
    agent, upstream = environment.agent, environment.upstream
    assert agent is not None
    assert upstream is not None
    random.choice([upstream.refuse, upstream.silence])()
    yield
    agent.catch_up(environment.replicas[0], upstream.open)


KINDS: Sequence[Kind] = (
    Kind("kill -9 of a server", "server", (0.2, 1.5), killed),
    Kind("immediate stop of PostgreSQL", "database", (0.5, 3.0), database_crashed),
    Kind("SIGSTOP of a server", "server", (1.0, 5.0), paused),
    Kind("restart without a database", "all", (0.5, 2.0), restored),
    Kind("connections cut", "network", (0.2, 1.0), connections_cut),
    Kind("rolling restart by SIGTERM", "all", (0.0, 0.5), rolled),
    Kind("wall clock off by an hour", "server", (2.0, 4.0), wrong_clock),
    Kind("SIGSTOP of PostgreSQL", "database", (1.0, 4.0), database_frozen),
    Kind("full disk of the database", "database", (1.0, 3.0), database_disk_full),
    Kind("SIGSTOP of a backend", "database", (1.0, 4.0), backend_frozen),
    Kind("connections that carry nothing", "network", (1.0, 5.0), database_silent),
    Kind("full disk of a server", "server", (2.0, 4.0), no_room_for_snapshots),
    Kind("pg_terminate_backend of all", "database", (0.2, 1.0), connections_terminated),
    Kind("connections refused", "network", (1.0, 4.0), database_unreachable),
    Kind(AGENT_ALONE, "all", (3.0, 8.0), agent_alone),
)


def _some(environment: Environment, random: Random) -> Sequence[Proxy]:
    """Return the proxy of one replica, or those of all."""
    return environment.proxies if random.random() < 0.5 else [random.choice(environment.proxies)]


@contextmanager
def _opened_afterwards(proxies: Sequence[Proxy]) -> Iterator[Sequence[Proxy]]:
    try:
        yield proxies
    finally:
        for proxy in proxies:
            proxy.open()


def _require_restored(replica: Replica) -> None:
    with open_client(replica.address, 5) as client:
        decision = client.check(d.AssumeRoleQuery(principal="ecs.aliyuncs.com", role="hot-0")).decision
    if decision.served_from != d.SERVED_FROM_RESTORED:
        raise UnmetPromiseError(f"{replica.name} did not say that it serves a restored state")
