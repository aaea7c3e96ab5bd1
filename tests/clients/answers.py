"""Answers, queries and watch events for tests of what a client caches."""

from __future__ import annotations

from rolecall_client import AnswerCacheOptions, query
from rolecall_client.answer_cache import AnswerCache
from rolecall_client.answer_keys import exact_key
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, watch_pb2 as w
from tests.clients.test_client import ALICE

ROLE = "acs:ram::123456789012:role/deploy"


class SteppedClock:
    """A clock that the test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def answer(
    revision: int = 5,
    *,
    allowed: bool = True,
    staleness: float = 0,
    valid_for: float | None = None,
    vary_keys: tuple[str, ...] = (),
    decision_id: str = "d-1",
) -> d.CheckAssumeRoleResponse:
    response = d.CheckAssumeRoleResponse(consistency_token=f"token-{revision}")
    decision = response.decision
    decision.allowed, decision.revision, decision.decision_id = allowed, revision, decision_id
    decision.served_from = d.SERVED_FROM_EVALUATED
    decision.vary_keys.extend(vary_keys)
    decision.staleness.FromMilliseconds(round(staleness * 1_000))
    if valid_for is not None:
        decision.valid_until.FromSeconds(2_000_000_000)
        decision.valid_for.FromMilliseconds(round(valid_for * 1_000))
    return response


def checkpoint(revision: int, *, stream_age: float = 0, staleness: float = 0) -> w.WatchCheckpoint:
    message = w.WatchCheckpoint(revision=revision, token=f"token-{revision}")
    message.stream_age.FromMilliseconds(round(stream_age * 1_000))
    message.staleness.FromMilliseconds(round(staleness * 1_000))
    return message


def change(revision: int, name: str = "deploy", account: str = "123456789012") -> w.RoleWatchChange:
    return w.RoleWatchChange(revision=revision, role=r.Role(role_name=name, account_id=account))


class Cached:
    """A cache with a clock that the test sets, and a short way to ask it."""

    def __init__(self, options: AnswerCacheOptions | None = None) -> None:
        self.clock = SteppedClock()
        self.cache = AnswerCache(options, self.clock)

    def watch(self, revision: int = 5, *, staleness: float = 0) -> None:
        """Let the cache be fed by a stream that is opened now."""
        self.cache.checkpoint(checkpoint(revision, staleness=staleness), self.clock.now)

    def put(self, response: d.CheckAssumeRoleResponse, asked: d.AssumeRoleQuery | None = None) -> None:
        """Cache an answer to a query that is sent now."""
        self.cache.put(exact_key(asked or simple()), response, self.cache.asked())

    def find(self, asked: d.AssumeRoleQuery | None = None) -> d.CheckAssumeRoleResponse | None:
        """Look for the answer to a query."""
        return self.cache.find(exact_key(asked or simple()))

    def found(self, asked: d.AssumeRoleQuery | None = None) -> bool:
        """Return whether there is an answer to a query."""
        return self.find(asked) is not None


def simple(role: str = ROLE, **fields: str) -> d.AssumeRoleQuery:
    return query(ALICE, role, **fields)  # type: ignore[arg-type]  # texts only
