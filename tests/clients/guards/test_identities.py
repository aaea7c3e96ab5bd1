"""Who calls, by the names of a certificate or by a token."""

from __future__ import annotations

import pytest

from rolecall_client.guards import (
    DnsPrincipals,
    OidcBearer,
    PeerFacts,
    SpiffePrincipals,
    SpiffeServiceAccounts,
    UnknownCallerError,
)

CART, ADMIN = "acs:ram::1:user/cart", "acs:ram::1:user/admin"
PROVIDER = "acs:ram::1:oidc-provider/cluster"
TOKEN = "e30.e30.c2ln"


def spiffe(*ids: str, dns: tuple[str, ...] = ()) -> PeerFacts:
    return PeerFacts(spiffe_ids=ids, dns_names=dns)


def bearer(*values: str) -> PeerFacts:
    return PeerFacts(headers=tuple(("authorization", value) for value in values))


def test_an_id_that_is_listed_counts_before_a_pattern() -> None:
    identify = SpiffePrincipals({"spiffe://td/ns/*/sa/cart": CART, "spiffe://td/ns/shop/sa/cart": ADMIN})

    assert identify(spiffe("spiffe://td/ns/shop/sa/cart")).as_ == ADMIN
    assert identify(spiffe("spiffe://td/ns/other/sa/cart")).as_ == CART


@pytest.mark.parametrize(
    "spiffe_id",
    [
        "spiffe://td/ns/a/b/sa/cart",
        "spiffe://td/ns/sa/cart",
        "spiffe://td/ns/a/sa/cart/x",
        "spiffe://td/ns/a/sa/Cart",
        "spiffe://td2/ns/a/sa/cart",
        "spiffe://td/ns//sa/cart",
        "spiffe://td/ns/../sa/cart",
        "spiffe://td/ns/a/sa/cart/",
        "spiffe://td/ns/a/sa/cart%20",
        "spiffe://TD/ns/a/sa/cart",
        "spiffe://td/ns/\u0430/sa/cart",
        "spiffe:td/ns/a/sa/cart",
    ],
)
def test_a_pattern_stands_for_one_segment_and_nothing_else(spiffe_id: str) -> None:
    identify = SpiffePrincipals({"spiffe://td/ns/*/sa/cart": CART})

    with pytest.raises(UnknownCallerError):
        identify(spiffe(spiffe_id))


def test_an_id_that_matches_patterns_of_two_principals_names_no_caller() -> None:
    identify = SpiffePrincipals({"spiffe://td/ns/*/sa/cart": CART, "spiffe://td/ns/shop/sa/*": ADMIN})

    with pytest.raises(UnknownCallerError, match="stands for 2 principals"):
        identify(spiffe("spiffe://td/ns/shop/sa/cart"))


def test_an_id_that_matches_patterns_of_one_principal_names_it() -> None:
    identify = SpiffePrincipals({"spiffe://td/ns/*/sa/cart": CART, "spiffe://td/ns/shop/sa/*": CART})

    assert identify(spiffe("spiffe://td/ns/shop/sa/cart")).as_ == CART


@pytest.mark.parametrize(
    "spiffe_id",
    [
        "td/ns/cart",
        "spiffe://*/ns/cart",
        "spiffe://td/ns/ca*",
        "spiffe://td/",
        "spiffe://td//x",
        "spiffe://",
        "https://td/x",
        "spiffe://td/../x",
    ],
)
def test_a_map_with_an_invalid_id_is_refused(spiffe_id: str) -> None:
    with pytest.raises(ValueError, match="is no SPIFFE id"):
        SpiffePrincipals({spiffe_id: CART})


@pytest.mark.parametrize(
    "principal", ["", "cart", "orders.internal", "acs:ram::1:user/ca rt", "acs:ram:*:1:user/x", "k8s:cluster/shop"]
)
def test_a_map_with_an_invalid_principal_is_refused(principal: str) -> None:
    with pytest.raises(ValueError, match="is no principal"):
        SpiffePrincipals({"spiffe://td/cart": principal})


@pytest.mark.parametrize(
    "principal",
    [CART, "acs:ram::1:role/r/session", "1@orders.internal", "ecs.aliyuncs.com", "k8s:cluster/shop/cart", PROVIDER],
)
def test_a_principal_may_have_every_spelling(principal: str) -> None:
    assert SpiffePrincipals({"spiffe://td/cart": principal})(spiffe("spiffe://td/cart")).as_ == principal


@pytest.mark.parametrize("kind", [SpiffePrincipals, DnsPrincipals])
def test_an_empty_map_is_refused(kind: type) -> None:
    with pytest.raises(ValueError, match="names no caller"):
        kind({})


def test_a_service_account_is_named_by_its_namespace_and_its_name() -> None:
    identify = SpiffeServiceAccounts("prod.example", "cluster", claims={"oidc:iss": "https://cluster"})

    caller = identify(spiffe("spiffe://prod.example/ns/shop/sa/cart"))

    assert (caller.as_, caller.claims) == ("k8s:cluster/shop/cart", {"oidc:iss": "https://cluster"})


@pytest.mark.parametrize(
    "spiffe_id",
    [
        "spiffe://other.example/ns/shop/sa/cart",
        "spiffe://prod.example.evil/ns/shop/sa/cart",
        "spiffe://prod.example/ns/shop/cart",
        "spiffe://prod.example/x/ns/shop/sa/cart",
        "spiffe://prod.example/ns/shop/sa/cart/sa/admin",
        "spiffe://prod.example/NS/shop/SA/cart",
        "spiffe://prod.example",
    ],
)
def test_another_form_of_id_is_no_service_account(spiffe_id: str) -> None:
    with pytest.raises(UnknownCallerError):
        SpiffeServiceAccounts("prod.example", "cluster")(spiffe(spiffe_id))


@pytest.mark.parametrize(
    ("trust_domain", "provider"),
    [("Prod", "cluster"), ("", "cluster"), ("prod", ""), ("prod", "a/b"), ("prod", PROVIDER)],
)
def test_an_invalid_trust_domain_or_provider_is_refused(trust_domain: str, provider: str) -> None:
    with pytest.raises(ValueError, match=r"no trust domain|not the name of a provider"):
        SpiffeServiceAccounts(trust_domain, provider)


def test_a_dns_name_compares_without_case_and_counts_once() -> None:
    identify = DnsPrincipals({"cart.example": CART})

    assert identify(PeerFacts(dns_names=("Cart.Example", "cart.example"))).as_ == CART


@pytest.mark.parametrize(
    "peer",
    [
        PeerFacts(),
        PeerFacts(dns_names=("cart.example", "admin.example")),
        PeerFacts(dns_names=("*.example",)),
        PeerFacts(dns_names=("other.example",)),
        PeerFacts(dns_names=("cart.example.",)),
        PeerFacts(dns_names=("cart.example",), spiffe_ids=("spiffe://td/cart",)),
        PeerFacts(dns_names=("cart.example",), spiffe_ids=("spiffe:malformed",)),
        PeerFacts(dns_names=("cart.ex\u0430mple",)),
    ],
)
def test_every_other_certificate_names_no_caller(peer: PeerFacts) -> None:
    with pytest.raises(UnknownCallerError):
        DnsPrincipals({"cart.example": CART})(peer)


@pytest.mark.parametrize("name", ["Cart.example", "*.example", "", "a..b"])
def test_a_map_with_an_invalid_dns_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no DNS name"):
        DnsPrincipals({name: CART})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_token_is_put_to_the_server_with_its_provider(scheme: str) -> None:
    caller = OidcBearer(PROVIDER)(bearer(f"{scheme} {TOKEN}"))

    assert (caller.as_, caller.token) == (PROVIDER, TOKEN)


@pytest.mark.parametrize(
    "values",
    [
        (),
        (f"Bearer {TOKEN}", f"Bearer {TOKEN}"),
        (f"Bearer  {TOKEN}",),
        (f"Bearer {TOKEN} ",),
        (f"Bearer {TOKEN},Bearer {TOKEN}",),
        ("Bearer ",),
        ("Bearer rct_secret",),
        (f"Basic {TOKEN}",),
        (TOKEN,),
        (f"Bearer {'a' * 8_190}.b.c",),
    ],
)
def test_every_other_authorization_names_no_caller(values: tuple[str, ...]) -> None:
    with pytest.raises(UnknownCallerError):
        OidcBearer(PROVIDER)(bearer(*values))


@pytest.mark.parametrize("arn", ["", "cluster", "acs:ram::1:saml-provider/x", "acs:ram::1:oidc-provider/"])
def test_a_provider_that_is_no_oidc_provider_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match="is no OIDC provider"):
        OidcBearer(arn)


def test_neither_a_token_nor_a_header_is_in_the_text_of_a_value() -> None:
    peer = bearer(f"Bearer {TOKEN}")

    assert TOKEN not in f"{peer} {OidcBearer(PROVIDER)(peer)}"
