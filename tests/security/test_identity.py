from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from rolecall.security.identity import MAX_SPIFFE_ID_BYTES, by_certificate, fixed_identity


@dataclass
class Context:
    """A call as far as its connection goes."""

    facts: Mapping[str, list[bytes]]

    def auth_context(self) -> Mapping[str, list[bytes]]:
        return self.facts


def identified(**facts: list[bytes]) -> str | None:
    context: Any = Context(facts)
    return by_certificate(context)


@pytest.mark.parametrize(
    "uri", ["spiffe://example.org", "spiffe://example.org/ns/prod/sa/web", "spiffe://a-b.c_d/...x"]
)
def test_a_spiffe_id_identifies_the_caller(uri: str) -> None:
    assert identified(peer_uri=[uri.encode()], peer_dns=[b"web"]) == uri


# Row 58 of the faults.
@pytest.mark.parametrize(
    "uri",
    [
        b"SPIFFE://example.org/a", b"spiffe://Example.org/a", b"spiffe://example.org/a/../b", b"spiffe://example.org/./a",
        b"spiffe://example.org//a", b"spiffe://example.org/a/", b"spiffe://example.org/a%2fb", b"spiffe:///a",
        b"https://example.org/a", b"spiffe://example.org/a\n", b"spiffe://example.org/" + b"a" * 2_048, b"",
    ],
)  # fmt: skip
def test_a_uri_that_is_no_spiffe_id_identifies_no_caller(uri: bytes) -> None:
    assert identified(peer_uri=[uri], peer_dns=[b"web"]) is None


# Row 58 of the faults.
def test_two_uris_identify_no_caller() -> None:
    assert identified(peer_uri=[b"spiffe://example.org/a", b"spiffe://example.org/b"]) is None


def test_without_a_uri_the_first_dns_name_identifies_the_caller() -> None:
    assert identified(peer_dns=[b"web.example.org", b"other"]) == "web.example.org"


def test_a_common_name_is_not_an_identity() -> None:
    assert identified(x509_common_name=[b"admin"]) is None


def test_an_invalid_dns_name_identifies_no_caller() -> None:
    assert identified(peer_dns=[b"web\nCreateRole"]) is None


PREFIX = "spiffe://example.org/"


def test_a_spiffe_id_has_at_most_2048_bytes() -> None:
    longest = PREFIX + "a" * (2_048 - len(PREFIX))

    assert (MAX_SPIFFE_ID_BYTES, len(longest)) == (2_048, 2_048)
    assert identified(peer_uri=[longest.encode()]) == longest
    assert identified(peer_uri=[longest.encode() + b"a"]) is None


def test_a_trust_domain_has_at_most_255_characters() -> None:
    longest = "spiffe://" + "d" * 255 + "/a"

    assert identified(peer_uri=[longest.encode()]) == longest
    assert identified(peer_uri=[longest.replace("/d", "/dd").encode()]) is None


@pytest.mark.parametrize("name", ["web", "web-1.example.org", "*.example.org", "a_b.c_d"])
def test_a_dns_name_identifies_the_caller(name: str) -> None:
    assert identified(peer_dns=[name.encode()]) == name


@pytest.mark.parametrize("name", [b"", b".", b"web.", b".web", b"a..b", b"w\xc3\xa9b", b"web *", b"a.*", b"web\n"])
def test_what_is_no_dns_name_identifies_no_caller(name: bytes) -> None:
    assert identified(peer_dns=[name]) is None


def test_an_invalid_first_dns_name_is_not_replaced_by_the_next() -> None:
    assert identified(peer_dns=[b"", b"web"]) is None


def test_a_certificate_without_names_identifies_no_caller() -> None:
    assert identified() is None
    assert identified(peer_uri=[], peer_dns=[]) is None


def test_a_fixed_identity_is_the_same_for_every_call() -> None:
    context: Any = Context({"peer_dns": [b"web"]})

    assert fixed_identity("local")(context) == "local"
