"""Rounds on one store: writes and questions at the same time; then, while nothing is written, lists and a comparison of the watches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from random import Random

from rolecall_client.v1 import decision_pb2 as d
from tests.soak.answers import Answered, Mismatch
from tests.soak.asking import Asker
from tests.soak.documents import Drawn
from tests.soak.figures import StoreFigures
from tests.soak.judging import Judge, given_verdict, shown
from tests.soak.judging_lists import list_mismatches
from tests.soak.listing import listed
from tests.soak.model import Model, Stored, key_of_text, microseconds
from tests.soak.sending import Sender
from tests.soak.servers import Asks
from tests.soak.watching import Watched
from tests.soak.writing import Writer

ROUND_SECONDS = 3.0
_MOST_ANSWERS = 4_000
_LISTS = 6
_WRITE_PAUSE_SECONDS = 0.05

Found = Callable[[Mismatch], None]


class StoreRounds:
    """The rounds on one store, which begin with `start`; `seed` gives everything that is drawn."""

    def __init__(self, name: str, seed: int, servers: Sequence[Asks], found: Found) -> None:
        self.figures = StoreFigures()
        self._name, self._seed, self._servers, self._found = name, f"{seed}/{name}", servers, found
        self._model = Model()
        random = Random(self._seed)
        self._sender = Sender(servers, random)
        self._writer = Writer(self._sender, self._model, random)
        self._watches: list[Watched] = []

    async def start(self) -> None:
        """Create the first roles, and begin to watch."""
        self._watches = [Watched(server) for server in self._servers]
        self.figures.watches += len(self._watches)
        await self._writer.renew(self._drawn("start"))
        await self._settle(Random(self._seed), judged=[])

    async def round(self) -> None:
        """Make one round and judge all of it; raise `UnpredictedWriteError` where nothing more can be judged."""
        random = Random(f"{self._seed}/{self.figures.rounds}")
        # The policies of this round have conditions on times that lie within it.
        await self._writer.renew(self._drawn("first"))
        until = time.monotonic() + ROUND_SECONDS
        askers = [Asker(server, self._model, random, self._model.revision) for server in self._servers]
        resumed = self._resumed(random)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_until(until))
            for asker in askers:
                group.create_task(asker.ask_until(until, _MOST_ANSWERS // len(askers)))
        for asker in askers:
            self._judge(asker.answers)
        await self._settle(random, judged=[*self._watches, resumed])
        self.figures.events += resumed.events
        await resumed.end()
        self._count()

    async def end(self) -> None:
        """End the watches, and judge what the servers have logged."""
        for watch in self._watches:
            await watch.end()
        for server in self._servers:
            for line in server.log().splitlines():
                if not _is_warning(line):
                    self._mismatch(server.name, "log", f"the server has logged: {line}", {})

    async def _write_until(self, until: float) -> None:
        number = 0
        while time.monotonic() < until:
            await self._writer.write(self._drawn(number))
            await asyncio.sleep(_WRITE_PAUSE_SECONDS)
            number += 1

    def _drawn(self, what: object) -> Drawn:
        return Drawn(f"{self._seed}/{self.figures.rounds}/{what}", microseconds())

    def _resumed(self, random: Random) -> Watched:
        """Return a watch that continues, through any server, where one of the others is; or one that begins."""
        self.figures.watches += 1
        server, other = random.choice(self._servers), random.choice(self._watches)
        if random.random() < 0.3:
            return Watched(server)
        return Watched(server, token=other.token, roles=other.roles, since=other.revision)

    async def _settle(self, random: Random, judged: Sequence[Watched]) -> None:
        """Wait until every server has the newest state; then list roles, and compare the watches."""
        for server in self._servers:
            asker = Asker(server, self._model, random, self._model.revision)
            await asker.check_current()
            self._judge(asker.answers)
            for _ in range(_LISTS if judged else 0):
                one = await listed(server, random, random.choice(self._model.present()).document)
                self.figures.lists += 1
                self.figures.listed.update(
                    d.Assumability.Name(role.outcome).removeprefix("ASSUMABILITY_") for role in one.roles
                )
                for what in list_mismatches(one, self._model):
                    self._mismatch(one.server, "list", what, {"asked": shown(one.asked), "sent": one.sent})
        for watch in judged:
            await watch.reach(self._model.revision)
            for what in watch.mismatches(self._model):
                self._mismatch(watch.server, "watch", what, {"revision": self._model.revision})
        self._model.forget_old_changes()

    def _judge(self, answers: Sequence[Answered]) -> None:
        judge = Judge(self._model)
        for answered in answers:
            self.figures.answers[answered.way] += 1
            if answered.decision is None:
                self.figures.refused += 1
            else:
                self.figures.reasons[given_verdict(answered.decision).reason] += 1
                self.figures.cached += answered.decision.served_from == d.SERVED_FROM_CACHED
                self.figures.timed += answered.decision.HasField("valid_until")
            for what in judge.mismatches(answered):
                self._mismatch(answered.server, answered.way, what, self._case(answered))
        self.figures.changed_by_time += judge.changed_by_time

    def _case(self, answered: Answered) -> dict[str, object]:
        revision = answered.decision.revision if answered.decision else self._model.revision
        role = self._model.at(key_of_text(answered.asked.role), revision if answered.past is None else answered.past)
        return {
            "asked": shown(answered.asked),
            "sent": answered.sent,
            "received": answered.received,
            "assume_time": answered.at,
            "at_revision": answered.past,
            "revision": revision,
            "least_revision": answered.least,
            "role": _role_shown(role),
        }

    def _mismatch(self, server: str, way: str, what: str, case: dict[str, object]) -> None:
        self._found(Mismatch(self._name, server, way, what, case))

    def _count(self) -> None:
        self.figures.rounds += 1
        self.figures.revisions = self._model.revision
        self.figures.writes = self._writer.written.copy()
        self.figures.writes["repeat"] = self._sender.repeats
        self.figures.events += sum(watch.events for watch in self._watches)
        for watch in self._watches:
            watch.events = 0


def _role_shown(role: Stored | None) -> object:
    if role is None:
        return None
    return {
        "arn": role.arn,
        "role_id": role.role_id,
        "tags": dict(role.tags),
        "max_session_duration_seconds": role.duration,
        "trust_policy": role.text,
        "revision": role.revision,
    }


def _is_warning(line: str) -> bool:
    """Return whether a line is a warning of the log: not an error, nor what something else has written."""
    try:
        return bool(json.loads(line)["level"] == "warning")
    except (ValueError, TypeError, KeyError):
        return False
