"""Calls of a single replica, and waiting for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.key import read_key
from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.chaos.isolation import open_client
from tests.chaos.replicas import Replica
from tests.engine.world import ALICE

T = TypeVar("T")

WAIT_SECONDS = 60.0
ASKED = query(ALICE, "app")


def client_of(replica: Replica) -> RolecallClient:
    return open_client(replica.address, 10)


def check(replica: Replica, consistency: d.Consistency | None = None) -> d.Decision:
    with client_of(replica) as client:
        return client.check(ASKED, consistency=consistency).decision


def fully_consistent(replica: Replica) -> d.Decision:
    return eventually(lambda: check(replica, d.Consistency(fully_consistent=True)))


def served(replica: Replica, *, restored: bool) -> d.Decision | None:
    """Return an answer if it comes from a restored state, or if it does not; None otherwise."""
    decision = check(replica)
    return decision if (decision.served_from == d.SERVED_FROM_RESTORED) == restored else None


def write(replica: Replica) -> r.UpdateRoleResponse:
    with client_of(replica) as client:
        return client.update_role(r.UpdateRoleRequest(role="app", description=f"at {time.monotonic_ns()}"))


def has_saved(replica: Replica, revision: int) -> bool:
    """Report whether the snapshot file of a replica has come as far as a revision."""
    file = SnapshotFile(replica.snapshot, read_key(replica.snapshot_key))
    try:
        return file.read().position.revision >= revision
    except SnapshotFileError:
        return False


def restart(replica: Replica) -> None:
    replica.kill()
    replica.start()
    replica.wait_ready()


def status_once_logged(replica: Replica, words: str) -> int:
    """Return the status of readiness once the log of the replica contains `words`, 0 before."""
    return replica.readiness() if words in replica.log_text() else 0


def error_of(call: Callable[[], object]) -> RolecallError:
    with pytest.raises(RolecallError) as caught:
        call()
    return caught.value


def staleness(decision: d.Decision) -> float:
    return decision.staleness.ToMicroseconds() / 1_000_000


def gauge(metrics: str, name: str) -> float:
    return next(float(line.split()[1]) for line in metrics.splitlines() if line.startswith(f"{name} "))


def eventually(call: Callable[[], T | None]) -> T:
    """Repeat a call until it returns something, and return that."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            found = call()
        except (RolecallError, OSError):
            found = None
            if time.monotonic() > until:
                raise
        if found:
            return found
        assert time.monotonic() < until, "no result in time"
        time.sleep(0.1)
