"""Every decision vector, asked of a real server by both clients in every way: equal decisions, to the byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

import grpc
import pytest

from rolecall_client import AsyncRolecallClient, InvalidArgumentError, RolecallClient
from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc, role_pb2 as r
from tests.cli.serving import served
from tests.vectors.cases import cases, expected_of, files, request_of
from tests.vectors.product import query_of

pytestmark = pytest.mark.long

Json = dict[str, Any]

FILES = files("decisions")
each_file = pytest.mark.parametrize(
    ("file", "name"), [pytest.param(file.values[0], str(file.id), id=str(file.id)) for file in FILES]
)

OF_THE_CALL = ("decision_id", "staleness", "valid_for")
"""What a server determines for each answer: the id, and the times from when it was sent."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server with one role for each file of vectors, named as the file."""
    with served(directory=tmp_path_factory.mktemp("server")) as address, RolecallClient(address) as client:
        declared = [role_of(file.values[0], str(file.id)) for file in FILES]
        client.apply_roles([*declared, role_of(FILES[0].values[0], "app")])  # malformed queries are about `app`
        yield address


def role_of(file: Json, name: str) -> r.RoleDeclaration:
    return r.RoleDeclaration(
        account_id=file["role"]["arn"].split(":")[3],
        role_name=name,
        assume_role_policy_document=json.dumps(file["trust_policy"]),
        tags=file["role"]["tags"],
    )


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


@pytest.fixture
async def async_client(address: str) -> AsyncIterator[AsyncRolecallClient]:
    async with AsyncRolecallClient(address) as client:
        yield client


def queries_of(file: Json, name: str) -> list[d.AssumeRoleQuery]:
    arn = file["role"]["arn"].rpartition("/")[0] + "/" + name
    return [query_of(request_of(file, case), arn) for case in file["cases"]]


def plain(decision: d.Decision) -> bytes:
    """Return the bytes of a decision without what differs from answer to answer."""
    for field in OF_THE_CALL:
        decision.ClearField(field)
    return decision.SerializeToString(deterministic=True)


def plain_all(answers: Sequence[Any]) -> list[bytes]:
    return [plain(answer.decision) for answer in answers]


@each_file
async def test_both_clients_return_the_decisions_of_the_server_to_the_byte(
    address: str, client: RolecallClient, async_client: AsyncRolecallClient, file: Json, name: str
) -> None:
    queries = queries_of(file, name)
    with grpc.insecure_channel(address) as channel:
        stub = decision_pb2_grpc.DecisionServiceStub(channel)
        # The first answer is evaluated, and the later ones are cached, which they say.
        for _ in range(2):
            expected = plain_all([stub.CheckAssumeRole(d.CheckAssumeRoleRequest(query=one)) for one in queries])

    assert plain_all([client.check(one) for one in queries]) == expected
    assert plain_all(client.batch_check(queries).results) == expected
    assert plain_all(list(client.stream(queries))) == expected
    assert plain_all(await asyncio.gather(*map(async_client.check, queries))) == expected
    assert plain_all((await async_client.batch_check(queries)).results) == expected
    assert plain_all([answer async for answer in async_client.stream(queries)]) == expected


def answer_of(answer: d.ExplainAssumeRoleResponse) -> Json:
    decision = answer.decision
    until = decision.valid_until
    return {
        "allowed": decision.allowed,
        "reason": d.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_"),
        "determining": [statement.pointer for statement in decision.determining_statements],
        "missing_keys": list(decision.missing_keys),
        "valid_until": until.ToMicroseconds() if decision.HasField("valid_until") else None,
    }


@each_file
async def test_at_the_time_of_the_vector_both_clients_get_the_expected_answer(
    client: RolecallClient, async_client: AsyncRolecallClient, file: Json, name: str
) -> None:
    asked: list[Json] = [
        {"query": one, "assume_time": datetime.fromisoformat(case["time"])}
        for case, one in zip(file["cases"], queries_of(file, name), strict=True)
    ]

    here = [client.explain(**one) for one in asked]
    there = await asyncio.gather(*(async_client.explain(**one) for one in asked))

    expected = [expected_of(case) for case in file["cases"]]
    assert [answer_of(answer) for answer in here] == expected
    assert [answer_of(answer) for answer in there] == expected


@pytest.mark.parametrize(("facts", "case"), cases("requests"))
async def test_both_clients_raise_the_same_error_for_a_malformed_query(
    client: RolecallClient, async_client: AsyncRolecallClient, facts: Json, case: Json
) -> None:
    one = query_of(case, case.get("role", facts["role"]["arn"]))

    with pytest.raises(InvalidArgumentError) as here:
        client.check(one)
    with pytest.raises(InvalidArgumentError) as there:
        await async_client.check(one)

    assert here.value.violations == there.value.violations
    assert here.value.message == there.value.message
    assert case["error"] in [violation.reason for violation in here.value.violations]
