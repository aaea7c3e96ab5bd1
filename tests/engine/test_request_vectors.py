"""Questions that are refused: every vector, put to the service's own decoder and decision point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.engine.errors import InvalidRequestError
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import NOON, allow, document, point, role

VECTORS = Path(__file__).parent.parent / "vectors" / "questions"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(VECTORS.glob("*.json"))
    for case in json.loads(path.read_text())["cases"]
]


def message(case: dict[str, Any]) -> pb.AssumeRoleQuery:
    texts = ("principal", "role", "role_session_name", "external_id", "source_identity", "duration_seconds")
    query = pb.AssumeRoleQuery(**{"role": "123456789012/app"} | {name: case[name] for name in texts if name in case})
    for key, values in case.get("context", {}).items():
        query.context[key].values.extend(values)
    if federated := case.get("federated"):
        query.federated.provider_arn = federated.get("provider_arn", "")
        for key, values in federated.get("claims", {}).items():
            query.federated.claims[key].values.extend(values)
    return query


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_question_is_refused_with_its_reason(case: dict[str, Any]) -> None:
    decider, decoder = point(role(document(allow()))), QueryDecoder(Accounts())

    with pytest.raises(InvalidRequestError) as caught:
        decider.check(decoder.request(message(case)), NOON)

    assert case["error"] in [violation.reason for violation in caught.value.violations]
