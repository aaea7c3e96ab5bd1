"""An agent verifies the tokens of the providers in its own callers file, and asks about no others than it may."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.agent.serving import Agent, check, running
from tests.agent.test_upstream import asked
from tests.security.tokens.issuing import AUDIENCE, Issuer
from tests.server.serving import ACCOUNT, Served, served

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/cluster"
TRUSTING = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Federated": [PROVIDER]},
                "Condition": {"StringEquals": {"oidc:sub": "alice"}},
            }
        ],
    }
)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(now=int(time.time()))


@pytest.fixture
async def pair(tmp_path: Path, issuer: Issuer) -> AsyncIterator[tuple[Served, Agent]]:
    """Give an agent that knows a provider, and its server, which does not."""
    keys, callers = tmp_path / "keys.json", tmp_path / "callers.yaml"
    keys.write_bytes(issuer.key_set())
    provider = {
        "arn": PROVIDER,
        "issuer": issuer.issuer,
        "audiences": [AUDIENCE],
        "jwks_file": str(keys),
        "allow_asserted": True,
    }
    caller = {"name": "node", "match": {"local": True}, "policies": ["AdministratorAccess"]}
    callers.write_text(json.dumps({"providers": [provider], "callers": [caller]}))
    async with served() as upstream, running(upstream.server.bound.address, callers=str(callers)) as agent:
        role = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=TRUSTING)
        await agent.at((await upstream.roles.CreateRole(role)).role.revision)
        yield upstream, agent


async def test_a_token_of_a_provider_in_its_callers_file_is_verified_by_the_agent(
    pair: tuple[Served, Agent], issuer: Issuer
) -> None:
    upstream, agent = pair
    tokens = issuer.token(), issuer.token(sub="bob")

    answers = [
        await check(agent, pb.AssumeRoleQuery(role="app", oidc=pb.OidcIdentity(provider_arn=PROVIDER, token=token)))
        for token in tokens
    ]

    assert [answer.decision.allowed for answer in answers] == [True, False]
    assert asked(upstream) == 0


async def test_claims_of_such_a_provider_are_decided_by_the_agent(pair: tuple[Served, Agent]) -> None:
    upstream, agent = pair
    claims = pb.FederatedIdentity(provider_arn=PROVIDER)
    claims.claims["oidc:sub"].values.append("alice")

    answer = await check(agent, pb.AssumeRoleQuery(role="app", federated=claims))

    assert answer.decision.allowed
    assert asked(upstream) == 0
