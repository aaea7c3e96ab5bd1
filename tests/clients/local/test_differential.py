"""A replica decides random questions as the server that it follows does.

`ROLECALL_LOCAL_QUESTIONS` is how many questions are asked, `ROLECALL_LOCAL_SEED` selects them.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from rolecall_client import RolecallClient
from rolecall_client.local import LocalOptions
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.clients.local.test_live import as_compared, is_local, replica_of
from tests.oracle import cases as drawn, pools
from tests.vectors.product import query_of

pytestmark = pytest.mark.long

QUESTIONS = int(os.environ.get("ROLECALL_LOCAL_QUESTIONS", "10000"))
SEED = int(os.environ.get("ROLECALL_LOCAL_SEED", "20261129"))
BATCH, ROLES = 500, 100


def declarations(random: Random) -> Iterator[r.RoleDeclaration]:
    for number in range(ROLES):
        role: dict[str, Any] = random.choice(pools.ROLES)
        yield r.RoleDeclaration(
            account_id=role["arn"].split(":")[3],
            role_name=f"random-{number}",
            assume_role_policy_document=json.dumps(drawn.policy(random)),
            tags=role["tags"],
        )


def question(random: Random, roles: list[r.RoleDeclaration]) -> d.AssumeRoleQuery:
    """Return a question that a client decides; what is drawn has texts that no message can carry, too."""
    role = random.choice(roles)
    while True:
        request = drawn.request(random)
        request.pop("source_identity", None)
        with suppress(UnicodeEncodeError):
            return query_of(request, f"acs:ram::{role.account_id}:role/{role.role_name}")


def test_random_questions_have_equal_decisions(address: str) -> None:
    random, reasons = Random(SEED), Counter[str]()
    roles = list(declarations(random))
    options = LocalOptions(asserted_claims=True)

    with RolecallClient(address) as server, RolecallClient(address, local=options) as client:
        server.apply_roles(roles)
        replica_of(client)
        asked = 0
        while asked < QUESTIONS:
            questions = [question(random, roles) for _ in range(min(BATCH, QUESTIONS - asked))]
            asked += len(questions)
            for one, there in zip(questions, server.batch_check(questions).results, strict=True):
                reasons[compared(one, client, there)] += 1

    print(f"\n{asked} questions of seed {SEED}: {dict(reasons)}")
    assert reasons.total() == QUESTIONS
    assert all(reasons[reason] > QUESTIONS / 50 for reason in ("ALLOW", "EXPLICIT_DENY", "IMPLICIT_DENY"))


def compared(one: d.AssumeRoleQuery, client: RolecallClient, there: d.BatchCheckResult) -> str:
    """Compare the answer of the client with that of the server; return its reason."""
    here = client.check(one)
    response = d.CheckAssumeRoleResponse(decision=there.decision)
    assert is_local(here), one
    assert as_compared(here) == as_compared(response), one
    return d.DecisionReason.Name(here.decision.reason).removeprefix("DECISION_REASON_")
