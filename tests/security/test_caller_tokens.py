"""Tokens as the identity of callers, over real connections: who is let in, and that nobody learns why not."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from rolecall.callers.directory import CallerDirectory
from rolecall.security.credential_faults import CredentialFault
from rolecall.security.tokens.faults import TokenFault
from rolecall.transport.options import GRPCIO, H2
from rolecall_client.v1 import decision_pb2, decision_pb2_grpc, role_pb2, role_pb2_grpc
from tests.security.certificates import Authority
from tests.security.known_callers import ADMINISTRATOR, callers_file, causes, serving_callers
from tests.security.test_authentication import creation
from tests.security.tokens.issuing import AUDIENCE, Issuer, encoded, kubernetes_claims
from tests.server.serving import Served, check
from tests.transport.refusals import refused

STATIC = "rct_" + "s" * 43
STATIC_HASH = sha256(STATIC.encode()).hexdigest()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(now=int(time.time()))


@pytest.fixture(params=[GRPCIO, H2])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


def oidc(issuer: str, subject: str, name: str = "caller") -> dict[str, Any]:
    return {
        "name": name,
        "match": {"oidc": {"issuer": issuer, "subject": subject, "audience": AUDIENCE}},
        **ADMINISTRATOR,
    }


Serving = Callable[..., Any]


@pytest.fixture
def serving(tmp_path: Path, authority: Authority, issuer: Issuer, transport: str) -> Serving:
    """Give servers with TLS that trust the tokens of an issuer, whose keys are in a file."""

    @asynccontextmanager
    async def serve(
        *callers: Mapping[str, Any], issuers: Mapping[str, Issuer] | None = None, **flags: object
    ) -> AsyncIterator[Served]:
        trusted = {}
        for number, (name, one) in enumerate({issuer.issuer: issuer, **(issuers or {})}.items()):
            path = tmp_path / f"jwks-{number}.json"
            path.write_bytes(one.key_set())
            trusted[name] = {"jwks_file": str(path)}
        directory = CallerDirectory(callers_file({"issuers": trusted, "callers": list(callers)}))
        files = {"tls_cert": authority.folder / "cert.pem", "tls_key": authority.folder / "key.pem"}
        tls = {name: str(path) for name, path in files.items()}
        async with serving_callers(directory, transport=transport, **tls, **flags) as service:
            yield service

    return serve


async def actor(channel: Any, metadata: object, name: str = "app") -> str:
    """Write a role; return in whose name."""
    roles = role_pb2_grpc.RoleServiceStub(channel)
    await roles.CreateRole(creation(name), metadata=metadata)
    history = await roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role=name), metadata=metadata)
    return str(history.revisions[0].actor)


async def test_a_token_of_an_issuer_is_the_caller(serving: Serving, authority: Authority, issuer: Issuer) -> None:
    async with serving(oidc(issuer.issuer, "alice")) as service, authority.connected(service) as channel:
        found = await actor(channel, bearer(issuer.token()))

    assert found == "https://oidc.example alice"


async def test_a_token_of_a_kubernetes_service_account_is_the_caller(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    claims = kubernetes_claims()
    cluster = Issuer(str(claims["iss"]), now=issuer.now)
    entry = oidc(cluster.issuer, "system:serviceaccount:shop:orders")
    async with (
        serving(entry, issuers={cluster.issuer: cluster}) as service,
        authority.connected(service) as channel,
    ):
        found = await actor(channel, bearer(cluster.token("RS256", **claims)))

    assert found == "https://kubernetes.default.svc.cluster.local system:serviceaccount:shop:orders"


async def test_a_static_token_is_the_caller(serving: Serving, authority: Authority) -> None:
    entry = {"name": "script", "match": {"token_sha256": STATIC_HASH}, **ADMINISTRATOR}
    async with serving(entry) as service, authority.connected(service) as channel:
        found = await actor(channel, bearer(STATIC))
        refusal = await refused(actor(channel, bearer(STATIC + "x"), "other"))

    assert found == f"token:{STATIC_HASH[:16]}"
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert causes(service) == ["UNKNOWN_TOKEN"]
    assert STATIC not in service.log.getvalue()


def forged(issuer: Issuer) -> str:
    return Issuer(now=issuer.now).token()


def unsigned(issuer: Issuer) -> str:
    return f"{encoded(json.dumps({'alg': 'none'}))}.{encoded(json.dumps(issuer.claims()))}.AA"


def twice(issuer: Issuer) -> str:
    return issuer.signed('{"alg":"ES256","kid":"es256"}', json.dumps(issuer.claims())[:-1] + ',"sub":"admin"}')


BAD: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "forged": (forged, "WRONG_SIGNATURE"),
    "expired": (lambda issuer: issuer.token(exp=issuer.now - 1), "EXPIRED"),
    "of the future": (lambda issuer: issuer.token(iat=issuer.now + 3_600), "NOT_YET_VALID"),
    "for another audience": (lambda issuer: issuer.token(aud="other"), "WRONG_AUDIENCE"),
    "unsigned": (unsigned, "WRONG_ALGORITHM"),
    "with an algorithm that is not allowed": (lambda issuer: issuer.token("ES384"), "WRONG_ALGORITHM"),
    "with two subjects": (twice, "DUPLICATE_MEMBER"),
    "too large": (lambda issuer: issuer.token(groups="g" * 7_000), "TOO_LARGE"),
    "of an unknown key": (lambda issuer: issuer.token(header={"kid": "new"}), "UNKNOWN_KEY"),
    "of an unknown issuer": (lambda issuer: issuer.token(iss="https://other.example"), "UNKNOWN_ISSUER"),
    "malformed": (lambda _: "x", "MALFORMED"),
}


async def test_an_invalid_token_is_refused_with_its_cause_in_the_log_and_none_to_the_caller(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    refusals = {}
    async with serving(oidc(issuer.issuer, "alice")) as service, authority.connected(service) as channel:
        for name, (make, _) in BAD.items():
            service.server.refusals._second = -1  # the log has a limit for each second
            refusals[name] = await refused(actor(channel, bearer(make(issuer))))
        revision = service.server.replica.snapshot.revision

    assert {refusal.code for refusal in refusals.values()} == {grpc.StatusCode.UNAUTHENTICATED}
    assert len({refusal.message for refusal in refusals.values()}) == 1
    assert {frozenset(refusal.facts) for refusal in refusals.values()} == {frozenset({"request_id"})}
    assert causes(service) == [cause for _, cause in BAD.values()]
    counts = service.server.refusals.counts
    assert {cause: number for cause, number in counts.items() if number} == Counter(causes(service))
    assert set(counts) == {*CredentialFault, *TokenFault}
    assert revision == 0


METADATA: dict[str, tuple[Callable[[str], list[tuple[str, str]]], str]] = {
    "two tokens": (lambda token: bearer(token) * 2, "SEVERAL_TOKENS"),
    "two tokens, of which one is invalid": (lambda token: [*bearer(token), *bearer("x")], "SEVERAL_TOKENS"),
    "another scheme": (lambda token: [("authorization", f"Basic {token}")], "UNKNOWN_SCHEME"),
    "no scheme": (lambda token: [("authorization", token)], "UNKNOWN_SCHEME"),
    "no token": (lambda _: [("authorization", "Bearer")], "UNKNOWN_SCHEME"),
}


async def test_a_call_has_one_bearer_token(serving: Serving, authority: Authority, issuer: Issuer) -> None:
    async with serving(oidc(issuer.issuer, "alice")) as service, authority.connected(service) as channel:
        for make, _ in METADATA.values():
            refusal = await refused(actor(channel, make(issuer.token())))
            assert refusal.code is grpc.StatusCode.UNAUTHENTICATED

    assert causes(service) == [cause for _, cause in METADATA.values()]


async def test_two_issuers_do_not_verify_each_others_tokens(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    other = Issuer("https://other.example", now=issuer.now)
    entries = (oidc(issuer.issuer, "alice", "first"), oidc(other.issuer, "alice", "second"))
    async with serving(*entries, issuers={other.issuer: other}) as service, authority.connected(service) as channel:
        first = await actor(channel, bearer(issuer.token()), "a")
        second = await actor(channel, bearer(other.token()), "b")
        refusal = await refused(actor(channel, bearer(other.token(iss=issuer.issuer)), "c"))

    assert (first, second) == ("https://oidc.example alice", "https://other.example alice")
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_token_that_expires_is_refused_from_then_on_although_it_was_verified(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    token = issuer.token()
    async with serving(oidc(issuer.issuer, "alice")) as service, authority.connected(service) as channel:
        await actor(channel, bearer(token))
        authentication: Any = service.server._listener_security.authentication
        authentication._clock = lambda: (issuer.now + 600) * 1_000_000
        refusal = await refused(actor(channel, bearer(token), "other"))

    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert causes(service) == ["EXPIRED"]


async def test_an_open_stream_ends_when_its_token_expires(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    async with serving(oidc(issuer.issuer, "alice")) as service, authority.connected(service) as channel:
        stream = decision_pb2_grpc.DecisionServiceStub(channel).StreamCheckAssumeRole(metadata=bearer(issuer.token()))
        await stream.write(decision_pb2.StreamCheckAssumeRoleRequest(query=check().query))
        answered = await stream.read()
        security: Any = service.server._listener_security
        streams: Any = service.server.identities.streams
        security.authentication._clock = streams._micros = lambda: (issuer.now + 600) * 1_000_000
        await streams.renew_due()
        refusal = await refused(stream.read())

    assert answered.HasField("decision")
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert causes(service) == ["EXPIRED"]


async def test_a_token_in_plain_text_is_accepted_on_this_machine(
    issuer: Issuer, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "jwks.json").write_bytes(issuer.key_set())
    value = {
        "issuers": {issuer.issuer: {"jwks_file": str(tmp_path / "jwks.json")}},
        "callers": [oidc(issuer.issuer, "alice")],
    }
    async with serving_callers(CallerDirectory(callers_file(value)), transport=transport) as service:
        found = await actor(service.channel, bearer(issuer.token()))

    assert found == "https://oidc.example alice"


# --- beside a certificate ------------------------------------------------------------------------------------------------


async def test_beside_a_certificate_a_token_is_the_caller_only_through_that_certificate(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    through = {**oidc(issuer.issuer, "alice"), "via": {"dns": "gateway.example"}}
    gateway, other = x509.DNSName("gateway.example"), x509.DNSName("other.example")
    certificates = {"name": "gateway", "match": {"dns": "*.example"}, **ADMINISTRATOR}
    async with (
        serving(through, certificates, tls_client_ca=str(authority.folder / "ca.pem")) as service,
        authority.client(service, gateway) as right,
        authority.client(service, other) as wrong,
    ):
        found = await actor(right, bearer(issuer.token()), "a")
        alone = await actor(right, None, "b")
        refusals = [
            await refused(actor(wrong, bearer(issuer.token()), "c")),
            await refused(actor(right, bearer(issuer.token(sub="bob")), "d")),
            await refused(actor(right, bearer(issuer.token(aud="other")), "e")),
            await refused(actor(right, bearer("x"), "f")),
        ]

    assert (found, alone) == ("https://oidc.example alice", "gateway.example")
    assert {refusal.code for refusal in refusals} == {grpc.StatusCode.UNAUTHENTICATED}
    assert causes(service) == ["NO_ENTRY", "NO_ENTRY", "WRONG_AUDIENCE", "MALFORMED"]


async def test_a_token_whose_entry_has_no_certificate_is_not_accepted_beside_one(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    async with (
        serving(oidc(issuer.issuer, "alice"), tls_client_ca=str(authority.folder / "ca.pem")) as service,
        authority.client(service, x509.DNSName("client.example")) as channel,
    ):
        refusal = await refused(actor(channel, bearer(issuer.token())))

    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert causes(service) == ["NO_ENTRY"]


# --- what changes while the server runs ----------------------------------------------------------------------------------


async def test_a_token_is_refused_once_its_issuer_has_replaced_the_key(
    serving: Serving, authority: Authority, issuer: Issuer
) -> None:
    token = issuer.token()
    async with serving(oidc(issuer.issuer, "alice")) as service, authority.connected(service) as channel:
        await actor(channel, bearer(token))
        (keys,) = service.server._listener_security.key_sets.by_owner().values()
        source: Any = keys.source
        Path(source.path).write_bytes(issuer.key_set("RS256"))  # noqa: ASYNC240
        keys.refresh()
        refusal = await refused(actor(channel, bearer(token), "b"))
        found = await actor(channel, bearer(issuer.token("RS256")), "c")

    assert (refusal.code, found) == (grpc.StatusCode.UNAUTHENTICATED, "https://oidc.example alice")


async def test_a_static_token_that_is_removed_from_the_file_is_refused(authority: Authority, transport: str) -> None:
    entry = {"name": "script", "match": {"token_sha256": STATIC_HASH}, **ADMINISTRATOR}
    directory = CallerDirectory(callers_file({"callers": [entry]}))
    async with serving_callers(directory, transport=transport) as service:
        await actor(service.channel, bearer(STATIC))
        directory.replace(callers_file({"callers": []}))
        refusal = await refused(actor(service.channel, bearer(STATIC), "b"))

    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED


async def test_keys_that_cannot_be_read_at_the_start_stop_the_start(tmp_path: Path) -> None:
    value = {"issuers": {"https://oidc.example": {"jwks_file": str(tmp_path / "none")}}, "callers": []}

    with pytest.raises(Exception, match="the callers file: the key set: cannot read"):
        async with serving_callers(CallerDirectory(callers_file(value))):
            pass


async def test_a_url_whose_host_is_not_listed_stops_the_start() -> None:
    value = {"issuers": {"https://oidc.example": {"jwks_url": "https://oidc.example/jwks"}}, "callers": []}

    with pytest.raises(Exception, match=r"`oidc\.example` is not listed; add it to --jwks-host"):
        async with serving_callers(CallerDirectory(callers_file(value))):
            pass
