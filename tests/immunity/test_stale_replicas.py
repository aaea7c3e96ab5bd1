"""A replica in a client never allows by roles that are older than its limit, whatever happens to its stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rolecall_client import RolecallClient, query
from rolecall_client.boottime import boottime
from rolecall_client.following import Following
from rolecall_client.local import LocalOptions, LocalReplica
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, watch_pb2 as w
from tests.chaos.proxy import Proxy
from tests.cli.serving import ACCOUNT, served
from tests.clients.local.feeding import CALL
from tests.clients.test_client import ALICE, create
from tests.engine.world import deny, document

ROLE = f"{ACCOUNT}/paid"
LIMIT_SECONDS = 10.0
PATIENCE_SECONDS = 30.0


@dataclass
class LaterClock:
    """`boottime`, and as much later as a test says."""

    later: float = 0.0

    def __call__(self) -> float:
        return boottime() + self.later


@dataclass(frozen=True)
class Followed:
    """A replica that follows a server through a proxy, and a client that writes to the server directly."""

    replica: LocalReplica
    writer: RolecallClient
    proxy: Proxy
    clock: LaterClock

    def allowed(self) -> bool | None:
        """Return whether the replica allows; None: it leaves the question to the server."""
        answer = self.replica.answer(query(ALICE, ROLE), None, CALL)
        return None if answer is None else answer.decision.allowed

    def revoke(self) -> int:
        changed = r.UpdateRoleRequest(role=ROLE, assume_role_policy_document=document(deny(ALICE)))
        return self.writer.update_role(changed).role.revision


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with served(directory=tmp_path) as address:
        yield address


@pytest.fixture
def followed(address: str) -> Iterator[Followed]:
    host, _, port = address.rpartition(":")
    proxy, clock = Proxy(host, int(port)), LaterClock()
    replica = LocalReplica(LocalOptions(max_staleness_seconds=LIMIT_SECONDS), clock=clock)
    with RolecallClient(address) as writer, RolecallClient(f"127.0.0.1:{proxy.port}") as through:
        create(writer, "paid")
        request = w.WatchRolesRequest(include_initial_state=True)
        following = Following(replica, through._open_watch, request, timeout=30)
        following.start()
        assert replica.wait_until_ready(30)
        yield Followed(replica, writer, proxy, clock)
        following.close()
    proxy.close()


def eventually(condition: Callable[[], bool]) -> None:
    late = boottime() + PATIENCE_SECONDS
    while not condition():
        assert boottime() < late, "it did not happen"
        threading.Event().wait(0.01)


def test_a_stream_that_falls_silent_while_a_role_is_revoked_does_not_allow_beyond_the_limit(followed: Followed) -> None:
    followed.proxy.silence()
    followed.revoke()

    within = followed.allowed()
    followed.clock.later = LIMIT_SECONDS
    beyond = followed.allowed()

    assert (within, beyond) == (True, None)


def test_a_connection_that_breaks_while_a_role_is_revoked_does_not_allow_beyond_the_limit(followed: Followed) -> None:
    followed.proxy.refuse()
    followed.revoke()

    within = followed.allowed()
    followed.clock.later = LIMIT_SECONDS
    beyond = followed.allowed()

    assert (within, beyond) == (True, None)


def test_checkpoints_that_were_held_back_do_not_make_old_roles_young(followed: Followed) -> None:
    """They arrive a minute after they were sent, so the state that they confirm is a minute old."""
    confirmed = threading.Event()
    checkpoint = followed.replica.checkpoint

    def noted(message: w.WatchCheckpoint, opened_at: float) -> None:
        checkpoint(message, opened_at)
        confirmed.set()

    followed.replica.checkpoint = noted  # type: ignore[method-assign, assignment]
    followed.proxy.silence()
    create(followed.writer, "other")
    followed.clock.later = 60
    followed.proxy.open()
    assert confirmed.wait(30)

    assert followed.allowed() is None
    assert (followed.replica.staleness() or 0) > 59


def test_a_revocation_decides_as_soon_as_the_stream_continues(followed: Followed) -> None:
    followed.proxy.refuse()
    revision = followed.revoke()
    followed.proxy.open()

    eventually(lambda: followed.replica.revision >= revision)

    assert followed.allowed() is False


def test_another_history_behind_the_same_address_decides_by_its_own_roles(followed: Followed, tmp_path: Path) -> None:
    """As after a restore from a backup: the revisions are lower, and the tokens of the old history mean nothing."""
    for name in ("more", "and-more"):
        create(followed.writer, name)
    (tmp_path / "other").mkdir()
    eventually(lambda: followed.replica.revision == 3)
    old = d.Consistency(at_least_as_fresh=followed.replica._state.token)

    with served(directory=tmp_path / "other") as address, RolecallClient(address) as writer:
        writer.create_role(r.CreateRoleRequest(role_name="paid", assume_role_policy_document=document(deny(ALICE))))
        followed.proxy.redirect(int(address.rpartition(":")[2]))
        eventually(lambda: followed.replica.revision == 1 and followed.replica.ready)

        assert followed.allowed() is False
        assert followed.replica.answer(query(ALICE, ROLE), old, CALL) is None
