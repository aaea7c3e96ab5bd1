"""Feeds a replica as a watch would, without a server; and a layer below it that notes what it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration

from rolecall_client.checks import CallOptions
from rolecall_client.local import LocalOptions, LocalReplica
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, watch_pb2 as w
from tests.engine.world import ACCOUNT, NOON

OPENED = 50.0
CALL = CallOptions(timeout=10)


@dataclass
class Clocks:
    """The clock of ages in seconds, and the time of day in microseconds, both set by the test."""

    age: float = OPENED
    time: int = NOON

    def boottime(self) -> float:
        return self.age

    def time_of_day(self) -> int:
        return self.time


@dataclass
class Server:
    """Answers every check with an allow of `server`, and notes the queries."""

    asked: list[d.AssumeRoleQuery] = field(default_factory=list)

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        self.asked.append(query)
        return d.CheckAssumeRoleResponse(decision=d.Decision(allowed=True, decision_id="server"))


@dataclass
class AsyncServer:
    """The same for an event loop."""

    server: Server = field(default_factory=Server)

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        return self.server.check(query, consistency, options)


def changed(
    document: str,
    *,
    name: str = "app",
    account: str = ACCOUNT,
    revision: int = 1,
    kind: Any = r.CHANGE_KIND_CREATED,
    **fields: Any,
) -> w.RoleWatchChange:
    role = r.Role(
        role_id=f"{revision}",
        role_name=name,
        account_id=account,
        assume_role_policy_document=document,
        max_session_duration_seconds=3_600,
        revision=revision,
        **fields,
    )
    return w.RoleWatchChange(revision=revision, kind=kind, role=role)


def checkpoint(revision: int, *, staleness: float = 0, stream_age: float = 0) -> w.WatchCheckpoint:
    ages = [Duration(), Duration()]
    for message, seconds in zip(ages, (staleness, stream_age), strict=True):
        message.FromMicroseconds(round(seconds * 1_000_000))
    return w.WatchCheckpoint(revision=revision, token=f"token-{revision}", staleness=ages[0], stream_age=ages[1])


def fed(*found: w.RoleWatchChange, clocks: Clocks | None = None, revision: int = 5, **options: Any) -> LocalReplica:
    """Return a replica with these roles at a revision."""
    clocks = clocks or Clocks()
    replica = LocalReplica(LocalOptions(**options), clock=clocks.boottime, time_of_day=clocks.time_of_day)
    replica.restart()
    for change in found:
        replica.change(change)
    replica.checkpoint(checkpoint(revision), clocks.age)
    return replica
