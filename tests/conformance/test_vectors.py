"""Both Python clients give for every vector what `vectors.jsonl` says, in every way to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from rolecall_client import InvalidArgumentError
from rolecall_client.v1 import decision_pb2 as d
from tests.conformance.driven import KINDS, Driven, options_of
from tests.conformance.vectors import plain
from tests.vectors.product import instant

pytestmark = pytest.mark.long

Json = dict[str, Any]

MOST_OF_A_BATCH = 500


@pytest.fixture(scope="module")
def vectors(world: Json) -> list[Json]:
    return [json.loads(line) for line in Path(world["vectors"]).read_text().splitlines()]


@pytest.fixture(scope="module", params=KINDS)
def client(world: Json, request: pytest.FixtureRequest) -> Iterator[Driven]:
    client = KINDS[request.param](**options_of({"target": "plain"}, world))
    yield client
    client.close()


def queries_of(vectors: list[Json]) -> list[d.AssumeRoleQuery]:
    return [ParseDict(case["query"], d.AssumeRoleQuery()) for case in vectors]


def differences(vectors: list[Json], decisions: list[d.Decision]) -> list[str]:
    pairs = zip(vectors, decisions, strict=True)
    return [case["id"] for case, decision in pairs if plain(decision) != case["decision"]]


def test_a_check_gives_every_decision(client: Driven, vectors: list[Json]) -> None:
    decided = [case for case in vectors if "decision" in case]

    decisions = [client.call("check", query).decision for query in queries_of(decided)]

    assert len(decided) > 2_000
    assert differences(decided, decisions) == []


def test_a_batch_gives_every_decision(client: Driven, vectors: list[Json]) -> None:
    decided = [case for case in vectors if "decision" in case]
    queries = queries_of(decided)
    batches = [queries[at : at + MOST_OF_A_BATCH] for at in range(0, len(queries), MOST_OF_A_BATCH)]

    decisions = [result.decision for batch in batches for result in client.call("batch_check", batch).results]

    assert differences(decided, decisions) == []


def test_a_stream_gives_every_decision(client: Driven, vectors: list[Json]) -> None:
    decided = [case for case in vectors if "decision" in case]

    decisions = [answer.decision for answer in client.iterate("stream", queries_of(decided))]

    assert differences(decided, decisions) == []


def test_an_explanation_at_the_time_of_the_vector_has_what_is_expected(client: Driven, vectors: list[Json]) -> None:
    decided = [case for case in vectors if "decision" in case]

    different = [
        case["id"]
        for case, query in zip(decided, queries_of(decided), strict=True)
        if explained(client, query, case["assume_time"]) != expected_of(case)
    ]

    assert different == []


def test_a_malformed_query_is_an_error_with_the_reason(client: Driven, vectors: list[Json]) -> None:
    malformed = [case for case in vectors if "error" in case]

    assert malformed
    for case, query in zip(malformed, queries_of(malformed), strict=True):
        with pytest.raises(InvalidArgumentError) as caught:
            client.call("check", query)
        assert case["error"] in [violation.reason for violation in caught.value.violations], case["id"]


def explained(client: Driven, query: d.AssumeRoleQuery, time: str) -> Json:
    decision = client.call("explain", query, assume_time=datetime.fromisoformat(time)).decision
    until = decision.valid_until
    return {
        "allowed": decision.allowed,
        "reason": d.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_"),
        "determining": [statement.pointer for statement in decision.determining_statements],
        "missing_keys": list(decision.missing_keys),
        "valid_until": until.ToMicroseconds() if decision.HasField("valid_until") else None,
    }


def expected_of(case: Json) -> Json:
    until = case["expected"]["valid_until"]
    return {**case["expected"], "valid_until": None if until is None else instant(until)}
