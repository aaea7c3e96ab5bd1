"""Two callers never share a right, whatever they have in common, and in whichever order they ask."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.security.identity import UnidentifiedCallerError, by_certificate
from tests.callers.files import ISSUER, TOKEN_HASH, callers, entry

SPIFFE = Credential(kind=CredentialKind.SPIFFE, identity="spiffe://prod.example/ns/shop/sa/orders")
DNS = Credential(kind=CredentialKind.DNS, identity="orders.shop.svc")
TOKEN = Credential(kind=CredentialKind.TOKEN, identity="token:9f86d081884c7d65", token_sha256=TOKEN_HASH)
UID = Credential(kind=CredentialKind.UID, identity="uid:1000", uid=1000)
OIDC = Credential(
    kind=CredentialKind.OIDC, identity=f"{ISSUER} repo:shop/api:ref", issuer=ISSUER, subject="repo:shop/api:ref", audiences=("rolecall",)
)  # fmt: skip

ENTITLED = {
    "spiffe": (SPIFFE, {"spiffe": SPIFFE.identity}),
    "spiffe, by a pattern": (SPIFFE, {"spiffe": "spiffe://prod.example/ns/shop/sa/*"}),
    "dns": (DNS, {"dns": DNS.identity}),
    "dns, by a pattern": (DNS, {"dns": "*.shop.svc"}),
    "static token": (TOKEN, {"token_sha256": TOKEN_HASH}),
    "uid": (UID, {"uid": 1000}),
    "oidc": (OIDC, {"oidc": {"issuer": ISSUER, "subject": OIDC.subject, "audience": "rolecall"}}),
    "oidc, by a pattern": (OIDC, {"oidc": {"issuer": ISSUER, "subject": "repo:shop/api:*", "audience": "rolecall"}}),
}


def spiffe(identity: str) -> Credential:
    return replace(SPIFFE, identity=identity)


def oidc(issuer: str = OIDC.issuer, subject: str = OIDC.subject, *audiences: str) -> Credential:
    return replace(
        OIDC, identity=f"{issuer} {subject}", issuer=issuer, subject=subject, audiences=audiences or OIDC.audiences
    )


LOOKALIKES = (
    spiffe("spiffe://prod.example/ns/shop/sA/orders"), spiffe("spiffe://prod.example/ns/Shop/sa/orders"),
    spiffe("spiffe://dev.example/ns/shop/sa/orders"), spiffe("spiffe://prod.example/ns/shop/sa/orders/x"),
    spiffe("spiffe://prod.example/ns/shop/sa"), spiffe("spiffe://prod.example./ns/shop/sa/orders"),
    replace(DNS, identity="orders.shop.svc."), replace(DNS, identity="orders.shop.svc.x"), replace(DNS, identity="x.orders.shop.svc"),
    replace(DNS, identity=SPIFFE.identity), replace(SPIFFE, identity=DNS.identity), replace(OIDC, identity=SPIFFE.identity, subject="x"),
    oidc("https://oidc.example/"), oidc("https://OIDC.example"), oidc("http://oidc.example"), oidc("https://other.example"),
    oidc(ISSUER, "repo:Shop/api:ref"), oidc(ISSUER, "repo:shop/api:ref:x"), oidc(ISSUER, "repo:shop/api"), oidc(ISSUER, OIDC.subject, "other"),
    replace(TOKEN, token_sha256="0" * 64), replace(UID, uid=1001, identity="uid:1001"), replace(DNS, identity="uid:1000"),
)  # fmt: skip


@pytest.mark.parametrize("name", ENTITLED)
def test_cve_2021_32701_no_lookalike_of_a_caller_has_its_rights_before_or_after_it(name: str) -> None:
    entitled, match = ENTITLED[name]
    others = [other for other in LOOKALIKES if other != entitled]

    for first in (True, False):
        directory = CallerDirectory(callers(entry(match=match, policies=["AdministratorAccess"])))
        warmed = [entitled] if first else []
        for credential in (*warmed, *others, entitled, *others):
            allowed = asks(directory, credential)

            assert allowed == (credential == entitled), credential


def asks(directory: CallerDirectory, credential: Credential) -> bool:
    caller = directory.caller(credential, source_ip="10.0.0.1", secure=True)
    return caller.allows("ram:DeleteRole", "acs:ram::123456789012:role/app")


def test_cve_2026_33496_no_two_credentials_have_one_name() -> None:
    known: list[Credential] = [SPIFFE, DNS, TOKEN, UID, OIDC]
    # What no certificate and no issuer can have is left out: a name with another kind's spelling, a dot at the end.
    possible = [
        c for c in LOOKALIKES if c.kind is CredentialKind.OIDC and c.subject != "x" and c.audiences == OIDC.audiences
    ]
    possible += [c for c in LOOKALIKES if c.kind in (CredentialKind.SPIFFE, CredentialKind.DNS) and is_possible(c)]

    assert len(possible) > 8
    assert all(one.identity != other.identity for one, other in permutations([*known, *possible], 2))


def is_possible(credential: Credential) -> bool:
    kind = "peer_uri" if credential.kind is CredentialKind.SPIFFE else "peer_dns"
    facts: Any = {kind: [credential.identity.encode()]}
    try:
        return by_certificate(facts) == credential
    except UnidentifiedCallerError:
        return False


@pytest.mark.parametrize(
    "name", ["orders.shop.svc.", "uid:1000", "local", "anonymous", "local-admin", "token:9f86", "spiffe://td/a"]
)
def test_a_dns_name_cannot_be_spelled_like_another_kind_of_caller(name: str) -> None:
    facts: Any = {"peer_dns": [name.encode()]}

    with pytest.raises(UnidentifiedCallerError):
        by_certificate(facts)


def test_rights_differ_by_the_connection_although_the_caller_is_the_same() -> None:
    policy = {"Version": "1", "Statement": [{
        "Effect": "Allow", "Action": "ram:DeleteRole", "Resource": "*", "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}},
    }]}  # fmt: skip
    directory = CallerDirectory(callers(entry(policies=["Inside"]), policies={"Inside": policy}))

    answers = [
        directory.caller(SPIFFE, source_ip=address, secure=True).allows("ram:DeleteRole", "acs:ram::1:role/app")
        for address in ("10.0.0.1", "192.0.2.1", "10.0.0.2", "")
    ]

    assert answers == [True, False, True, False]
