"""What a proxy reports of a client, and what counts of it."""

from __future__ import annotations

import pytest

from rolecall_client.guards import TrustedProxy, UnknownCallerError
from rolecall_client.guards.proxy import certificate_names

CART = "spiffe://prod.example/ns/shop/sa/cart"


@pytest.mark.parametrize(
    ("header", "uris", "dns"),
    [
        (f"URI={CART}", (CART,), ()),
        (f"uri={CART};DNS=a.example;DNS=b.example", (CART,), ("a.example", "b.example")),
        (f'By={CART}x;Hash=0a;Subject="CN=a,O=\\"b;URI=forged\\"";URI={CART}', (CART,), ()),
        (f'URI="{CART}"', (CART,), ()),
        (f"URI={CART};URI={CART}2", (CART, f"{CART}2"), ()),
        ("Hash=0a;", (), ()),
        ("", (), ()),
    ],
)
def test_the_names_of_a_certificate_are_read(header: str, uris: tuple[str, ...], dns: tuple[str, ...]) -> None:
    assert certificate_names([header]) == (uris, dns)


def test_without_the_header_there_is_no_certificate() -> None:
    assert certificate_names([]) == ((), ())


@pytest.mark.parametrize(
    "headers",
    [
        [f"URI={CART},URI={CART}"],
        [f"URI={CART}", f"URI={CART}"],
        [f"Hash=0a,By=x;URI={CART}"],
        [f"URI={CART} "[::-1]],
        ['Subject="CN=a;URI=x'],
        ["URI=a=b"],
        ['URI="a"b'],
        ["=x"],
        ["x" * 9_000],
    ],
)
def test_several_certificates_or_one_that_cannot_be_read_name_no_caller(headers: list[str]) -> None:
    with pytest.raises(UnknownCallerError):
        certificate_names(headers)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.7, 10.0.0.8"], "203.0.113.9"),
        (["203.0.113.9, ::ffff:10.0.0.7"], "203.0.113.9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, unknown"], ""),
        (["203.0.113.9, "], ""),
        (["203.0.113.9:443"], ""),
        (["10.0.0.7"], ""),
        ([], ""),
    ],
)
def test_the_address_of_a_client_is_the_last_one_that_is_not_of_a_proxy(forwarded: list[str], address: str) -> None:
    proxy = TrustedProxy(["10.0.0.0/8"], address_header="X-Forwarded-For")

    assert proxy.peer(tuple(("x-forwarded-for", value) for value in forwarded)).source_ip == address


@pytest.mark.parametrize(
    ("networks", "why"),
    [
        ([], "at least one"),
        (["0.0.0.0/0"], "trusts every peer"),
        (["::/0"], "trusts every peer"),
        (["10.0.0.1/8"], "host bits"),
        (["proxy"], "does not appear to be"),
    ],
)
def test_invalid_networks_are_refused(networks: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TrustedProxy(networks)


def test_a_text_in_place_of_the_list_of_networks_is_refused() -> None:
    with pytest.raises(TypeError, match="is a list"):
        TrustedProxy("10.0.0.0/8")


@pytest.mark.parametrize(
    ("address", "known"), [("10.1.2.3", True), ("127.0.0.1", True), ("127.0.0.2", False), ("", False), ("::1", False)]
)
def test_a_proxy_is_known_by_the_address_of_its_connection(address: str, known: bool) -> None:
    assert TrustedProxy(["10.0.0.0/8", "127.0.0.1"]).is_proxy(address) is known
