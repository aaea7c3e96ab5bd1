"""Tokens of federated identities in queries: the server verifies them, and no decision outlives them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall.transport.options import GRPCIO, H2
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.security.known_callers import ADMINISTRATOR, callers_file, causes, serving_callers
from tests.security.test_caller_tokens import BAD
from tests.security.tokens.issuing import AUDIENCE, Issuer, https_site, kubernetes_claims
from tests.server.serving import ACCOUNT, Served
from tests.transport.refusals import Refusal, refused

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/cluster"
OTHER = f"acs:ram::{ACCOUNT}:oidc-provider/other"
LOCAL_ADMIN = {"name": "local", "match": {"local": True}, **ADMINISTRATOR}
MICROS = 1_000_000


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(now=int(time.time()))


@pytest.fixture(params=[GRPCIO, H2])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def trusting(provider: str = PROVIDER, **conditions: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider]},
        "Condition": {"StringEquals": {f"oidc:{key}": value for key, value in conditions.items()}},
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


Serving = Callable[..., Any]


@pytest.fixture
def serving(tmp_path: Path, transport: str) -> Serving:
    """Give servers that know providers, each with an issuer whose keys are in a file of the provider."""

    @asynccontextmanager
    async def serve(providers: Mapping[str, Issuer], document: str, **options: object) -> AsyncIterator[Served]:
        listed = []
        for number, (arn, one) in enumerate(providers.items()):
            path = tmp_path / f"{number}.json"
            path.write_bytes(one.key_set())
            listed.append(
                {"arn": arn, "issuer": one.issuer, "audiences": [AUDIENCE], "jwks_file": str(path), **options}
            )
        directory = CallerDirectory(callers_file({"providers": listed, "callers": [LOCAL_ADMIN]}))
        async with serving_callers(directory, transport=transport) as service:
            await service.roles.CreateRole(
                role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=document)
            )
            yield service

    return serve


def query(token: str, provider: str = PROVIDER) -> pb.AssumeRoleQuery:
    return pb.AssumeRoleQuery(oidc=pb.OidcIdentity(provider_arn=provider, token=token), role="app")


async def decided(service: Served, token: str, provider: str = PROVIDER) -> pb.Decision:
    response = await service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=query(token, provider)))
    decision: pb.Decision = response.decision
    return decision


async def refusal_of(service: Served, token: str, provider: str = PROVIDER) -> Refusal:
    return await refused(decided(service, token, provider))


async def test_a_verified_token_is_a_federated_identity_with_its_claims(serving: Serving, issuer: Issuer) -> None:
    document = trusting(iss=issuer.issuer, aud=AUDIENCE, sub="alice")
    async with serving({PROVIDER: issuer}, document) as service:
        alice = await decided(service, issuer.token())
        bob = await decided(service, issuer.token(sub="bob"))

    assert (alice.allowed, bob.allowed) == (True, False)


async def test_a_pod_of_kubernetes_assumes_a_role_with_its_token(serving: Serving, issuer: Issuer) -> None:
    claims = kubernetes_claims()
    cluster = Issuer(str(claims["iss"]), now=issuer.now)
    document = trusting(sub="system:serviceaccount:shop:orders", iss=cluster.issuer)
    async with serving({PROVIDER: cluster}, document) as service:
        right = await decided(service, cluster.token("RS256", **claims))
        wrong = await decided(service, cluster.token("RS256", **kubernetes_claims(account="web")))

    assert (right.allowed, wrong.allowed) == (True, False)


async def test_an_invalid_token_decides_nothing_with_its_cause_in_the_log_and_none_to_the_caller(
    serving: Serving, issuer: Issuer
) -> None:
    refusals, bad = {}, {name: case for name, case in BAD.items() if name != "of an unknown issuer"}
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        for name, (make, _) in bad.items():
            service.server.refusals._second = -1
            refusals[name] = await refusal_of(service, make(issuer))

    assert {(refusal.code, refusal.reason) for refusal in refusals.values()} == {
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TOKEN")
    }
    assert len({refusal.message for refusal in refusals.values()}) == 1
    assert causes(service) == [cause for _, cause in bad.values()]


async def test_keys_are_those_of_the_provider_and_not_of_its_issuer(serving: Serving, issuer: Issuer) -> None:
    """Two providers may have one issuer: a tenant that registers its own keys under it must not speak for the other."""
    same = Issuer(issuer.issuer, now=issuer.now)
    async with serving({PROVIDER: issuer, OTHER: same}, trusting(sub="alice")) as service:
        assert (await decided(service, issuer.token())).allowed
        assert not (await decided(service, same.token(), OTHER)).allowed  # the role does not trust that provider
        refusals = [await refusal_of(service, same.token()), await refusal_of(service, issuer.token(), OTHER)]

    assert {refusal.reason for refusal in refusals} == {"INVALID_TOKEN"}
    assert causes(service) == ["WRONG_SIGNATURE", "WRONG_SIGNATURE"]


async def test_a_token_of_another_issuer_or_for_no_provider_is_refused(serving: Serving, issuer: Issuer) -> None:
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        refusals = [
            await refusal_of(service, issuer.token(iss="https://other.example")),
            await refusal_of(service, issuer.token(), OTHER),
            await refusal_of(service, issuer.token(), f"acs:ram::{ACCOUNT}:saml-provider/cluster"),
        ]

    assert {refusal.reason for refusal in refusals} == {"INVALID_TOKEN"}
    assert causes(service) == ["WRONG_ISSUER", "UNKNOWN_ISSUER", "UNKNOWN_ISSUER"]


async def test_a_token_that_is_older_than_its_provider_allows_is_refused(serving: Serving, issuer: Issuer) -> None:
    async with serving({PROVIDER: issuer}, trusting(sub="alice"), max_token_age_seconds=60) as service:
        young = await decided(service, issuer.token(iat=issuer.now - 10))
        old = await refusal_of(service, issuer.token(iat=issuer.now - 3_000, exp=issuer.now + 3_000))

    assert young.valid_until.seconds == issuer.now + 50
    assert old.reason == "INVALID_TOKEN"
    assert causes(service) == ["TOO_OLD"]


# --- no decision outlives its token --------------------------------------------------------------------------------------


async def test_every_answer_is_valid_until_the_token_expires_at_most(serving: Serving, issuer: Issuer) -> None:
    token, ends = issuer.token(), issuer.now + 600
    allowed, denied, unknown = query(token), query(issuer.token(sub="bob")), query(token)
    unknown.role = "unknown"
    queries = [allowed, denied, unknown, allowed]
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        decisions = service.decisions
        checks = [(await decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=each))).decision for each in queries]
        batch = await decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=queries))
        stream = decisions.StreamCheckAssumeRole(pb.StreamCheckAssumeRoleRequest(query=each) for each in queries)
        streamed = [answer.decision async for answer in stream]
        explained = await decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=allowed))

    found = [*checks, *(result.decision for result in batch.results), *streamed, explained.decision]
    assert len(found) == 13
    assert [decision.valid_until.seconds for decision in found] == [ends] * 13


async def test_a_decision_with_a_token_is_not_that_of_the_same_claims_without_one(
    serving: Serving, issuer: Issuer
) -> None:
    claims = {"oidc:iss": [issuer.issuer], "oidc:aud": [AUDIENCE], "oidc:sub": ["alice"]}
    asserted = pb.FederatedIdentity(
        provider_arn=PROVIDER, claims={key: pb.ConditionValues(values=values) for key, values in claims.items()}
    )
    request = pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(federated=asserted, role="app"))
    async with serving({PROVIDER: issuer}, trusting(sub="alice"), allow_asserted=True) as service:
        first = (await service.decisions.CheckAssumeRole(request)).decision
        token = await decided(service, issuer.token())
        second = (await service.decisions.CheckAssumeRole(request)).decision

    assert (first.allowed, token.allowed, second.allowed) == (True, True, True)
    assert token.served_from == pb.SERVED_FROM_CACHED
    assert not first.HasField("valid_until")
    assert not second.HasField("valid_until")
    assert token.valid_until.seconds == issuer.now + 600


async def test_the_same_bytes_are_refused_once_the_token_has_expired(serving: Serving, issuer: Issuer) -> None:
    token = issuer.token(padding="p" * 10)
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        for _ in range(3):
            assert (await decided(service, token)).allowed
        decoder: Any = service.server.decoder
        decoder._federation._clock = lambda: (issuer.now + 600) * MICROS
        refusal = await refusal_of(service, token)

    assert refusal.reason == "INVALID_TOKEN"
    assert causes(service) == ["EXPIRED"]
    assert len(decoder.cache) == 0


async def test_the_same_bytes_are_refused_once_the_provider_is_gone_or_has_other_keys(
    serving: Serving, issuer: Issuer
) -> None:
    token = issuer.token()
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        assert (await decided(service, token)).allowed
        (keys,) = service.server._listener_security.key_sets.by_owner().values()
        source: Any = keys.source
        Path(source.path).write_bytes(issuer.key_set("RS256"))  # noqa: ASYNC240
        keys.refresh()
        replaced = await refusal_of(service, token)
        service.server.callers.directory.replace(callers_file({"callers": [LOCAL_ADMIN]}))
        gone = await refusal_of(service, issuer.token("RS256"))

    assert (replaced.reason, gone.reason) == ("INVALID_TOKEN", "INVALID_TOKEN")
    assert causes(service) == ["UNKNOWN_KEY", "UNKNOWN_ISSUER"]


async def test_the_token_of_one_item_does_not_spoil_the_others_of_a_batch_or_a_stream(
    serving: Serving, issuer: Issuer
) -> None:
    queries = [query(issuer.token()), query("x"), query(issuer.token())]
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        batch = await service.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=queries))
        stream = service.decisions.StreamCheckAssumeRole(
            pb.StreamCheckAssumeRoleRequest(query=each) for each in queries
        )
        streamed = [answer async for answer in stream]

    for answers in (batch.results, streamed):
        assert [answer.decision.allowed for answer in answers] == [True, False, True]
        assert [answer.HasField("error") for answer in answers] == [False, True, False]


async def test_roles_that_a_token_may_assume_are_listed(serving: Serving, issuer: Issuer) -> None:
    identity = pb.OidcIdentity(provider_arn=PROVIDER, token=issuer.token())
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        page = await service.decisions.ListAssumableRoles(pb.ListAssumableRolesRequest(oidc=identity))
        identity.token = "x"
        refusal = await refused(service.decisions.ListAssumableRoles(pb.ListAssumableRolesRequest(oidc=identity)))

    assert [role.role_arn for role in page.roles] == [f"acs:ram::{ACCOUNT}:role/app"]
    assert refusal.reason == "INVALID_TOKEN"


# --- what may be asserted ------------------------------------------------------------------------------------------------


def asserting(**claims: str) -> pb.CheckAssumeRoleRequest:
    values = {f"oidc:{key}": pb.ConditionValues(values=[value]) for key, value in claims.items()}
    identity = pb.FederatedIdentity(provider_arn=PROVIDER, claims=values)
    return pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(federated=identity, role="app"))


async def test_claims_of_a_provider_with_keys_are_not_asserted(serving: Serving, issuer: Issuer) -> None:
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        refusal = await refused(service.decisions.CheckAssumeRole(asserting(sub="alice")))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "TOKEN_REQUIRED")
    assert "send the token in `oidc`" in refusal.message


async def test_where_claims_may_be_asserted_issuer_and_audience_are_the_providers_own(
    serving: Serving, issuer: Issuer
) -> None:
    async with serving({PROVIDER: issuer}, trusting(sub="alice"), allow_asserted=True) as service:
        check = service.decisions.CheckAssumeRole
        right = await check(asserting(sub="alice", iss=issuer.issuer, aud=AUDIENCE))
        wrong = [
            await refused(check(asserting(sub="alice", iss="https://other.example"))),
            await refused(check(asserting(sub="alice", aud="other"))),
        ]

    assert right.decision.allowed
    assert [refusal.fields[0].field for refusal in wrong] == [
        "federated.claims['oidc:iss']",
        "federated.claims['oidc:aud']",
    ]


async def test_claims_that_were_asserted_before_are_refused_once_the_provider_has_keys(
    issuer: Issuer, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "keys.json").write_bytes(issuer.key_set())
    provider = {
        "arn": PROVIDER, "issuer": issuer.issuer, "audiences": [AUDIENCE], "jwks_file": str(tmp_path / "keys.json"),
    }  # fmt: skip
    directory = CallerDirectory(callers_file({"callers": [LOCAL_ADMIN]}))
    async with serving_callers(directory, transport=transport) as service:
        document = trusting(sub="alice")
        await service.roles.CreateRole(
            role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=document)
        )
        before = await service.decisions.CheckAssumeRole(asserting(sub="alice"))
        directory.replace(callers_file({"providers": [provider], "callers": [LOCAL_ADMIN]}))
        refusal = await refused(service.decisions.CheckAssumeRole(asserting(sub="alice")))

    assert before.decision.allowed
    assert refusal.reason == "TOKEN_REQUIRED"


async def test_a_token_without_a_provider_stays_refused_with_a_hint(serving: Serving, issuer: Issuer) -> None:
    request = pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(oidc_token=issuer.token(), role="app"))
    async with serving({PROVIDER: issuer}, trusting(sub="alice")) as service:
        refusal = await refused(service.decisions.CheckAssumeRole(request))

    assert refusal.code is grpc.StatusCode.UNIMPLEMENTED
    assert "send `oidc`" in refusal.message


# --- an issuer over https ------------------------------------------------------------------------------------------------


async def test_the_keys_of_a_real_issuer_are_fetched_and_serve_while_it_is_down(
    issuer: Issuer, tmp_path: Path, transport: str
) -> None:
    with https_site(issuer.key_set()) as site:
        (tmp_path / "ca.pem").write_bytes(site.authority)
        provider = {"arn": PROVIDER, "issuer": issuer.issuer, "audiences": [AUDIENCE], "jwks_url": site.url}
        directory = CallerDirectory(callers_file({"providers": [provider], "callers": [LOCAL_ADMIN]}))
        hosts = {"jwks_host": "localhost=127.0.0.1,localhost=::1", "jwks_ca": str(tmp_path / "ca.pem")}
        async with serving_callers(directory, transport=transport, **hosts) as service:
            document = trusting(sub="alice")
            await service.roles.CreateRole(
                role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=document)
            )
            first = await decided(service, issuer.token())
            site.status = 500
            (keys,) = service.server._listener_security.key_sets.by_owner().values()
            with pytest.raises(Exception, match="the status 500"):
                keys.refresh()
            second = await decided(service, issuer.token(jti="2"))

    assert (first.allowed, second.allowed) == (True, True)
    assert site.paths == ["/jwks", "/jwks"]
    assert (keys.errors, keys.usable) == (1, True)
