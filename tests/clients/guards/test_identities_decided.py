"""Identities that guards make, decided by a real server: verified tokens, service accounts, and answers that a client keeps."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall_client import AnswerCacheOptions, AsyncRolecallClient
from rolecall_client.guards import (
    AsyncGuard,
    GuardOutcome,
    OidcBearer,
    PeerFacts,
    RoleMap,
    SpiffePrincipals,
    SpiffeServiceAccounts,
)
from rolecall_client.v1 import role_pb2
from tests.clients.guards.conftest import CART_USER, THIEF_USER, trusting
from tests.clients.guards.orders import CART, GET, THIEF
from tests.security.known_callers import ADMINISTRATOR, callers_file, serving_callers
from tests.security.tokens.issuing import AUDIENCE, Issuer
from tests.server.serving import ACCOUNT, served

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/cluster"
ROLES = RoleMap({GET: f"{ACCOUNT}/orders.use"})


def federated(**claims: str) -> str:
    """Return a trust policy that allows identities of the provider with these claims."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [PROVIDER]},
        "Condition": {"StringEquals": {f"oidc:{claim}": value for claim, value in claims.items()}},
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


@asynccontextmanager
async def asked(address: str, document: str, **options: Any) -> AsyncIterator[AsyncRolecallClient]:
    """Give a client of a server that has the role, with this trust policy."""
    async with AsyncRolecallClient(address, **options) as client:
        await client.create_role(
            role_pb2.CreateRoleRequest(role_name="orders.use", assume_role_policy_document=document)
        )
        yield client


def bearing(token: str) -> PeerFacts:
    return PeerFacts(headers=(("authorization", f"Bearer {token}"),))


async def outcome(guard: AsyncGuard, peer: PeerFacts) -> GuardOutcome:
    refused = await guard.refusal(GET, peer)
    return refused.outcome if refused else GuardOutcome.ALLOWED


async def test_a_caller_is_who_its_token_says_if_the_server_can_verify_it(tmp_path: Path) -> None:
    issuer = Issuer(now=int(time.time()))
    (tmp_path / "keys.json").write_bytes(issuer.key_set())
    provider = {
        "arn": PROVIDER,
        "issuer": issuer.issuer,
        "audiences": [AUDIENCE],
        "jwks_file": str(tmp_path / "keys.json"),
    }
    local = {"name": "local", "match": {"local": True}, **ADMINISTRATOR}
    directory = CallerDirectory(callers_file({"providers": [provider], "callers": [local]}))
    stranger = Issuer(now=issuer.now, suffix="-stranger")

    async with (
        serving_callers(directory) as service,
        asked(service.server.bound.address, federated(iss=issuer.issuer, aud=AUDIENCE, sub="alice")) as client,
    ):
        guard = AsyncGuard(client, ROLES, OidcBearer(PROVIDER))
        outcomes = [
            await outcome(guard, bearing(token))
            for token in (
                issuer.token(),
                issuer.token(sub="bob"),
                issuer.token(exp=issuer.now - 1),
                issuer.token(aud="another"),
                stranger.token(),
                issuer.token()[:-3] + "AAA",
                "e30.e30.c2ln",
            )
        ]

    assert outcomes == [GuardOutcome.ALLOWED, GuardOutcome.DENIED, *[GuardOutcome.UNKNOWN_CALLER] * 5]


async def test_a_service_account_is_who_its_certificate_says() -> None:
    document = federated(sub="system:serviceaccount:shop:cart", iss="https://cluster", aud="sts.aliyuncs.com")
    claims = {"oidc:iss": "https://cluster", "oidc:aud": "sts.aliyuncs.com"}
    identify = SpiffeServiceAccounts("prod.example", "cluster", claims=claims)

    async with served() as service, asked(service.server.bound.address, document) as client:
        guard = AsyncGuard(client, ROLES, identify)
        cart, thief = [await outcome(guard, PeerFacts(spiffe_ids=(name,))) for name in (CART, THIEF)]

    assert (cart, thief) == (GuardOutcome.ALLOWED, GuardOutcome.DENIED)


@pytest.mark.parametrize("options", [{}, {"cache": AnswerCacheOptions()}], ids=["asked", "cached"])
async def test_a_revocation_reaches_a_guard(options: dict[str, Any]) -> None:
    callers = SpiffePrincipals({CART: CART_USER})

    async with served() as service, asked(service.server.bound.address, trusting(CART_USER), **options) as client:
        guard = AsyncGuard(client, ROLES, callers)
        before = [await outcome(guard, PeerFacts(spiffe_ids=(CART,))) for _ in range(3)]
        await client.update_role(
            role_pb2.UpdateRoleRequest(role=f"{ACCOUNT}/orders.use", assume_role_policy_document=trusting(THIEF_USER))
        )
        while await outcome(guard, PeerFacts(spiffe_ids=(CART,))) is GuardOutcome.ALLOWED:  # noqa: ASYNC110  (a cached answer comes at once)
            await asyncio.sleep(0)
        after = await outcome(guard, PeerFacts(spiffe_ids=(CART,)))

    assert before == [GuardOutcome.ALLOWED] * 3
    assert after is GuardOutcome.DENIED
