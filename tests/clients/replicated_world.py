"""A small model of replicas, their answers and one watch over them, to which a client's cache is held."""

from __future__ import annotations

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


@dataclass
class Replica:
    """What one server has applied, and when that was complete; `complete` has that time for each earlier revision."""

    revision: int = 0
    seen_at: float = 0.0
    complete: dict[int, float] = field(default_factory=dict)


@dataclass
class Stream:
    """A watch on its way from a replica: what was sent and has not arrived."""

    replica: Replica
    opened_at: float
    sent: int
    messages: deque[w.RoleWatchChange | w.WatchCheckpoint] = field(default_factory=deque)


class World:
    """Roles whose versions are numbered by the revision of their last change; each step takes two small numbers."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.cache = AnswerCache(OPTIONS, self.clock)
        self.commits: list[tuple[float, str]] = []
        self.replicas = [Replica(seen_at=self.clock.now), Replica(seen_at=self.clock.now)]
        self.pending: list[tuple[str, d.CheckAssumeRoleResponse, Asked]] = []
        self.stream: Stream | None = None
        self.reached: int | None = None
        self.found = 0

    def advance(self, number: int, _: int) -> None:
        """Let time pass, up to six seconds."""
        self.clock.now += number * 0.75 + 0.001

    def write(self, number: int, _: int) -> None:
        """Commit a change of a role."""
        self.commits.append((self.clock.now, ROLES[number % 2]))

    def poll(self, number: int, _: int) -> None:
        """Let a replica apply every commit."""
        replica = self.replicas[number % 2]
        for revision in range(replica.revision, len(self.commits)):
            replica.complete[revision] = replica.seen_at
        replica.revision, replica.seen_at = len(self.commits), self.clock.now

    def ask(self, number: int, other: int) -> None:
        """Send a query to a replica, which decides at once; the answer travels. Some decisions end after two seconds."""
        role, replica = ROLES[number % 2], self.replicas[other % 2]
        response = answer(
            replica.revision,
            staleness=self.clock.now - replica.seen_at,
            valid_for=2 if number > 5 else None,
            decision_id=str(self.version(role, replica.revision)),
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
        if self.reached is None:
            self.restart(number, 0)
        elif replica.revision >= self.reached:
            self.stream = Stream(replica, self.clock.now, self.reached)

    def restart(self, number: int, _: int) -> None:
        """Start the watch over, from the current revision of a replica."""
        replica = self.replicas[number % 2]
        self.cache.restart()
        self.stream, self.reached = Stream(replica, self.clock.now, replica.revision), None

    def send(self, _: int, __: int) -> None:
        """Let the server send a checkpoint, every later change, and another checkpoint."""
        if (stream := self.stream) is None:
            return
        self._send_checkpoint(stream)
        while stream.sent < stream.replica.revision:
            stream.sent += 1
            stream.messages.append(change(stream.sent, self.commits[stream.sent - 1][1]))
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
                self.reached = message.revision

    def find(self, number: int, _: int) -> None:
        """Check what the cache returns: it is what a server decides now, or did within the staleness that it states."""
        role, now = ROLES[number % 2], self.clock.now
        found = self.cache.find(exact_key(simple(role)))
        if found is None:
            return
        self.found += 1
        decision = found.decision
        staleness = decision.staleness.ToMilliseconds() / 1_000
        replaced_at = self._replaced_at(role, int(decision.decision_id))
        assert staleness <= BOUND_SECONDS + ROUNDING_SECONDS, "older than the bound"
        assert replaced_at is None or replaced_at >= now - staleness, "older than it states"
        ends_at = decision.max_session_duration_seconds / 1_000
        assert not decision.HasField("valid_until") or now < ends_at, "after its end"

    def version(self, role: str, revision: int) -> int:
        """Return the revision of the last change of a role, as of a revision."""
        return max((n for n, (_, name) in enumerate(self.commits[:revision], 1) if name == role), default=0)

    def _send_checkpoint(self, stream: Stream) -> None:
        replica = stream.replica
        complete = replica.seen_at if stream.sent == replica.revision else replica.complete[stream.sent]
        message = checkpoint(
            stream.sent, stream_age=self.clock.now - stream.opened_at, staleness=self.clock.now - complete
        )
        stream.messages.append(message)

    def _replaced_at(self, role: str, version: int) -> float | None:
        return next((at for at, name in self.commits[version:] if name == role), None)
