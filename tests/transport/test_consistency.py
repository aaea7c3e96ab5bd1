"""Consistency over a real channel: every method that decides meets the freshness that its request requires, or refuses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from rolecall.roles.change import Author, ChangeKind
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.role import Micros, Revision
from rolecall.roles.tokens import Tokens
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import role
from tests.server.serving import BOB, DOCUMENT, Served, served, until
from tests.transport.refusals import refused

QUERY = pb.AssumeRoleQuery(principal=BOB, role="app")
REQUESTS: dict[str, Any] = {
    "CheckAssumeRole": pb.CheckAssumeRoleRequest(query=QUERY),
    "BatchCheckAssumeRole": pb.BatchCheckAssumeRoleRequest(queries=[QUERY]),
    "ExplainAssumeRole": pb.ExplainAssumeRoleRequest(query=QUERY),
}
FULL = pb.Consistency(fully_consistent=True)


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    # A poll would bring what another replica writes without being required to.
    async with served(poll_seconds=60) as service:
        await until(lambda: service.server.replica.polling.counts.done)
        yield service


def write_on_another_replica(service: Served) -> str:
    """Write a role past this server, and return the token of the write."""
    replica = service.server.replica

    def create(transaction: Any) -> None:
        transaction.put(ChangeKind.CREATED, role(DOCUMENT, revision=transaction.revision))

    _, commit = replica.repository.transact(Author(actor="another replica", time=Micros(1)), create)
    assert commit is not None
    return replica.tokens.consistency(commit.revision)


async def decision(service: Served, method: str, consistency: pb.Consistency | None = None) -> pb.Decision:
    request = type(REQUESTS[method])()
    request.CopyFrom(REQUESTS[method])
    if consistency is not None:
        request.consistency.CopyFrom(consistency)
    answer = await getattr(service.decisions, method)(request)
    decided: pb.Decision = answer.results[0].decision if method == "BatchCheckAssumeRole" else answer.decision
    return decided


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("mode", ["token", "full"])
async def test_what_another_replica_wrote_is_seen_when_the_request_requires_it(
    service: Served, method: str, mode: str
) -> None:
    token = write_on_another_replica(service)

    before = await decision(service, method)
    after = await decision(service, method, FULL if mode == "full" else pb.Consistency(at_least_as_fresh=token))

    assert (before.reason, before.revision) == (pb.DECISION_REASON_ROLE_NOT_FOUND, 0)
    assert (after.reason, after.revision) == (pb.DECISION_REASON_ALLOW, 1)


@pytest.mark.parametrize("method", REQUESTS)
async def test_the_state_as_it_is_answers_a_request_that_minimizes_latency(service: Served, method: str) -> None:
    write_on_another_replica(service)

    answer = await decision(service, method, pb.Consistency(minimize_latency=True))

    assert answer.revision == 0


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_token_of_a_revision_that_nobody_wrote_is_refused(service: Served, method: str) -> None:
    token = service.server.replica.tokens.consistency(Revision(7))

    refusal = await refused(decision(service, method, pb.Consistency(at_least_as_fresh=token)))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FUTURE_REVISION")
    assert "`consistency.at_least_as_fresh` requires revision 7" in refusal.message


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_token_that_is_not_the_stores_is_refused_with_the_field_that_had_it(
    service: Served, method: str
) -> None:
    other = Tokens(service.server.replica.repository.token_key, "another history").consistency(Revision(1))

    altered = await refused(decision(service, method, pb.Consistency(at_least_as_fresh="x")))
    unknown = await refused(decision(service, method, pb.Consistency(at_least_as_fresh=other)))

    assert (altered.reason, [field.field for field in altered.fields]) == (
        "INVALID_TOKEN",
        ["consistency.at_least_as_fresh"],
    )
    assert unknown.reason == "UNKNOWN_INCARNATION"
    assert unknown.message.startswith("`consistency.at_least_as_fresh` comes from another history")


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_request_that_an_unreachable_store_cannot_meet_says_so(service: Served, method: str) -> None:
    replica: Any = service.server.replica
    token = replica.tokens.consistency(Revision(7))

    def down() -> None:
        raise StoreUnavailableError("the connection to db-1 is lost")

    replica.repository.head = down
    full = await refused(decision(service, method, FULL))
    ahead = await refused(decision(service, method, pb.Consistency(at_least_as_fresh=token)))

    assert [(each.code, each.reason, each.retry) for each in (full, ahead)] == [
        (grpc.StatusCode.UNAVAILABLE, "REVISION_NOT_REACHED", True)
    ] * 2
    assert full.message == (
        "`consistency.fully_consistent` requires the newest revision of the store, and this server is at 0: "
        "the store cannot be reached; retry, or use minimize_latency"
    )
    assert ahead.message == (
        "`consistency.at_least_as_fresh` requires revision 7, and this server is at 0: "
        "the store cannot be reached; retry, or use minimize_latency"
    )
    assert (full.facts.get("revision"), full.facts["reached"]) == (None, "0")
    assert (ahead.facts["revision"], ahead.facts["reached"]) == ("7", "0")


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("mode", ["minimize_latency", "fully_consistent"])
async def test_a_mode_that_is_given_as_false_is_refused(service: Served, method: str, mode: str) -> None:
    modes: dict[str, Any] = {mode: False}

    refusal = await refused(decision(service, method, pb.Consistency(**modes)))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONSISTENCY")
    assert [field.field for field in refusal.fields] == [f"consistency.{mode}"]
