"""An agent for tests: a real `rolecall agent` process on a unix socket, which follows one replica through a proxy."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.isolation import open_client
from tests.chaos.proxy import Proxy
from tests.chaos.questions import Question
from tests.chaos.record import boottime
from tests.chaos.replicas import Replica, ReplicaError

CALL_SECONDS = 5.0
CATCH_UP_SECONDS = 30.0
"""After this time an agent counts as stuck."""

CALLERS = "callers: [{name: node, match: {local: true}, policies: [AdministratorAccess]}]\n"
"""Without a callers file the callers of an agent may not assert federated identities."""

ASKED = query("ecs.aliyuncs.com", "hot-0")
FULLY = d.Consistency(fully_consistent=True)
LOCAL_MODES = ("check", "batch", "stream")
"""The requests that an agent answers without its server."""

PASSED_MODES = (*LOCAL_MODES, "fresh", "consistent")
"""With the requests that it puts to its server."""


class Agent(Replica):
    """One agent. Its `store` is the address of the server that it follows; `caught_up` has seconds from each return of that server."""

    command: ClassVar = "agent"
    store_flag: ClassVar = "upstream"

    def __init__(self, name: str, upstream: str, directory: Path, **settings: object) -> None:
        listen = f"unix://{directory / name}.sock"
        super().__init__(name, upstream, directory, listen=listen, **settings)
        self.caught_up: list[float] = []
        self._callers = self.directory / "callers.yaml"
        self._callers.write_text(CALLERS)

    def catch_up(self, replica: Replica, connect: Callable[[], object]) -> None:
        """Connect the agent again, and wait until it has what it missed; raise `ReplicaError` if it takes too long."""
        with open_client(replica.address, CALL_SECONDS) as asked, open_client(self.address, CALL_SECONDS) as client:
            # What the agent has missed is read before, and its own connection is open, so that only the agent is timed.
            _answered(client)
            wanted = _answered(asked, FULLY).revision
            began = boottime()
            connect()
            while _answered(client).revision < wanted:
                if boottime() > began + CATCH_UP_SECONDS:
                    raise ReplicaError(f"{self.name} has not reached revision {wanted}: {self.log_text()[-2_000:]}")
                time.sleep(0.01)
        self.caught_up.append(boottime() - began)

    def _flags(self) -> list[str]:
        return [*super()._flags(), "--no-source-identity-needs-allow", "--callers", str(self._callers)]


@contextmanager
def running_agent(replica: Replica, directory: Path, **settings: object) -> Iterator[tuple[Agent, Proxy]]:
    """Yield an agent that is ready, and the proxy between it and the replica that it follows; end both afterwards."""
    host, _, port = replica.address.rpartition(":")
    proxy = Proxy(host, int(port))
    try:
        agent = Agent("agent", f"127.0.0.1:{proxy.port}", directory, **settings)
        agent.start()
        try:
            agent.wait_ready()
            yield agent, proxy
        finally:
            agent.signal(signal.SIGCONT)
            agent.kill()
    finally:
        proxy.close()


def is_local(question: Question) -> bool:
    """Return whether an agent can decide a question itself: it does not know the providers of federated identities."""
    return "federated" not in question.asked


def _answered(client: RolecallClient, consistency: d.Consistency | None = None) -> d.Decision:
    """Return the decision once there is one: a server may just have started."""
    until = boottime() + CATCH_UP_SECONDS
    while True:
        try:
            return client.check(ASKED, consistency=consistency).decision
        except RolecallError as error:
            if boottime() > until:
                raise ReplicaError(f"no decision: {error}") from error
            time.sleep(0.01)
