from __future__ import annotations

import pytest

from rolecall.callers.credential import CredentialKind
from rolecall.callers.document import read_callers
from rolecall.callers.errors import InvalidCallersError
from rolecall.policy.principal import Principal, PrincipalKind
from tests.callers.files import ACCOUNT, ISSUER, TOKEN_HASH, allowing, callers, document, entry, violations_of

PROVIDER = {
    "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci",
    "issuer": "https://ci.example",
    "audiences": ["sts.aliyuncs.com"],
    "jwks_url": "https://ci.example/keys",
}


def test_a_whole_file_is_read() -> None:
    file = callers(
        entry(principal=f"acs:ram::{ACCOUNT}:user/orders", until="2027-01-01T00:00:00Z"),
        entry("gateway", match={"dns": "Gateway.Shop.SVC"}, policies=["ReadShop", "RolecallAuditor"]),
        entry("ci", match={"oidc": {"issuer": ISSUER, "subject": "repo:shop/api:ref:*", "audience": "rolecall"}}),
        entry("small", match={"token_sha256": TOKEN_HASH}, via={"spiffe": "spiffe://prod.example/ns/edge/sa/*"}),
        entry("cron", match={"uid": 1000}),
        entry("laptop", match={"local": True}),
        policies={"ReadShop": allowing("ram:Get*", resource=f"acs:ram:*:{ACCOUNT}:role/shop-*")},
        providers=[PROVIDER],
    )

    assert [e.match.kind for e in file.callers] == [
        CredentialKind.SPIFFE,
        CredentialKind.DNS,
        CredentialKind.OIDC,
        CredentialKind.TOKEN,
        CredentialKind.UID,
        CredentialKind.LOCAL,
    ]
    assert file.callers[0].principal == Principal(PrincipalKind.USER, ACCOUNT, "orders")
    assert file.callers[0].until == 1_798_761_600_000_000
    assert file.callers[1].match.text == "gateway.shop.svc"
    assert file.callers[3].via is not None
    assert file.issuers[0].keys.algorithms == ("RS256", "ES256")
    assert file.providers[0].max_token_age_seconds == 3_600
    assert file.providers[0].allow_asserted is False
    assert file.token_hashes == {TOKEN_HASH}


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        ({"spiffe": "spiffe://*.example/ns/shop"}, "INVALID_SPIFFE_ID"),
        ({"spiffe": "spiffe://prod.example/ns/shop-*"}, "INVALID_SPIFFE_ID"),
        ({"spiffe": "spiffe://prod.example/ns/../sa"}, "INVALID_SPIFFE_ID"),
        ({"spiffe": "spiffe://prod.example/ns/"}, "INVALID_SPIFFE_ID"),
        ({"spiffe": "SPIFFE://prod.example/ns"}, "INVALID_SPIFFE_ID"),
        ({"spiffe": "spiffe://Prod.example/ns"}, "INVALID_SPIFFE_ID"),
        ({"spiffe": "spiffe://other.example/ns"}, "UNKNOWN_TRUST_DOMAIN"),
        ({"dns": "orders.shop.svc."}, "INVALID_DNS_NAME"),
        ({"dns": "orders.*"}, "INVALID_DNS_NAME"),
        ({"dns": "*"}, "INVALID_DNS_NAME"),
        ({"dns": "orders-*.svc"}, "INVALID_DNS_NAME"),
        ({"token_sha256": TOKEN_HASH.upper()}, "INVALID_TOKEN_HASH"),
        ({"token_sha256": "secret"}, "INVALID_TOKEN_HASH"),
        ({"uid": "1000"}, "WRONG_TYPE"),
        ({"uid": -1}, "WRONG_TYPE"),
        ({"local": False}, "INVALID_MATCH"),
        ({}, "INVALID_MATCH"),
        ({"uid": 1, "local": True}, "INVALID_MATCH"),
        ({"cn": "orders"}, "UNKNOWN_FIELD"),
    ],
)
def test_a_match_that_could_mean_another_caller_is_refused(match: object, reason: str) -> None:
    violations = violations_of(document(entry(match=match)))

    assert reason in [found for _, found in violations]


@pytest.mark.parametrize(
    ("issuer", "subject", "audience"),
    [
        ("https://*.example", "repo:a/b:ref:x", "rolecall"),
        (ISSUER, "repo:a/b:ref:x", "role*"),
        (ISSUER, "repo:a/*:ref:x", "rolecall"),
        (ISSUER, "repo:*/b:ref:x", "rolecall"),
        (ISSUER, "project_path:group/*:ref:main", "rolecall"),
        (ISSUER, "project_path:group/*/api:ref:main", "rolecall"),
        (ISSUER, "*:a/b:ref:x", "rolecall"),
        (ISSUER, "*", "rolecall"),
        (ISSUER, "system:serviceaccount:shop:or*", "rolecall"),
    ],
)
def test_a_wildcard_where_one_issuer_could_speak_for_another_is_refused(
    issuer: str, subject: str, audience: str
) -> None:
    match = {"oidc": {"issuer": issuer, "subject": subject, "audience": audience}}

    violations = violations_of(document(entry(match=match)))

    assert "WILDCARD_NOT_ALLOWED" in [reason for _, reason in violations]


@pytest.mark.parametrize("match", [{"spiffe": "spiffe://prod.example/ns/*/sa/orders"}, {"dns": "*.shop.svc"}])
def test_an_entry_with_a_principal_has_no_wildcard(match: object) -> None:
    violations = violations_of(document(entry(match=match, principal=f"acs:ram::{ACCOUNT}:user/orders")))

    assert violations == [("/callers/0/match", "WILDCARD_NOT_ALLOWED")]


@pytest.mark.parametrize(
    "principal",
    [
        f"acs:ram::{ACCOUNT}:root",
        f"acs:sts::{ACCOUNT}:assumed-role/app/session",
        f"acs:ram::{ACCOUNT}:oidc-provider/ci",
        "ecs.aliyuncs.com",
        "orders",
    ],
)
def test_a_caller_can_only_be_a_user_a_role_or_a_service_of_an_account(principal: str) -> None:
    [(pointer, _)] = violations_of(document(entry(principal=principal)))

    assert pointer == "/callers/0/principal"


def test_a_token_needs_its_issuer_and_an_audience_that_is_not_a_providers() -> None:
    match = {"oidc": {"issuer": "https://other.example", "subject": "a", "audience": "sts.aliyuncs.com"}}

    violations = violations_of(document(entry(match=match), providers=[PROVIDER]))

    assert violations == [("/callers/0/match", "UNKNOWN_ISSUER"), ("/callers/0/match", "AUDIENCE_OF_PROVIDER")]


def test_a_token_without_an_audience_is_refused() -> None:
    violations = violations_of(document(entry(match={"oidc": {"issuer": ISSUER, "subject": "a"}})))

    assert violations == [("/callers/0/match/oidc", "MISSING_FIELD")]


def test_via_is_for_tokens_and_names_a_certificate() -> None:
    beside_certificate = entry(via={"dns": "proxy.svc"})
    beside_token = entry("b", match={"token_sha256": TOKEN_HASH}, via={"uid": 7})

    violations = violations_of(document(beside_certificate, beside_token))

    assert ("/callers/0/via", "INVALID_MATCH") in violations
    assert ("/callers/1/via/uid", "UNKNOWN_FIELD") in violations


@pytest.mark.parametrize("name", ["AdministratorAccess", "administratoraccess", "ROLECALLDECIDER"])
def test_an_own_policy_may_not_have_the_name_of_a_system_policy(name: str) -> None:
    violations = violations_of(document(entry(), policies={name: allowing("ram:*")}))

    assert violations == [(f"/policies/{name}", "NAME_OF_SYSTEM_POLICY")]


def test_policies_are_those_of_the_system_and_of_the_file_alone() -> None:
    violations = violations_of(
        document(entry(policies=["RolecalDecider", "Stored", "Mine"]), policies={"Mine": allowing("ram:*")})
    )

    assert violations == [
        ("/callers/0/policies/0", "UNKNOWN_POLICY"),
        ("/callers/0/policies/1", "UNKNOWN_POLICY"),
    ]


def test_the_violations_of_a_policy_have_their_pointer_in_the_file() -> None:
    policy = {"Version": "1", "Statement": [{"Effect": "Permit", "Action": "ram:GetRole", "Resource": "*"}]}

    violations = violations_of(document(entry(), policies={"Mine": policy}))

    assert [pointer for pointer, _ in violations] == ["/policies/Mine/Statement/0/Effect"]


def test_names_that_repeat_are_refused_with_the_first() -> None:
    with pytest.raises(InvalidCallersError) as caught:
        read_callers(document(entry(), entry(), policies={"Mine": allowing("ram:*"), "mine": allowing("ram:*")}))

    assert [(v.pointer, v.reason, v.first) for v in caught.value.violations] == [
        ("/policies/mine", "DUPLICATE_POLICY", "/policies/Mine"),
        ("/callers/1/name", "DUPLICATE_CALLER", "/callers/0/name"),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"issuers": {ISSUER: {"jwks_file": "a", "jwks_url": "https://b"}}}, "INVALID_KEY_SOURCE"),
        ({"issuers": {ISSUER: {}}}, "INVALID_KEY_SOURCE"),
        ({"issuers": {ISSUER: {"jwks_url": "http://oidc.example/keys"}}}, "INVALID_URL"),
        ({"issuers": {ISSUER: {"jwks_file": "a", "algorithms": ["HS256"]}}}, "UNKNOWN_ALGORITHM"),
        ({"issuers": {ISSUER: {"jwks_file": "a", "algorithms": ["none"]}}}, "UNKNOWN_ALGORITHM"),
        ({"issuers": {ISSUER: {"jwks_file": "a", "algorithms": []}}}, "EMPTY_LIST"),
        ({"providers": [PROVIDER | {"arn": f"acs:ram::{ACCOUNT}:saml-provider/ci"}]}, "INVALID_PROVIDER"),
        ({"providers": [PROVIDER | {"audiences": []}]}, "EMPTY_LIST"),
        ({"providers": [PROVIDER | {"audiences": ["a*"]}]}, "WILDCARD_NOT_ALLOWED"),
        ({"providers": [PROVIDER | {"max_token_age_seconds": 0}]}, "WRONG_TYPE"),
        ({"providers": [PROVIDER | {"allow_asserted": "yes"}]}, "WRONG_TYPE"),
        ({"providers": [PROVIDER, PROVIDER]}, "DUPLICATE_PROVIDER"),
        ({"trust_domains": {"Prod.example": "/ca"}}, "INVALID_TRUST_DOMAIN"),
        ({"trust_domains": ["prod.example"]}, "WRONG_TYPE"),
        ({"caller": []}, "UNKNOWN_FIELD"),
    ],
)
def test_whom_the_server_trusts_is_read_strictly(fields: dict[str, object], reason: str) -> None:
    violations = violations_of(document(entry(match={"local": True})) | fields)

    assert reason in [found for _, found in violations]


@pytest.mark.parametrize(
    "entry_",
    [
        entry(until="2027-01-01"),
        entry(until=20270101),
        entry(name=""),
        entry(name="a b"),
        entry(policies=[]),
        entry(policies="A"),
        7,
    ],
)
def test_an_entry_of_another_shape_is_refused(entry_: object) -> None:
    assert violations_of(document(entry_))


def test_a_file_of_another_shape_is_refused() -> None:
    assert violations_of([]) == [("", "WRONG_TYPE")]
    assert violations_of(None) == [("", "WRONG_TYPE")]
    assert violations_of({}) == [("", "MISSING_FIELD")]


def test_the_number_of_entries_and_of_their_policies_is_limited() -> None:
    entries = [entry(f"c{i}", policies=["RolecallDecider"]) for i in range(5_001)]
    own = {f"P{i}": allowing("ram:*") for i in range(21)}

    assert ("/callers", "TOO_MANY") in violations_of(document(*entries))
    assert ("/callers/0/policies", "TOO_MANY") in violations_of(document(entry(policies=list(own)), policies=own))


def test_reading_stops_after_as_many_violations_as_are_reported() -> None:
    violations = violations_of(document(*[7] * 1_000))

    assert len(violations) == 250
    assert violations[-1][1] == "TOO_MANY_VIOLATIONS"


def test_the_generation_depends_on_everything_but_the_order_of_policies() -> None:
    first = callers(entry(), policies={"A": allowing("ram:GetRole"), "B": allowing("ram:ListRoles")})
    same = callers(entry(), policies={"B": allowing("ram:ListRoles"), "A": allowing("ram:GetRole")})
    others = [
        callers(entry(), policies={"A": allowing("ram:GetRole"), "B": allowing("ram:List*")}),
        callers(entry("orders2"), policies={"A": allowing("ram:GetRole"), "B": allowing("ram:ListRoles")}),
        first.with_authorities({"prod.example": b"one", "dev.example": b"two"}),
    ]

    assert first.generation == same.generation
    assert len({first.generation, *(other.generation for other in others)}) == 4


@pytest.mark.parametrize("issuer", ["", "https://*.example", "https://oidc.example repo", "https://oidc.example\u2028"])
def test_an_issuer_with_which_two_callers_could_have_one_name_is_refused(issuer: str) -> None:
    found = violations_of(document(issuers={issuer: {"jwks_file": "/keys.json"}}))

    assert [reason for _, reason in found] == ["INVALID_ISSUER"]


def test_an_error_is_one_line_whatever_the_name_of_a_field() -> None:
    with pytest.raises(InvalidCallersError) as refused:
        read_callers({"callers": [{"na\nme": "orders"}]})

    assert "/callers/0/na\\nme: " in str(refused.value)
    assert str(refused.value).isprintable()
    assert refused.value.violations[0].pointer == "/callers/0/na\nme"
