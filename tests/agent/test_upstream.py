"""What only the followed server can decide is put to it, for a caller that may ask it, and never guessed."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
import pytest

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.sources import ConfigError
from rolecall.engine.errors import UpstreamOnlyError
from rolecall.observability.logs import make_logger
from rolecall.server.agent.upstream import Upstream
from rolecall_client.checks import CallOptions
from rolecall_client.errors import error_of_call
from rolecall_client.v1 import decision_pb2 as pb
from tests.agent.serving import Agent, check, failure, node, query, running
from tests.server.serving import ACCOUNT, Served, served

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/ci"
CLAIMS = pb.FederatedIdentity(provider_arn=PROVIDER)
OIDC = pb.OidcIdentity(provider_arn=PROVIDER, token="no token")

CALLERS = """
policies:
  check-app:
    Version: "1"
    Statement:
      - {Effect: Allow, Action: "rolecall:CheckAssumeRole", Resource: "acs:ram::123456789012:role/app"}
  check-all:
    Version: "1"
    Statement:
      - {Effect: Allow, Action: ["rolecall:CheckAssumeRole", "rolecall:AskFor"], Resource: "*"}
callers:
  - name: node
    match: {local: true}
    policies: [POLICY]
"""


def asked(upstream: Served) -> int:
    """Return how many checks and batches of checks a server was asked."""
    return upstream.stats("CheckAssumeRole").started + upstream.stats("BatchCheckAssumeRole").started


QUERIES: dict[str, tuple[pb.AssumeRoleQuery, dict[str, object]]] = {
    "a source identity": (query(f"{ACCOUNT}/app", source_identity="alice"), {}),
    "a role without an account": (query("app"), {}),
    "a role of an account that is not followed": (query(f"{ACCOUNT}/app"), {"account": "42"}),
    "claims of an unknown provider": (pb.AssumeRoleQuery(role=f"{ACCOUNT}/app", federated=CLAIMS), {}),
}


@pytest.mark.parametrize("kind", QUERIES)
async def test_a_query_that_only_the_server_can_decide_is_put_to_it(kind: str, tmp_path: Path) -> None:
    asking, flags = QUERIES[kind]
    # Without a callers file nobody may assert claims.
    callers = tmp_path / "callers.yaml"
    callers.write_text("callers: [{name: node, match: {local: true}, policies: [AdministratorAccess]}]")
    async with node(**{"account_id": "", "callers": str(callers), **flags}) as pair:
        role = await pair.upstream.create()
        if not flags:
            await pair.agent.at(role.revision)

        answer = await check(pair.agent, asking)
        expected = await check(pair.upstream, asking)

        assert answer.decision.allowed == expected.decision.allowed
        assert answer.decision.reason == expected.decision.reason
        assert asked(pair.upstream) == 2
        assert pair.agent.metric("rolecall_upstream_checks_total", outcome="answered") == 1


@pytest.mark.parametrize(("callers", "passed_on"), [(None, 10.0), (3.0, 3.0), (60.0, 10.0), (-1.0, 0.0)])
async def test_a_check_is_put_to_the_server_for_as_long_as_its_caller_waits_and_no_longer_than_ten_seconds(
    callers: float | None, passed_on: float
) -> None:
    upstream = Upstream(
        AgentConfig.from_mapping({"upstream": "127.0.0.1:1"}, {}), make_logger("error", "json", io.StringIO())
    )
    timeouts = list[float | None]()

    async def unary(_: object, __: object, options: CallOptions) -> pb.CheckAssumeRoleResponse:
        timeouts.append(options.timeout)
        return pb.CheckAssumeRoleResponse()

    with patch.object(upstream._calls, "unary", unary):
        await upstream.check(pb.CheckAssumeRoleRequest(), UpstreamOnlyError("only there"), callers)
    await upstream.close()

    assert timeouts == [passed_on]


async def test_the_error_of_the_server_is_that_of_the_agent() -> None:
    async with node() as pair:
        request = pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(role=f"{ACCOUNT}/app", oidc=OIDC))

        error = error_of_call(await failure(pair.agent.decisions.CheckAssumeRole(request)))

    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "INVALID_TOKEN")
    assert [violation.field for violation in error.violations] == ["oidc.token"]


async def test_settings_that_the_agent_is_given_need_no_question() -> None:
    async with node(source_identity_needs_allow=False) as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)

        answer = await check(pair.agent, query(source_identity="alice"))

        assert answer.decision.allowed
        assert asked(pair.upstream) == 0


async def test_a_batch_with_one_such_query_is_put_to_the_server_whole() -> None:
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        queries = [query(), query("in valid!"), query(source_identity="alice")]

        answer = await pair.agent.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=queries))

        assert [result.decision.allowed for result in answer.results] == [True, False, True]
        assert answer.results[1].HasField("error")
        assert asked(pair.upstream) == 1


async def test_a_batch_whose_queries_are_known_is_put_to_the_server_again() -> None:
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        batch = pb.BatchCheckAssumeRoleRequest(queries=[query(), query(source_identity="alice")])

        answers = [await pair.agent.decisions.BatchCheckAssumeRole(batch) for _ in range(3)]

        assert [[result.decision.allowed for result in answer.results] for answer in answers] == [[True, True]] * 3
        assert asked(pair.upstream) == 3


async def test_messages_of_a_stream_are_put_to_the_server_one_by_one() -> None:
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        stream = pair.agent.decisions.StreamCheckAssumeRole()

        answers = []
        for number, asking in enumerate((query(), query(source_identity="alice"), query())):
            await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=number, query=asking))
            answers.append(await stream.read())
        await stream.done_writing()

        assert [(answer.sequence, answer.decision.allowed) for answer in answers] == [(0, True), (1, True), (2, True)]
        assert asked(pair.upstream) == 1


async def test_a_token_of_a_checkpoint_is_met_here_and_every_other_requirement_by_the_server() -> None:
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        known = pb.Consistency(at_least_as_fresh=(await check(pair.agent, query())).consistency_token)

        await check(pair.agent, query(), consistency=known)
        asked_for_known = asked(pair.upstream)
        await check(pair.agent, query(), consistency=pb.Consistency(fully_consistent=True))
        error = await failure(
            pair.agent.decisions.CheckAssumeRole(
                pb.CheckAssumeRoleRequest(query=query(), consistency=pb.Consistency(at_least_as_fresh="forged"))
            )
        )

        assert asked_for_known == 0
        assert asked(pair.upstream) == 2
        assert (error.code(), error_of_call(error).reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TOKEN")


async def asked_while_away(agent: Agent, **request: Any) -> tuple[str, str]:
    error = error_of_call(
        await failure(agent.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(**request), timeout=3))
    )
    return error.code, error.reason


async def test_while_the_server_is_away_the_agent_decides_and_refuses_what_only_the_server_can() -> None:
    async with served() as upstream, running(upstream.server.bound.address) as agent:
        role = await upstream.create()
        await agent.at(role.revision)
        await upstream.server.close()

        answer = await check(agent, query())
        source = await asked_while_away(agent, query=query(source_identity="alice"))
        fresh = await asked_while_away(agent, query=query(), consistency=pb.Consistency(fully_consistent=True))

    assert answer.decision.allowed
    assert source == ("UNAVAILABLE", "UPSTREAM_UNAVAILABLE")
    assert fresh == ("UNAVAILABLE", "REVISION_NOT_REACHED")


@pytest.fixture
async def limited(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Served, Agent]]:
    """Give an agent whose only caller has one policy."""
    path = tmp_path / "callers.yaml"
    path.write_text(CALLERS.replace("POLICY", request.param))
    async with served() as upstream:
        role = await upstream.create()
        async with running(upstream.server.bound.address, callers=str(path), account_id="") as agent:
            await agent.at(role.revision)
            yield upstream, agent


UNREADABLE = [
    query("app", source_identity="alice"),
    query(f"{ACCOUNT}/other", source_identity="alice"),
    pb.AssumeRoleQuery(role=f"{ACCOUNT}/app", federated=CLAIMS),
    pb.AssumeRoleQuery(role="app", federated=CLAIMS),
    pb.AssumeRoleQuery(role=f"{ACCOUNT}/app", oidc=OIDC),
]


@pytest.mark.parametrize("limited", ["check-app"], indirect=True)
async def test_what_a_caller_may_not_ask_here_is_not_asked_for_it_upstream(limited: tuple[Served, Agent]) -> None:
    upstream, agent = limited
    batch = pb.BatchCheckAssumeRoleRequest(queries=UNREADABLE)

    codes = [(await failure(check(agent, asking))).code() for asking in UNREADABLE]
    answer = await agent.decisions.BatchCheckAssumeRole(batch)

    assert set(codes) == {grpc.StatusCode.PERMISSION_DENIED}
    assert {result.error.code for result in answer.results} == {grpc.StatusCode.PERMISSION_DENIED.value[0]}
    assert asked(upstream) == 0


@pytest.mark.parametrize("limited", ["check-all"], indirect=True)
async def test_a_caller_without_the_right_to_assert_claims_cannot_assert_them_through_an_agent(
    limited: tuple[Served, Agent],
) -> None:
    upstream, agent = limited
    asserted = [asking for asking in UNREADABLE if asking.WhichOneof("identity") == "federated"]

    codes = [(await failure(check(agent, asking))).code() for asking in asserted]
    named = await check(agent, query("app"))

    assert codes == [grpc.StatusCode.PERMISSION_DENIED] * 2
    assert named.decision.allowed
    assert asked(upstream) == 1


@pytest.mark.parametrize("limited", ["check-app"], indirect=True)
async def test_a_batch_that_must_be_fresh_is_judged_before_it_is_put_to_the_server(
    limited: tuple[Served, Agent],
) -> None:
    upstream, agent = limited
    queries = [query(f"{ACCOUNT}/other"), query("app")]
    batch = pb.BatchCheckAssumeRoleRequest(queries=queries, consistency=pb.Consistency(fully_consistent=True))

    answer = await agent.decisions.BatchCheckAssumeRole(batch)

    assert {result.error.code for result in answer.results} == {grpc.StatusCode.PERMISSION_DENIED.value[0]}
    assert asked(upstream) == 0


async def test_a_server_with_a_scheme_is_no_server_without_tls() -> None:
    with pytest.raises(ConfigError, match="--upstream: an address has no scheme `http://`"):
        Upstream(AgentConfig(upstream="http://rolecall.example:50051"), make_logger("error", "json"))
