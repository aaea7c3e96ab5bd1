"""The world of a conformance run: a service of several processes, and everything around it that can fail.

PostgreSQL; replicas `a` and `b`, which have one port of 127.0.0.1 and 127.0.0.2, and one headless name; a replica `secured` with
mTLS; an agent on a unix socket, which follows `a` through a proxy; and a proxy to `a` whose connections can be cut.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from rolecall.storage.open import migrate
from rolecall_client import RolecallClient
from tests.chaos.agents import Agent
from tests.chaos.database import Database
from tests.chaos.environment import DRAIN_SECONDS, POLL_SECONDS
from tests.chaos.isolation import open_client
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica
from tests.coherence.ports import free_port
from tests.conformance.name_server import NameServer
from tests.conformance.roles import declarations
from tests.conformance.tls_files import TlsWorld
from tests.conformance.vectors import write_vectors

NAME = "rolecall.test"
HOSTS = ("127.0.0.1", "127.0.0.2")
AGENT = "agent"
CALL_SECONDS = 10.0
START_SECONDS = 180.0
"""Several toolchains may compile beside it."""

FAULTS = Path(__file__).with_name("faults.json")


class World:
    """The processes, by name, the proxies and the files; `description` is what a client has to know."""

    def __init__(self, directory: Path, stack: ExitStack, transport: str) -> None:
        self.directory, self._stack = directory, stack
        self._more: Mapping[str, object] = {"transport": transport} if transport else {}
        self.tls = TlsWorld(directory / "tls")
        self._database = Database(small_disk=False)
        stack.callback(self._database.close)
        self._database.start()
        migrate(self._database.url)
        port = _free_port_of_all()
        self.processes: dict[str, Replica] = {
            **{name: self._replica(name, f"{host}:{port}") for name, host in zip("ab", HOSTS, strict=True)},
            "secured": self._replica("secured", f"127.0.0.1:{free_port()}", **self.tls.server_flags),
        }
        for replica in self.processes.values():
            replica.start()
        for replica in self.processes.values():
            replica.wait_ready(START_SECONDS)
        with open_client(self.processes["a"].address, CALL_SECONDS) as client:
            client.apply_roles(declarations(), timeout=60)
        self.proxy, self.upstream = self._proxy(port), self._proxy(port)
        self.processes[AGENT] = self._agent()
        self.description = self._described(port)

    @property
    def target(self) -> str:
        """Return the target of a client of both plain replicas."""
        return "ipv4:" + ",".join(self.processes[name].address for name in "ab")

    def client(self) -> RolecallClient:
        """Return a client of both plain replicas."""
        return open_client(self.target, CALL_SECONDS)

    def _replica(self, name: str, listen: str, **flags: object) -> Replica:
        settings = {"poll_seconds": POLL_SECONDS, "drain_delay_seconds": DRAIN_SECONDS, **self._more, **flags}
        replica = Replica(name, self._database.url, self.directory, listen=listen, **settings)
        self._stack.callback(_end, replica)
        return replica

    def _agent(self) -> Agent:
        agent = Agent(AGENT, f"127.0.0.1:{self.upstream.port}", self.directory, **self._more)
        self._stack.callback(_end, agent)
        agent.start()
        agent.wait_ready(START_SECONDS)
        return agent

    def _proxy(self, port: int) -> Proxy:
        proxy = Proxy("127.0.0.1", port)
        self._stack.callback(proxy.close)
        return proxy

    def _described(self, port: int) -> dict[str, Any]:
        vectors, hosts = self.directory / "vectors.jsonl", self.directory / "hosts"
        write_vectors(self.processes["a"].address, vectors)
        hosts.write_text("".join(f"{host} {NAME}\n" for host in HOSTS))
        names = NameServer(NAME, HOSTS)
        self._stack.callback(names.close)
        silent = self._stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        return {
            "vectors": str(vectors),
            "faults": str(FAULTS),
            "addresses": {
                "plain": self.processes["a"].address,
                "b": self.processes["b"].address,
                "headless": {
                    "dns_server": names.address,
                    "name": NAME,
                    "port": str(port),
                    "hosts_file": str(hosts),
                    "ipv4": self.target,
                },
                "proxied": f"127.0.0.1:{self.proxy.port}",
                "secured": self.processes["secured"].address,
                "agent": self.processes[AGENT].address.replace("unix://", "unix:"),
                "silent": f"127.0.0.1:{silent.getsockname()[1]}",
                "nobody": f"127.0.0.1:{free_port()}",
            },
            "tls": self.tls.described(),
            "token_file": str(self.tls.token_file),
        }


@contextmanager
def running_world(directory: Path, transport: str = "") -> Iterator[World]:
    """Yield a world whose processes are ready, with its files in a directory; end everything afterwards."""
    # The path of a unix socket may be about 100 bytes long.
    if len(os.fsencode(directory)) > 80:
        raise ValueError(f"the path of the directory is too long for a unix socket in it: `{directory}`")
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield World(directory, stack, transport)


def _end(replica: Replica) -> None:
    if replica.running:
        replica.signal(signal.SIGCONT)
        replica.kill()


def _free_port_of_all() -> int:
    """Return a port that is free on all addresses of the headless name."""
    while True:
        port = free_port()
        try:
            for host in HOSTS[1:]:
                socket.create_server((host, port)).close()
        except OSError:
            continue
        return port
