"""Every vector, decided by a replica."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from rolecall.engine.decision_point import is_large
from rolecall_client.local import LocalReplica
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.local.feeding import CALL, Clocks, changed, fed
from tests.engine.world import allow, document
from tests.vectors.cases import cases, expected_of, files, request_of
from tests.vectors.product import instant, query_of

Json = dict[str, Any]


def following(file: Json) -> tuple[LocalReplica, Clocks]:
    """Return a replica with the role of a file."""
    account, _, name = file["role"]["arn"].split(":", 3)[3].partition(":role/")
    clocks = Clocks()
    role = changed(json.dumps(file["trust_policy"]), name=name, account=account, tags=file["role"]["tags"])
    return fed(role, clocks=clocks, asserted_claims=True, max_clock_error_seconds=0), clocks


def read_policy(replica: LocalReplica, query: d.AssumeRoleQuery) -> None:
    """Wait until the trust policy is compiled; a large one is compiled on a thread, which starts when it is first needed."""
    (version,) = replica._state.snapshot.versions()
    while is_large(version.role) and version.policy is None:
        replica.answer(query, None, CALL)
        threading.Event().wait(0.005)


def as_expected(decision: d.Decision) -> Json:
    return {
        "allowed": decision.allowed,
        "reason": d.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_"),
        "determining": [statement.pointer for statement in decision.determining_statements],
        "missing_keys": sorted(decision.missing_keys),
        "valid_until": decision.valid_until.ToMicroseconds() if decision.HasField("valid_until") else None,
    }


@pytest.mark.parametrize("file", files("decisions"))
def test_a_replica_gives_the_expected_answers(file: Json) -> None:
    replica, clocks = following(file)

    for case in file["cases"]:
        request = request_of(file, case)
        clocks.time = instant(request["time"])
        query = query_of(request, request["role"]["arn"])
        if not request.get("source_identity"):
            read_policy(replica, query)

        answer = replica.answer(query, None, CALL)

        if request.get("source_identity"):
            assert answer is None, case["name"]
        else:
            assert answer is not None, case["name"]
            assert as_expected(answer.decision) == expected_of(case), case["name"]


@pytest.mark.parametrize(("facts", "case"), cases("requests"))
def test_a_malformed_request_is_left_to_the_server(facts: Json, case: Json) -> None:
    replica = fed(changed(document(allow())), asserted_claims=True)

    answer = replica.answer(query_of(case, case.get("role", facts["role"]["arn"])), None, CALL)

    assert answer is None
