"""The workers of a run: writers, checkers and a watcher, each on a thread of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from threading import Event, Thread

from tests.chaos.agents import LOCAL_MODES, PASSED_MODES, Agent, is_local
from tests.chaos.checkers import Checker
from tests.chaos.environment import target_of
from tests.chaos.isolation import open_client
from tests.chaos.questions import Question
from tests.chaos.record import ALONE, Outcome, Record, Written
from tests.chaos.replicas import Replica
from tests.chaos.watchers import Watcher
from tests.chaos.workload import COLD, HOT, draw_apply
from tests.chaos.writers import Writer, attempt

WRITERS = 4
WRITE_PAUSE, CHECK_PAUSE = 0.04, 0.02
JOIN_SECONDS = 60.0
FIRST_ID = "00000000-0000-4000-8000-000000000000"


class Workers:
    """All clients of the replicas and of the agent. Half of the writers and checkers call one replica, the others all of them."""

    def __init__(
        self, replicas: Sequence[Replica], agent: Agent, record: Record, questions: Sequence[Question], seed: str
    ) -> None:
        self._record, self._seed = record, seed
        self._replicas, self._target = replicas, target_of(replicas)
        self._ended, self._watching_ended = Event(), Event()
        self._writers = [
            Writer(f"writer-{n}", self._address(n), record, random=self._random(f"writer-{n}"), pause=WRITE_PAUSE)
            for n in range(WRITERS)
        ]
        self._checkers = [
            Checker(
                f"checker-{n}",
                self._address(n),
                record,
                questions,
                random=self._random(f"checker-{n}"),
                pause=CHECK_PAUSE,
            )
            for n in range(2 * len(replicas))
        ]
        local = [question for question in questions if is_local(question)]
        self._checkers += [
            self._agent_checker(ALONE, agent, local, LOCAL_MODES),
            self._agent_checker("agent-passing", agent, questions, PASSED_MODES),
        ]
        self._threads: list[Thread] = []
        self.watcher = Watcher("watcher", self._target, record)
        self._watching: Thread | None = None

    def start(self) -> None:
        """Write a first set of roles, and start all workers."""
        first = self._first_roles()
        self._watching = self._thread(self.watcher.name, partial(self.watcher.run, first, self._watching_ended))
        workers: Sequence[Writer | Checker] = [*self._writers, *self._checkers]
        self._threads = [self._thread(one.name, partial(one.run, self._ended)) for one in workers]

    def stop(self) -> None:
        """Stop writers and checkers after their current calls; the watcher continues."""
        self._ended.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                self._record.strange.append(f"{thread.name} hangs")

    def resolve(self) -> int:
        """Repeat every write whose outcome is unknown; return how many there were."""
        unknown = self._record.unknown()
        with open_client(self._target, 20) as client:
            for written in unknown:
                attempt(written, client, self._record, who="resolver")
                written.resolved = True
        return len(unknown)

    def stop_watching(self) -> None:
        """Stop the watcher."""
        self._watching_ended.set()
        if self._watching:
            self._watching.join(JOIN_SECONDS)
        self.watcher.close()

    def _first_roles(self) -> str:
        """Return a consistency token of the first write."""
        written = Written(draw_apply(self._random("first"), FIRST_ID, [*HOT, *COLD[::2]]))
        self._record.written.append(written)
        with open_client(self._target, 20) as client:
            attempt(written, client, self._record, who="first")
        if written.outcome is not Outcome.ACKNOWLEDGED:
            raise RuntimeError(f"the first write failed: {written.code}")
        return self._record.tokens[-1].text

    def _agent_checker(self, name: str, agent: Agent, questions: Sequence[Question], modes: Sequence[str]) -> Checker:
        random = self._random(name)
        return Checker(name, agent.address, self._record, questions, random=random, pause=CHECK_PAUSE, modes=modes)

    def _address(self, number: int) -> str:
        return self._target if number % 2 else self._replicas[number // 2 % len(self._replicas)].address

    def _random(self, name: str) -> Random:
        return Random(f"{self._seed} {name}")

    def _thread(self, name: str, work: Callable[[], None]) -> Thread:
        def guarded() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001  (any failure must fail the run)
                self._record.strange.append(f"{name}: {traceback.format_exc()}")

        thread = Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread
