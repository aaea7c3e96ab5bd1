"""The database fails over to its standby: under asynchronous replication commits are lost with it, under synchronous none is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from rolecall.storage.open import migrate, open_repository
from rolecall_client import RolecallError
from rolecall_client.channel import open_channel
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, watch_pb2 as w, watch_pb2_grpc
from tests.chaos.asking import ASKED, check, error_of, eventually, fully_consistent, gauge, served
from tests.chaos.database import NAME, Database
from tests.chaos.environment import running_replica, target_of
from tests.chaos.history import read_history
from tests.chaos.isolation import open_client
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica
from tests.chaos.states import state_of
from tests.engine.world import allow, deny, document
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long

MOMENT = 1.0
SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two replicas over a database that has a standby."""

    database: Database
    standby: PostgresServer
    proxies: Sequence[Proxy]
    replicas: Sequence[Replica]

    @property
    def target(self) -> str:
        return target_of(self.replicas)

    def fail_over(self) -> None:
        """The primary is gone, the standby takes its place, and the address of the one leads to the other."""
        self.database.crash()
        self.standby.promote()
        for proxy in self.proxies:
            proxy.redirect(self.standby.port)

    def reached(self, consistency: d.Consistency) -> Sequence[d.Decision]:
        return [eventually(partial(check, replica, consistency)) for replica in self.replicas]


@pytest.fixture
def pair(tmp_path: Path, postgres_binaries: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        database = Database(small_disk=False)
        stack.callback(database.close)
        database.start()
        migrate(database.url)
        standby = database.server.make_standby()
        stack.callback(standby.close)
        joined = [stack.enter_context(running_replica(database, f"replica-{n}", tmp_path)) for n in range(2)]
        for replica, _ in joined:
            replica.wait_ready()
        yield Pair(database, standby, [proxy for _, proxy in joined], [replica for replica, _ in joined])


def test_a_failover_that_loses_commits_is_another_history_to_every_replica(pair: Pair) -> None:
    # Row 69 of the faults.
    kept = put(pair.target, document(allow()))
    pair.reached(there(kept))
    pair.database.server.wait_for_standby(pair.standby)
    pair.standby.fall_behind()
    lost = put(pair.target, document(allow(), deny()))
    before = pair.reached(there(lost))

    with answers_of(pair.replicas) as answered, watched(pair.replicas[0], kept) as resyncs:
        time.sleep(MOMENT)
        pair.fail_over()
        after = [eventually(partial(allowed, replica)) for replica in pair.replicas]
        time.sleep(MOMENT)
        resync = resyncs.result(30)
    refused = [error_of(partial(check, replica, there(token))) for replica in pair.replicas for token in (kept, lost)]
    written = put(pair.target, document(allow()), "afterwards")
    agreed = pair.reached(there(written))
    states = [state_of(replica) for replica in pair.replicas]
    forks = [gauge(replica.ops("/metrics")[1], "rolecall_incarnation_forks_total") for replica in pair.replicas]

    assert [(decision.allowed, decision.revision) for decision in before] == [(False, 2)] * 2
    assert [decision.revision for decision in after] == [1, 1]
    # Each goes over from the state that it held to the one that is left, once, and is there meanwhile.
    assert [turns(answers) for answers in answered] == [["deny at 2", "allow at 1"]] * 2
    assert resync
    assert {(error.code, error.reason) for error in refused} == {("FAILED_PRECONDITION", "UNKNOWN_INCARNATION")}
    assert [decision.revision for decision in agreed] == [2, 2]
    assert states[0] == states[1]
    assert sum(forks) >= 1


def test_a_failover_to_a_synchronous_standby_loses_no_acknowledged_write_and_is_no_other_history(pair: Pair) -> None:
    pair.database.server.execute(SYNCHRONOUS)
    pair.database.server.execute("SELECT pg_reload_conf()")
    first = put(pair.target, document(allow()))
    pair.reached(there(first))

    with answers_of(pair.replicas) as answered, writing(pair.target) as acknowledged:
        time.sleep(2 * MOMENT)
        pair.fail_over()
        count = len(acknowledged)
        eventually(lambda: len(acknowledged) > count + 5)
    decisions = [fully_consistent(replica) for replica in pair.replicas]
    honoured = pair.reached(there(first))
    states = [state_of(replica) for replica in pair.replicas]
    with closing(open_repository(pair.standby.url_of(NAME))) as repository:
        history = read_history(repository)
    forks = [gauge(replica.ops("/metrics")[1], "rolecall_incarnation_forks_total") for replica in pair.replicas]

    assert count > 5
    assert {number: history.revision_of(number) for number in acknowledged} == acknowledged
    assert all(len(history.by_request[number]) == 1 for number in acknowledged)
    assert all(decision.allowed for decision in (*decisions, *honoured))
    assert all(turns(answers)[0].startswith("allow") for answers in answered)
    assert not any("deny" in turn for answers in answered for turn in turns(answers))
    assert states[0] == states[1]
    assert states[0][0] == history.head.revision
    assert forks == [0, 0]


def put(target: str, policy: str, description: str = "") -> str:
    """Make the role be so; return the token of the write."""
    declared = r.RoleDeclaration(
        role_name="app", assume_role_policy_document=policy, description=description or "first"
    )
    with open_client(target, 20) as client:
        return client.apply_roles([declared]).consistency_token


def there(token: str) -> d.Consistency:
    return d.Consistency(at_least_as_fresh=token)


def allowed(replica: Replica) -> d.Decision | None:
    decision = served(replica, restored=False)
    return decision if decision and decision.allowed else None


def turns(answers: Sequence[str]) -> Sequence[str]:
    """Return the answers without those that repeat the one before."""
    return [answer for n, answer in enumerate(answers) if n == 0 or answers[n - 1] != answer]


@contextmanager
def beside(*work: Callable[[Event], None]) -> Iterator[None]:
    """Let each work go on beside what is done; whatever it raises is raised at the end."""
    ended = Event()
    with ThreadPoolExecutor(len(work)) as pool:
        under_way = [pool.submit(one, ended) for one in work]
        try:
            yield
        finally:
            ended.set()
        for one in under_way:
            one.result()


@contextmanager
def answers_of(replicas: Sequence[Replica]) -> Iterator[Sequence[list[str]]]:
    """Ask each replica again and again, from its memory: no answer may fail, whatever becomes of the database."""
    answers = [list[str]() for _ in replicas]

    def ask(replica: Replica, into: list[str], ended: Event) -> None:
        with open_client(replica.address, 10) as client:
            while not ended.is_set():
                decision = client.check(ASKED).decision
                into.append(f"{'allow' if decision.allowed else 'deny'} at {decision.revision}")
                time.sleep(0.005)

    with beside(*(partial(ask, *each) for each in zip(replicas, answers, strict=True))):
        yield answers


@contextmanager
def writing(target: str) -> Iterator[dict[str, int]]:
    """Write again and again, each write until it is acknowledged; give the revisions of those that were, by request id."""
    acknowledged = dict[str, int]()

    def write(ended: Event) -> None:
        with open_client(target, 5) as client:
            while not ended.is_set():
                number = str(uuid.uuid4())
                update = r.UpdateRoleRequest(role="app", description=number, request_id=number)
                while not ended.is_set() and number not in acknowledged:
                    try:
                        acknowledged[number] = client.update_role(update).role.revision
                    except RolecallError as error:
                        if error.code not in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
                            raise

    with beside(write):
        yield acknowledged


@contextmanager
def watched(replica: Replica, token: str) -> Iterator[Future[str]]:
    """Watch from a token on; yield a future with the reason why the watch must resynchronize."""

    def resync() -> str:
        with open_channel(replica.address) as channel:
            request = w.WatchRolesRequest(start_token=token)
            for message in watch_pb2_grpc.WatchServiceStub(channel).WatchRoles(request, timeout=60):
                if message.HasField("resync_required"):
                    return message.resync_required.reason
        return ""

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(resync)
