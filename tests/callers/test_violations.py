"""What is wrong in a callers file is said at its place, once, with its reason and what to do."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rolecall.callers.declared_value import json_text
from rolecall.callers.document import read_callers
from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.policy.json_text import Number
from tests.callers.files import ACCOUNT, ISSUER, TOKEN_HASH, allowing, document, entry

ARN = f"acs:ram::{ACCOUNT}:oidc-provider/ci"
PROVIDER = {"arn": ARN, "issuer": "https://ci.example", "audiences": ["sts"], "jwks_file": "/ci.json"}
AT_ISSUER = f"/issuers/{ISSUER.replace('/', '~1')}"
ONE_KIND = (
    "/callers/0/match INVALID_MATCH exactly one of `spiffe`, `dns`, `oidc`, `token_sha256`, `uid`, `local` is needed"
)
WRONG_UID = "/callers/0/match/uid WRONG_TYPE must be a whole number from 0 to 4,294,967,294, without quotes"
ONE_SOURCE = "INVALID_KEY_SOURCE exactly one of `jwks_file` and `jwks_url` is needed"
EMPTY = "EMPTY_TEXT the text is empty; write a value, or leave out the field"
NO_URL = f"{AT_ISSUER}/jwks_url INVALID_URL not an https URL; write `https://HOST/PATH`, without a user"
SEGMENT = "`*` stands for one whole segment"


def violations(value: object) -> list[CallersViolation]:
    with pytest.raises(InvalidCallersError) as caught:
        read_callers(value)
    return list(caught.value.violations)


def lines(value: object) -> list[str]:
    """Return each violation as its pointer, its reason and its message."""
    return [f"{found.pointer} {found.reason} {found.message}" for found in violations(value)]


def oidc(subject: str = "a:b", issuer: str = ISSUER, audience: str = "rolecall") -> dict[str, object]:
    return {"oidc": {"issuer": issuer, "subject": subject, "audience": audience}}


MATCHES: list[tuple[object, list[str]]] = [
    ([], ["/callers/0/match WRONG_TYPE must be a mapping with `spiffe`, `dns`, `oidc`, `token_sha256`, `uid` and `local`, not a list"]),
    ({}, [ONE_KIND]),
    ({"uid": 1, "local": True}, [ONE_KIND]),
    ({"cn": "orders"}, [
        "/callers/0/match/cn UNKNOWN_FIELD `cn` is unknown here; known are `spiffe`, `dns`, `oidc`, `token_sha256`, `uid` and `local`",
        ONE_KIND,
    ]),
    ({"spiffe": ""}, [f"/callers/0/match/spiffe {EMPTY}"]),
    ({"dns": ""}, [f"/callers/0/match/dns {EMPTY}"]),
    ({"dns": 7}, ["/callers/0/match/dns WRONG_TYPE must be text, not the number `7`"]),
    ({"dns": "orders.svc."}, [
        ("/callers/0/match/dns INVALID_DNS_NAME `orders.svc.` is not a DNS name; write labels with `.` between them and none at the end;"
        f" {SEGMENT}, and not for the last")
    ]),
    ({"token_sha256": ""}, [f"/callers/0/match/token_sha256 {EMPTY}"]),
    ({"token_sha256": "secret"}, [
        ("/callers/0/match/token_sha256 INVALID_TOKEN_HASH must be the SHA-256 of a token, 64 digits in lower case; "
        "`rolecall token new` prints a token with its hash")
    ]),
    *(({"uid": wrong}, [WRONG_UID]) for wrong in ("1000", True, -1, 1.0, Number("1.0"), Number("9" * 5_000), None)),
    ({"local": False}, ["/callers/0/match/local INVALID_MATCH `local: false` matches no caller; remove the entry"]),
    ({"local": "x"}, ["/callers/0/match/local WRONG_TYPE must be `true` or `false`, without quotes, not the text `x`"]),
    ({"oidc": 7}, ["/callers/0/match/oidc WRONG_TYPE must be a mapping with `issuer`, `subject` and `audience`, not the number `7`"]),
    ({"oidc": {"issuer": ISSUER}}, [
        "/callers/0/match/oidc MISSING_FIELD `subject` is missing; add it", "/callers/0/match/oidc MISSING_FIELD `audience` is missing; add it",
    ]),
    (oidc(subject=""), [f"/callers/0/match/oidc/subject {EMPTY}"]),
    (oidc("a:*b", audience="*"), [
        "/callers/0/match/oidc/audience WILDCARD_NOT_ALLOWED `audience` may not have `*`; write it out",
        f"/callers/0/match/oidc/subject WILDCARD_NOT_ALLOWED {SEGMENT}, between `:` or `/`; write the segment out, or only `*`",
    ]),
    (oidc("*:b", issuer="*"), [
        "/callers/0/match/oidc/issuer WILDCARD_NOT_ALLOWED `issuer` may not have `*`; write it out",
        "/callers/0/match/oidc/subject WILDCARD_NOT_ALLOWED the first segment of a subject may not be `*`, which would stand for subjects of every kind",
    ]),
    *((oidc(subject), [
        ("/callers/0/match/oidc/subject WILDCARD_NOT_ALLOWED the repository of a CI subject may not have `*`, "
        "which would let in every repository of that name")
    ]) for subject in ("repo:*/api:ref:x", "repo:shop/*", "project_path:shop/*:ref:x")),
]  # fmt: skip


@pytest.mark.parametrize(("match", "expected"), MATCHES, ids=str)
def test_a_match_is_refused_where_it_is_wrong(match: object, expected: list[str]) -> None:
    assert lines(document(entry(match=match))) == expected


@pytest.mark.parametrize("subject", ["repo:shop/api:*", "repo:shop/api:ref:*", "repos:shop/*", "a:repo:*"])
def test_a_wildcard_of_a_subject_outside_of_the_repository_is_accepted(subject: str) -> None:
    read_callers(document(entry(match=oidc(subject))))


ENTRIES: list[tuple[Mapping[str, object], list[str]]] = [
    ({"until": "2027-01-01"}, [
        ("/callers/0/until INVALID_TIME `2027-01-01` is not a time; write `YYYY-MM-DDThh:mm:ssZ`, "
        "or with an offset such as `+08:00`, and at most six digits of a second")
    ]),
    ({"until": ""}, [f"/callers/0/until {EMPTY}"]),
    ({"until": 7}, ["/callers/0/until WRONG_TYPE must be text, not the number `7`"]),
    ({"name": ""}, [f"/callers/0/name {EMPTY}"]),
    ({"name": " a"}, ["/callers/0/name INVALID_TEXT ` a` has a blank at an end or a character that does not print",]),
    ({"name": "a b"}, ["/callers/0/name INVALID_NAME `a b` is not a name; write up to 128 letters, digits, `.`, `_`, `@` and `-`"]),
    ({"policies": []}, ["/callers/0/policies EMPTY_LIST `policies` is empty; name at least one, or remove the entry"]),
    ({"policies": "A"}, ["/callers/0/policies WRONG_TYPE must be a list of policies, not the text `A`"]),
    ({"policies": [""]}, [f"/callers/0/policies/0 {EMPTY}"]),
    ({"policies": ["RolecallDecider", "RolecallDecider"]}, [
        "/callers/0/policies/1 DUPLICATE_POLICY the policy `RolecallDecider` is listed twice; remove one"
    ]),
    ({"policies": ["Stored"]}, [
        "/callers/0/policies/0 UNKNOWN_POLICY the policy `Stored` does not exist; name a system policy, or add it to `policies` of this file"
    ]),
    ({"principal": ""}, [f"/callers/0/principal {EMPTY}"]),
    ({"principal": "ecs.aliyuncs.com"}, [
        ("/callers/0/principal INVALID_PRINCIPAL `ecs.aliyuncs.com` is no principal that a caller can be; write `acs:ram::ACCOUNT_ID:user/NAME`,"
        " `acs:ram::ACCOUNT_ID:role/NAME` or `ACCOUNT_ID@SERVICE`")
    ]),
    ({"via": {"dns": "a.b"}}, [
        "/callers/0/via INVALID_MATCH `via` is for `oidc` and `token_sha256`, which arrive beside a certificate; remove it"
    ]),
    ({"match": {"token_sha256": TOKEN_HASH}, "via": {"uid": 7}}, [
        "/callers/0/via/uid UNKNOWN_FIELD `uid` is unknown here; known are `spiffe` and `dns`",
        "/callers/0/via INVALID_MATCH exactly one of `spiffe`, `dns` is needed",
    ]),
    ({"match": {"token_sha256": TOKEN_HASH}, "via": {"spiffe": "spiffe://other.example/a"}}, [
        ("/callers/0/via UNKNOWN_TRUST_DOMAIN the trust domain `other.example` has no CA; "
        "add it to `trust_domains` with the path of its CA certificates")
    ]),
    ({"match": {"token_sha256": TOKEN_HASH}, "via": {"dns": "*.svc"}, "principal": f"acs:ram::{ACCOUNT}:user/a"}, [
        "/callers/0/match WILDCARD_NOT_ALLOWED an entry with `principal` may not have `*`: two callers would be one principal"
    ]),
    ({"match": oidc(issuer="https://other.example")}, [
        "/callers/0/match UNKNOWN_ISSUER the issuer `https://other.example` has no keys; add it to `issuers` with its JWKS"
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), ENTRIES, ids=str)
def test_an_entry_is_refused_where_it_is_wrong(fields: Mapping[str, object], expected: list[str]) -> None:
    assert lines(document(entry(**fields))) == expected


def issuer(**fields: object) -> dict[str, object]:
    return {"issuers": {ISSUER: fields}}


def provider(**fields: object) -> dict[str, object]:
    return {"providers": [{**PROVIDER, **fields}]}


TRUSTED: list[tuple[Mapping[str, object], list[str]]] = [
    ({"x": []}, ["/x UNKNOWN_FIELD `x` is unknown here; known are `callers`, `trust_domains`, `issuers`, `providers` and `policies`"]),
    ({"callers": {}}, ["/callers WRONG_TYPE must be a list of callers, not a mapping"]),
    ({"policies": []}, ["/policies WRONG_TYPE must be a mapping of policies, not a list"]),
    ({"issuers": []}, ["/issuers WRONG_TYPE must be a mapping of issuers, not a list"]),
    ({"providers": {}}, ["/providers WRONG_TYPE must be a list of providers, not a mapping"]),
    ({"trust_domains": []}, ["/trust_domains WRONG_TYPE must be a mapping of trust domains, not a list"]),
    ({"trust_domains": {"prod.example": ""}}, [f"/trust_domains/prod.example {EMPTY}"]),
    (issuer(), [f"{AT_ISSUER} {ONE_SOURCE}"]),
    (issuer(jwks_file="a", jwks_url="https://b"), [f"{AT_ISSUER} {ONE_SOURCE}"]),
    ({"issuers": {ISSUER: None}}, [f"{AT_ISSUER} WRONG_TYPE must be a mapping with `jwks_file`, `jwks_url` and `algorithms`, not nothing"]),
    (issuer(jwks_file=True), [f"{AT_ISSUER}/jwks_file WRONG_TYPE must be text, not `true`"]),
    *((issuer(jwks_url=url), [NO_URL]) for url in (
        "http://a/k", "https://u:p@a/k", "https://", "https://a:123456/k", "https://a/k k", "https://a?k", "xhttps://a/k",
    )),
    (issuer(jwks_file="a", algorithms=[]), [f"{AT_ISSUER}/algorithms EMPTY_LIST `algorithms` is empty; name at least one, or leave the field out"]),
    (issuer(jwks_file="a", algorithms=[""]), [f"{AT_ISSUER}/algorithms/0 {EMPTY}"]),
    (issuer(jwks_file="a", algorithms=["RS256"] * 11), [f"{AT_ISSUER}/algorithms TOO_MANY there are 11 algorithms; 10 are allowed"]),
    (provider(arn=""), [f"/providers/0/arn {EMPTY}"]),
    *((provider(arn=arn), [
        f"/providers/0/arn INVALID_PROVIDER `{arn}` is not an OIDC provider; write `acs:ram::ACCOUNT_ID:oidc-provider/NAME`"
    ]) for arn in ("x", f"acs:ram::{ACCOUNT}:saml-provider/ci")),
    (provider(issuer=""), [f"/providers/0/issuer {EMPTY}"]),
    (provider(audiences=[]), ["/providers/0/audiences EMPTY_LIST `audiences` is empty; name at least one audience of the provider's tokens"]),
    (provider(audiences=["a", "b*"]), ["/providers/0/audiences WILDCARD_NOT_ALLOWED an audience may not have `*`; write it out"]),
    (provider(max_token_age_seconds="60"), ["/providers/0/max_token_age_seconds WRONG_TYPE must be a whole number from 1 to 86,400, without quotes"]),
    (provider(allow_asserted="yes"), ["/providers/0/allow_asserted WRONG_TYPE must be `true` or `false`, without quotes, not the text `yes`"]),
    (provider(jwks_url="https://a/k"), [f"/providers/0 {ONE_SOURCE}"]),
    ({"providers": [{"jwks_file": "a"}]}, [f"/providers/0 MISSING_FIELD `{name}` is missing; add it" for name in ("arn", "issuer", "audiences")]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), TRUSTED, ids=str)
def test_whom_the_server_trusts_is_refused_where_it_is_wrong(fields: Mapping[str, object], expected: list[str]) -> None:
    assert lines({**document(entry(match={"local": True})), **fields}) == expected


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        (document(caller=[]), "callers"),
        (document(entry(nam="x")), "name"),
        (document(entry(match={"spife": "x"})), "spiffe"),
        (document(entry(policies=["RolecalDecider"])), "RolecallDecider"),
        (document(entry(policies=["MinE"]), policies={"Mine": allowing("ram:GetRole")}), "Mine"),
        (document(entry(principal="orders")), "acs:ram::ACCOUNT_ID:user/orders"),
        (document(policies={"Mine": {"Version": "1", "Statment": []}}), "Statement"),
    ],
    ids=str,
)
def test_what_was_probably_meant_is_suggested(value: object, suggestion: str) -> None:
    found = violations(value)[0]

    assert found.suggestion == suggestion
    assert suggestion in str(found)


def test_what_is_given_twice_is_refused_with_the_first() -> None:
    providers = [PROVIDER, {**PROVIDER, "issuer": "https://other.example"}, PROVIDER]

    found = violations(document(entry(), entry(), entry(), providers=providers))

    assert [(each.pointer, each.reason, each.first) for each in found] == [
        ("/providers/1", "DUPLICATE_PROVIDER", "/providers/0"),
        ("/providers/2", "DUPLICATE_PROVIDER", "/providers/0"),
        ("/callers/1/name", "DUPLICATE_CALLER", "/callers/0/name"),
        ("/callers/2/name", "DUPLICATE_CALLER", "/callers/0/name"),
    ]


def test_what_is_declared_wrongly_is_not_refused_again_where_it_is_used() -> None:
    value = document(
        entry(match=oidc(), policies=["Mine"]),
        entry("b"),
        issuers={ISSUER: {}},
        trust_domains={"prod.example": 7},
        policies={"Mine": 7},
    )

    assert {found.pointer for found in violations(value)} == {
        AT_ISSUER,
        "/trust_domains/prod.example",
        "/policies/Mine",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "nothing"), (True, "`true`"), (False, "`false`"), (7, "the number `7`"), (1.5, "the number `1.5`"),
        (Number("1e5"), "the number `1e5`"), ([], "a list"), ({}, "a mapping"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_named(value: object, shown: str) -> None:
    assert lines(document(entry(name=value))) == [f"/callers/0/name WRONG_TYPE must be text, not {shown}"]


def test_a_decoded_policy_is_written_as_json() -> None:
    value = {"a": [Number("1.50"), True, None], 'b"': {"c": "é\n"}, "d": []}

    assert json_text(value) == '{"a":[1.50,true,null],"b\\"":{"c":"\\u00e9\\n"},"d":[]}'


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
)
def test_every_asymmetric_algorithm_is_accepted(algorithm: str) -> None:
    (read,) = read_callers(document(issuers={ISSUER: {"jwks_file": "a", "algorithms": [algorithm]}})).issuers

    assert read.keys.algorithms == (algorithm,)


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS1", "eddsa"])
def test_another_algorithm_is_refused_with_those_that_are_accepted(algorithm: str) -> None:
    accepted = "`RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512` or `EdDSA`"

    assert lines(document(issuers={ISSUER: {"jwks_file": "a", "algorithms": ["RS256", algorithm]}})) == [
        f"{AT_ISSUER}/algorithms/1 UNKNOWN_ALGORITHM `{algorithm}` is not an asymmetric algorithm; write {accepted}"
    ]


@pytest.mark.parametrize("url", ["https://a", "https://a.b-c.example:8443", "https://a/~k/$v?x=1&y="])
def test_an_https_url_of_a_key_set_is_accepted(url: str) -> None:
    (read,) = read_callers(document(issuers={ISSUER: {"jwks_url": url}})).issuers

    assert (read.keys.url, read.keys.file) == (url, "")


def test_what_is_not_named_is_not_named_twice() -> None:
    for arn, reason in (("", "EMPTY_TEXT"), ("x", "INVALID_PROVIDER")):
        found = violations(document(providers=[{**PROVIDER, "arn": arn}] * 2))
        assert [(each.pointer, each.reason) for each in found] == [
            ("/providers/0/arn", reason), ("/providers/1/arn", reason),
        ]  # fmt: skip
    unnamed = violations(document(entry(""), entry("")))
    assert [(each.pointer, each.reason) for each in unnamed] == [
        ("/callers/0/name", "EMPTY_TEXT"), ("/callers/1/name", "EMPTY_TEXT"),
    ]  # fmt: skip
