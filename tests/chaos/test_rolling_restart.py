"""Replicas that are restarted one after the other lose no request of a client with the settings that it is shipped with."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.chaos.environment import Environment, running_environment
from tests.chaos.isolation import open_client
from tests.engine.world import ALICE, allow, document

pytestmark = pytest.mark.long

CALLERS = 4
WAIT_SECONDS = 60.0

Call = Callable[[RolecallClient], tuple[str, str]]


def test_a_rolling_restart_is_seen_by_no_client(tmp_path: Path, postgres_binaries: Path) -> None:
    # Row 77 of the faults.
    with running_environment(3, tmp_path) as environment:
        there = created(environment)

        answers, errors = called_while_restarting(environment, [checking(there), writing])

    assert errors == Counter()
    assert len(answers["write"]) > CALLERS


def created(environment: Environment) -> d.Consistency:
    policy = document(allow())
    with open_client(environment.target, 10) as client:
        client.create_role(r.CreateRoleRequest(role_name="written", assume_role_policy_document=policy))
        made = client.create_role(r.CreateRoleRequest(role_name="app", assume_role_policy_document=policy))
    return d.Consistency(at_least_as_fresh=made.consistency_token)


def checking(consistency: d.Consistency) -> Call:
    def check(client: RolecallClient) -> tuple[str, str]:
        decision = client.check(query(ALICE, "app"), consistency=consistency).decision
        assert decision.allowed
        return "process", decision.decision_id.partition("-")[0]

    return check


def writing(client: RolecallClient) -> tuple[str, str]:
    description = f"written at {time.monotonic_ns()}"
    answer = client.update_role(r.UpdateRoleRequest(role="written", description=description))
    assert answer.role.description == description
    return "write", description


def called_while_restarting(
    environment: Environment, calls: Sequence[Call]
) -> tuple[Mapping[str, set[str]], Counter[tuple[str, str]]]:
    """Let several callers make each call without pause while every replica is restarted; return answers and errors."""
    ended, answers, errors = Event(), defaultdict[str, set[str]](set), Counter[tuple[str, str]]()

    def caller(call: Call) -> None:
        with open_client(environment.target, 10) as client:
            while not ended.is_set():
                try:
                    kind, answer = call(client)
                except RolecallError as error:
                    errors[error.code, str(error)] += 1
                else:
                    answers[kind].add(answer)

    with ThreadPoolExecutor(CALLERS * len(calls)) as pool:
        callers = [pool.submit(caller, call) for call in calls for _ in range(CALLERS)]
        try:
            restart_in_turn(environment, answers["process"])
        finally:
            ended.set()
        for one in callers:
            one.result()
    return answers, errors


def restart_in_turn(environment: Environment, *callers: AbstractSet[str]) -> None:
    """Restart each replica in turn, once all have answered each caller; return when the new processes have answered them, too.

    `callers` are the processes that have answered each. Every one is waited for: a client that has not yet connected to the replica
    that was restarted last has none left when the next one ends.
    """
    seen = len(environment.replicas)
    wait_for_processes(seen, callers)
    for replica in environment.replicas:
        replica.terminate()
        assert replica.wait_ended() == 0
        replica.start()
        replica.wait_ready()
        seen += 1
        wait_for_processes(seen, callers)


def wait_for_processes(count: int, callers: Sequence[AbstractSet[str]]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while (fewest := min(len(processes) for processes in callers)) < count:
        assert time.monotonic() < until, f"only {fewest} of {count} processes have answered a caller"
        time.sleep(0.05)
