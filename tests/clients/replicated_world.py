"""A small model of replicas, their answers and one watch over them, to which a client's cache is held."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field

from rolecall_client import AnswerCacheOptions
from rolecall_client.answer_cache import AnswerCache, Asked
from rolecall_client.answer_keys import exact_key
from rolecall_client.v1 import decision_pb2 as d, watch_pb2 as w
from tests.clients.answers import SteppedClock, answer, change, checkpoint, simple

ROLES = ("a", "b")
OPTIONS = AnswerCacheOptions(max_staleness_seconds=10, unwatched_seconds=5, max_age_seconds=40)
BOUND_SECONDS = 10.0
ROUNDING_SECONDS = 0.02

History = list[tuple[int, str]]
"""The unique number of each commit, and the role that it changed. A revision is a position in it, from 1."""


@dataclass
class Replica:
    """What one server has applied, of which history, and when that was complete; `complete` has the time of each revision before."""

    seen_at: float
    incarnation: int = 0
    commits: History = field(default_factory=list)
    complete: dict[int, float] = field(default_factory=dict)


@dataclass
class Stream:
    """A watch on its way from a replica: what was sent and has not arrived."""

    replica: Replica
    incarnation: int
    opened_at: float
    sent: int
    messages: deque[w.RoleWatchChange | w.WatchCheckpoint] = field(default_factory=deque)


class World:
    """Roles, whose versions are named by the commit that made them; each step takes two small numbers."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.cache = AnswerCache(OPTIONS, self.clock)
        self.commits: History = []
        self.incarnation, self._numbers = 0, itertools.count(1)
        self.truth: list[tuple[float, dict[str, int]]] = [(self.clock.now, versions([]))]
        self.replicas = [Replica(self.clock.now), Replica(self.clock.now)]
        self.pending: list[tuple[str, d.CheckAssumeRoleResponse, Asked]] = []
        self.stream: Stream | None = None
        self.reached: tuple[int, int] | None = None
        self.found = 0

    def advance(self, number: int, _: int) -> None:
        """Let time pass, up to six seconds."""
        self.clock.now += number * 0.75 + 0.001

    def write(self, number: int, _: int) -> None:
        """Commit a change of a role."""
        self.commits = [*self.commits, (next(self._numbers), ROLES[number % 2])]
        self.truth.append((self.clock.now, versions(self.commits)))

    def lose(self, number: int, _: int) -> None:
        """Lose the last commits, as a failover can: from now on there is another history."""
        self.commits = self.commits[: max(0, len(self.commits) - number)]
        self.incarnation += 1
        self.truth.append((self.clock.now, versions(self.commits)))

    def poll(self, number: int, _: int) -> None:
        """Let a replica apply every commit, or read another history."""
        replica = self.replicas[number % 2]
        if replica.incarnation != self.incarnation:
            replica.incarnation, replica.complete = self.incarnation, {}
        for revision in range(len(replica.commits), len(self.commits)):
            replica.complete[revision] = replica.seen_at
        replica.commits, replica.seen_at = self.commits, self.clock.now

    def ask(self, number: int, other: int) -> None:
        """Send a query to a replica, which decides at once; the answer travels. Some decisions end after two seconds."""
        role, replica = ROLES[number % 2], self.replicas[other % 2]
        response = answer(
            len(replica.commits),
            staleness=self.clock.now - replica.seen_at,
            valid_for=2 if number > 5 else None,
            decision_id=str(versions(replica.commits)[role]),
        )
        response.decision.max_session_duration_seconds = round(self.clock.now * 1_000) + 2_000 if number > 5 else 0
        self.pending.append((role, response, self.cache.asked()))

    def arrive(self, number: int, _: int) -> None:
        """Let an answer arrive, in any order."""
        if self.pending:
            role, response, asked = self.pending.pop(number % len(self.pending))
            self.cache.put(exact_key(simple(role)), response, asked)

    def open(self, number: int, _: int) -> None:
        """Resume the watch on a replica that has what was received, on a stream that loses what had not arrived."""
        replica = self.replicas[number % 2]
        if self.reached is None or self.reached[0] != replica.incarnation:
            self.restart(number, 0)
        elif len(replica.commits) >= self.reached[1]:
            self.stream = Stream(replica, replica.incarnation, self.clock.now, self.reached[1])

    def restart(self, number: int, _: int) -> None:
        """Start the watch over, from the current revision of a replica."""
        replica = self.replicas[number % 2]
        self.cache.restart()
        self.stream = Stream(replica, replica.incarnation, self.clock.now, len(replica.commits))
        self.reached = None

    def send(self, number: int, _: int) -> None:
        """Let the server send a checkpoint, every later change, and another checkpoint."""
        if (stream := self.stream) is None:
            return
        if stream.incarnation != stream.replica.incarnation:
            self.restart(number, 0)
            return
        self._send_checkpoint(stream)
        for number_, (_, role) in enumerate(stream.replica.commits[stream.sent :], stream.sent + 1):
            stream.messages.append(change(number_, role))
        stream.sent = len(stream.replica.commits)
        self._send_checkpoint(stream)

    def deliver(self, number: int, _: int) -> None:
        """Let some messages of the stream arrive, in order."""
        for _ in range(number + 1):
            if self.stream is None or not self.stream.messages:
                return
            message = self.stream.messages.popleft()
            if isinstance(message, w.RoleWatchChange):
                self.cache.change(message)
            else:
                self.cache.checkpoint(message, self.stream.opened_at)
                self.reached = self.stream.incarnation, message.revision

    def find(self, number: int, _: int) -> None:
        """Check what the cache returns: it is what is true now, or was within the staleness that it states."""
        role, now = ROLES[number % 2], self.clock.now
        found = self.cache.find(exact_key(simple(role)))
        if found is None:
            return
        self.found += 1
        decision = found.decision
        staleness, ends_at = decision.staleness.ToMilliseconds() / 1_000, decision.max_session_duration_seconds / 1_000
        assert staleness <= BOUND_SECONDS + ROUNDING_SECONDS, "older than the bound"
        assert self._was_true(role, int(decision.decision_id), since=now - staleness), "older than it states"
        assert not decision.HasField("valid_until") or now < ends_at, "after its end"

    def _was_true(self, role: str, version: int, *, since: float) -> bool:
        ends = [*(at for at, _ in self.truth[1:]), self.clock.now]
        return any(
            state[role] == version and ended >= since for (_, state), ended in zip(self.truth, ends, strict=True)
        )

    def _send_checkpoint(self, stream: Stream) -> None:
        replica, now = stream.replica, self.clock.now
        complete = replica.seen_at if stream.sent == len(replica.commits) else replica.complete.get(stream.sent, 0.0)
        message = checkpoint(stream.sent, stream_age=now - stream.opened_at, staleness=now - complete)
        stream.messages.append(message)


def versions(commits: History) -> dict[str, int]:
    """Return the commit that made the version of each role."""
    return dict.fromkeys(ROLES, 0) | {role: number for number, role in commits}
