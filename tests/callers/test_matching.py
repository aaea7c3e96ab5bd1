from __future__ import annotations

import pytest

from rolecall.callers.credential import LOCAL, LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.matching import EntryIndex
from tests.callers.files import ISSUER, TOKEN_HASH, callers, entry


def spiffe(identity: str) -> Credential:
    return Credential(kind=CredentialKind.SPIFFE, identity=identity)


def dns(identity: str) -> Credential:
    return Credential(kind=CredentialKind.DNS, identity=identity)


def oidc(subject: str, *audiences: str, issuer: str = ISSUER) -> Credential:
    return Credential(
        kind=CredentialKind.OIDC, identity=f"{issuer} {subject}", issuer=issuer, subject=subject, audiences=audiences
    )


TOKEN = Credential(kind=CredentialKind.TOKEN, identity="token", token_sha256=TOKEN_HASH)


def matched(match: object, credential: Credential, **fields: object) -> bool:
    index = EntryIndex(callers(entry(match=match, **fields)).callers)
    return bool(index.matching(credential))


@pytest.mark.parametrize(
    ("pattern", "identity", "expected"),
    [
        ("spiffe://prod.example/ns/shop/sa/orders", "spiffe://prod.example/ns/shop/sa/orders", True),
        ("spiffe://prod.example/ns/shop/sa/orders", "spiffe://prod.example/ns/shop/sa/Orders", False),
        ("spiffe://prod.example/ns/shop/sa/orders", "spiffe://dev.example/ns/shop/sa/orders", False),
        ("spiffe://prod.example/ns/*/sa/orders", "spiffe://prod.example/ns/shop/sa/orders", True),
        ("spiffe://prod.example/ns/*/sa/orders", "spiffe://prod.example/ns/shop/x/sa/orders", False),
        ("spiffe://prod.example/ns/*", "spiffe://prod.example/ns/shop/sa/orders", False),
        ("spiffe://prod.example/*", "spiffe://prod.example", False),
        ("spiffe://prod.example/a.b", "spiffe://prod.example/aXb", False),
    ],
)
def test_a_star_in_a_spiffe_id_is_one_segment_of_the_path(pattern: str, identity: str, expected: bool) -> None:
    assert matched({"spiffe": pattern}, spiffe(identity)) is expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("Orders.shop.svc", "orders.shop.svc", True),
        ("*.shop.svc", "orders.shop.svc", True),
        ("*.shop.svc", "a.orders.shop.svc", False),
        ("*.shop.svc", "shop.svc", False),
        ("orders.*.svc", "orders.shop.svc", True),
    ],
)
def test_a_star_in_a_dns_name_is_one_label(pattern: str, name: str, expected: bool) -> None:
    assert matched({"dns": pattern}, dns(name)) is expected


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (oidc("repo:shop/api:ref:refs/heads/main", "rolecall"), True),
        (oidc("repo:shop/api:ref:refs/heads/main", "other", "rolecall"), True),
        (oidc("repo:shop/api:ref:refs/heads/main", "other"), False),
        (oidc("repo:shop/api:ref:refs/heads/main"), False),
        (oidc("repo:shop/api:ref:refs/heads/a/b", "rolecall"), False),
        (oidc("repo:shop/api2:ref:refs/heads/main", "rolecall"), False),
        (oidc("repo:shop/api:ref:refs/heads/main", "rolecall", issuer="https://oidc.example/"), False),
    ],
)
def test_a_token_matches_by_issuer_subject_and_audience(credential: Credential, expected: bool) -> None:
    match = {"oidc": {"issuer": ISSUER, "subject": "repo:shop/api:ref:refs/heads/*", "audience": "rolecall"}}

    assert matched(match, credential) is expected


def test_a_subject_that_is_spelled_like_a_pattern_is_not_the_pattern_itself() -> None:
    match = {"oidc": {"issuer": ISSUER, "subject": "repo:shop/api:ref:*", "audience": "rolecall"}}

    assert not matched(match, oidc("repo:shop/api:ref:*:x", "rolecall"))


def test_kinds_never_match_each_other() -> None:
    same_text = Credential(kind=CredentialKind.DNS, identity="1000")

    assert not matched({"uid": 1000}, same_text)
    assert matched({"uid": 1000}, Credential(kind=CredentialKind.UID, identity="uid:1000", uid=1000))
    assert matched({"local": True}, LOCAL)
    assert not matched({"local": True}, LOCAL_ADMIN)
    assert matched({"token_sha256": TOKEN_HASH}, TOKEN)


def test_all_entries_that_match_are_found_in_the_order_of_the_file() -> None:
    file = callers(
        entry("any", match={"spiffe": "spiffe://prod.example/ns/*/sa/orders"}),
        entry("orders"),
        entry("other", match={"spiffe": "spiffe://prod.example/ns/shop/sa/other"}),
    )

    found = EntryIndex(file.callers).matching(spiffe("spiffe://prod.example/ns/shop/sa/orders"))

    assert [e.name for e in found] == ["any", "orders"]


def test_beside_a_certificate_a_token_is_a_caller_only_by_an_entry_with_that_certificate() -> None:
    file = callers(
        entry("alone", match={"token_sha256": TOKEN_HASH}),
        entry("proxied", match={"token_sha256": TOKEN_HASH}, via={"dns": "*.proxy.svc"}),
    )
    index = EntryIndex(file.callers)

    def names(certificate: Credential | None) -> list[str]:
        return [e.name for e in index.matching(TOKEN, certificate)]

    assert names(None) == ["alone"]
    assert names(dns("a.proxy.svc")) == ["proxied"]
    assert names(dns("a.other.svc")) == []
    assert names(spiffe("spiffe://prod.example/a.proxy.svc")) == []


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a:*/c", "a:b/c", True),
        ("a:*/c", "a:b:c", False),
        ("a:*:c", "a::c", False),
        ("a:*", "a:", False),
        ("a:*", "a:*", True),
        ("a:*", "a:b\nc", True),
        ("a:b", "a:*", False),
        ("a::c", "a::c", True),
        ("a::c", "a:b:c", False),
        ("a:/*", "a:/c", True),
    ],
)
def test_a_star_in_a_subject_is_one_segment_that_is_not_empty(pattern: str, subject: str, expected: bool) -> None:
    match = {"oidc": {"issuer": ISSUER, "subject": pattern, "audience": "rolecall"}}
    via = entry(
        "via", match={"token_sha256": TOKEN_HASH}, via={"spiffe": f"spiffe://prod.example/{'*' if expected else 'x'}"}
    )

    assert matched(match, oidc(subject, "rolecall")) is expected
    index = EntryIndex(callers(via).callers)
    assert bool(index.matching(TOKEN, spiffe("spiffe://prod.example/y"))) is expected


def test_a_match_is_shown_as_it_is_written() -> None:
    matches: list[dict[str, object]] = [
        {"spiffe": "spiffe://prod.example/ns/*"},
        {"dns": "orders.svc.example"},
        {"oidc": {"issuer": ISSUER, "subject": "a:b", "audience": "rolecall"}},
        {"token_sha256": TOKEN_HASH},
        {"uid": 7},
        {"local": True},
    ]

    shown = [str(callers(entry(match=match)).callers[0].match) for match in matches]

    assert shown == [
        "spiffe://prod.example/ns/*",
        "orders.svc.example",
        f"{ISSUER} a:b",
        f"token:{TOKEN_HASH}",
        "uid:7",
        "local",
    ]


def test_each_kind_is_matched_by_what_identifies_it() -> None:
    uid = Credential(kind=CredentialKind.UID, identity="uid:1000", uid=1000)

    assert not matched({"uid": 1001}, uid)
    assert not matched({"token_sha256": TOKEN_HASH[::-1]}, TOKEN)
    assert matched({"oidc": {"issuer": ISSUER, "subject": "a:b", "audience": "x"}}, oidc("a:b", "x"))
    assert not matched({"oidc": {"issuer": ISSUER, "subject": "a:b", "audience": "x"}}, oidc("a:c", "x"))


def test_a_certificate_beside_a_token_is_compared_like_one_alone() -> None:
    def arrives(via: dict[str, object], certificate: Credential) -> bool:
        file = callers(entry(match={"token_sha256": TOKEN_HASH}, via=via))
        return bool(EntryIndex(file.callers).matching(TOKEN, certificate))

    pattern: dict[str, object] = {"spiffe": "spiffe://prod.example/ns/*/sa/a"}
    assert arrives(pattern, spiffe("spiffe://prod.example/ns/x/sa/a"))
    assert not arrives(pattern, spiffe("spiffe://prod.example/ns//sa/a"))
    assert not arrives(pattern, spiffe("spiffe://prod.example/ns/x/sa/a/b"))
    assert not arrives(pattern, spiffe("spiffe://prod.example/ns/x/sa/b"))
    assert arrives({"dns": "*.svc"}, dns("a.svc"))
    assert not arrives({"dns": "*.svc"}, dns("a.b.svc"))
    assert not arrives({"dns": "a.svc"}, spiffe("a.svc"))


def test_an_index_of_no_entries_matches_nothing() -> None:
    assert EntryIndex(()).matching(LOCAL) == ()
