"""What replicas do while the database is away, or they themselves are: decisions go on, and every answer says how old it may be."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status

from rolecall.storage.postgres.driver import TIMEOUTS
from rolecall_client import query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, role_pb2_grpc
from tests.chaos.asking import (
    ASKED,
    check,
    client_of,
    error_of,
    eventually,
    fully_consistent,
    gauge,
    staleness,
    write,
)
from tests.chaos.conftest import MAX_STALENESS_SECONDS
from tests.chaos.environment import Environment, running_replica
from tests.chaos.isolation import open_client
from tests.chaos.proxy import Proxy
from tests.chaos.record import boottime
from tests.chaos.replicas import Replica
from tests.engine.world import ALICE

pytestmark = pytest.mark.long

SILENCE_SECONDS = TIMEOUTS.response / 1_000

# --- the database is away


def test_decisions_go_on_while_the_database_is_down_and_say_how_old_they_are(environment: Environment) -> None:
    # Row 66 of the faults.
    environment.database.crash()
    down_since = boottime()
    time.sleep(1)
    first = [check(replica) for replica in environment.replicas]
    refused = [error_of(partial(write, replica)) for replica in environment.replicas]
    time.sleep(1)
    asked_at = boottime()
    second = [check(replica) for replica in environment.replicas]
    ready = [replica.readiness() for replica in environment.replicas]
    metrics = [replica.ops("/metrics")[1] for replica in environment.replicas]

    assert all(decision.allowed for decision in (*first, *second))
    assert all(staleness(after) > staleness(before) >= 0.5 for before, after in zip(first, second, strict=True))
    assert all(staleness(decision) >= asked_at - down_since for decision in second)
    assert ready == [200] * len(environment.replicas)
    assert {(error.code, error.reason) for error in refused} == {("UNAVAILABLE", "STORE_UNAVAILABLE")}
    assert all(gauge(page, "rolecall_snapshot_staleness_seconds") >= 2 for page in metrics)


def test_writes_and_fresh_reads_go_on_when_the_database_is_back(environment: Environment) -> None:
    # Row 66 of the faults.
    environment.database.crash()
    down_since = boottime()
    time.sleep(1)
    environment.database.start()

    written = eventually(lambda: write(environment.replicas[0]))
    reached = [fully_consistent(replica) for replica in environment.replicas]

    assert all(decision.revision >= written.role.revision for decision in reached)
    assert all(staleness(decision) < boottime() - down_since for decision in reached)


def test_past_max_staleness_nothing_is_answered_and_nothing_denied(
    environment: Environment, strict: tuple[Replica, Proxy]
) -> None:
    replica, _ = strict
    before = check(replica)

    environment.database.crash()
    time.sleep(MAX_STALENESS_SECONDS + 1)
    with client_of(replica) as client:
        errors = [
            error_of(lambda: client.check(ASKED)),
            error_of(lambda: client.batch_check([ASKED])),
            error_of(lambda: client.explain(ASKED)),
            error_of(lambda: list(client.what_can(query(ALICE)))),
            error_of(lambda: client.who_can("app")),
        ]
    others = [check(other) for other in environment.replicas]
    environment.database.start()
    after = eventually(lambda: check(replica))

    assert {(error.code, error.reason) for error in errors} == {("UNAVAILABLE", "STATE_TOO_OLD")}
    assert replica.readiness() == 200
    assert all(decision.allowed for decision in (before, after, *others))


def test_a_refused_write_says_when_to_try_again(environment: Environment) -> None:
    environment.database.crash()

    with grpc.insecure_channel(environment.replicas[0].address) as channel, pytest.raises(grpc.RpcError) as caught:
        role_pb2_grpc.RoleServiceStub(channel).DeleteRole(r.DeleteRoleRequest(role="app"), timeout=10)
    call: Any = caught.value
    status = rpc_status.from_call(call)
    retry = error_details_pb2.RetryInfo()

    assert status.code == code_pb2.UNAVAILABLE
    assert [detail.Unpack(retry) for detail in status.details].count(True) == 1
    assert retry.retry_delay.ToMilliseconds() > 0


# --- tokens


def test_a_token_ahead_of_a_replica_that_cannot_see_the_store_is_unavailable_and_never_a_deny(
    environment: Environment,
) -> None:
    # Row 56 of the faults.
    ahead, behind = environment.replicas
    environment.proxies[1].refuse()
    written = write(ahead)
    there = d.Consistency(at_least_as_fresh=written.consistency_token)

    old = check(behind)
    error = error_of(lambda: check(behind, there))
    environment.proxies[1].open()
    new = eventually(lambda: check(behind, there))

    assert (error.code, error.reason) == ("UNAVAILABLE", "REVISION_NOT_REACHED")
    assert old.allowed
    assert old.revision < written.role.revision <= new.revision


# --- a replica is away


def test_the_first_answer_after_a_stop_says_how_old_it_is(environment: Environment) -> None:
    # Row 76 of the faults.
    other, stopped = environment.replicas
    with client_of(stopped) as client:
        client.check(ASKED)
        # What it would hear of on waking, it must not hear: only then is the state surely the old one.
        environment.proxies[1].silence()
        stopped.signal(signal.SIGSTOP)
        stopped_at = boottime()
        written = write(other)
        time.sleep(3)
        asked_at = boottime()
        stopped.signal(signal.SIGCONT)
        decision = client.check(ASKED).decision

    assert decision.revision < written.role.revision
    assert staleness(decision) >= asked_at - stopped_at


def test_past_max_staleness_the_first_answer_after_a_stop_is_refused(
    environment: Environment, strict: tuple[Replica, Proxy]
) -> None:
    # Row 76 of the faults.
    replica, proxy = strict
    with client_of(replica) as client:
        client.check(ASKED)
        proxy.silence()
        replica.signal(signal.SIGSTOP)
        time.sleep(MAX_STALENESS_SECONDS + 1)
        replica.signal(signal.SIGCONT)
        error = error_of(lambda: client.check(ASKED))
        proxy.open()
        after = eventually(lambda: check(replica))

    assert (error.code, error.reason) == ("UNAVAILABLE", "STATE_TOO_OLD")
    assert after.allowed


def test_a_replica_that_stops_does_not_wait_for_a_database_that_says_nothing(
    environment: Environment, tmp_path: Path
) -> None:
    with running_replica(environment.database, "stopping", tmp_path) as (replica, proxy):
        replica.wait_ready()
        proxy.silence()
        with open_client(replica.address, 1) as client, ThreadPoolExecutor(3) as pool:
            update = r.UpdateRoleRequest(role="app", description="never done")
            unanswered = [pool.submit(error_of, partial(client.update_role, update)) for _ in range(3)]
            errors = [one.result() for one in unanswered]
        replica.terminate()
        code = replica.wait_ended(SILENCE_SECONDS - 10)

    assert {error.code for error in errors} == {"DEADLINE_EXCEEDED"}
    assert code == 0, replica.log_text()
