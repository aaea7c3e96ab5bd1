from __future__ import annotations

from typing import Any

import pytest

from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.security.identity import (
    MAX_DNS_NAME_BYTES,
    MAX_SPIFFE_ID_BYTES,
    UnidentifiedCallerError,
    authenticated,
    by_certificate,
    fixed_identity,
    set_caller,
)


def identified(**facts: list[bytes]) -> str:
    return by_certificate(facts).identity


def unidentified(**facts: list[bytes]) -> UnidentifiedCallerError:
    with pytest.raises(UnidentifiedCallerError) as caught:
        identified(**facts)
    return caught.value


A, B = b"spiffe://example.org/a", b"spiffe://example.org/b"


@pytest.mark.parametrize(
    "uri", ["spiffe://example.org", "spiffe://example.org/ns/prod/sa/web", "spiffe://a-b.c_d/...x"]
)
def test_a_spiffe_id_identifies_the_caller(uri: str) -> None:
    assert identified(peer_uri=[uri.encode()]) == uri


@pytest.mark.parametrize("names", [[b"web"], [b"web", b"other"], [b"*.example.org"], [b""]])
def test_a_spiffe_id_identifies_the_caller_beside_any_dns_names(names: list[bytes]) -> None:
    assert identified(peer_uri=[A], peer_dns=names) == A.decode()


def test_a_spiffe_id_identifies_the_caller_beside_other_uris() -> None:
    assert identified(peer_uri=[b"https://example.org/a", A, b"urn:uuid:1"]) == A.decode()


# Row 58 of the faults.
@pytest.mark.parametrize(
    "uri",
    [
        b"SPIFFE://example.org/a", b"spiffe://Example.org/a", b"spiffe://example.org/a/../b", b"spiffe://example.org/./a",
        b"spiffe://example.org//a", b"spiffe://example.org/a/", b"spiffe://example.org/a%2fb", b"spiffe:///a", b"spiffe:",
        b"spiffe://example.org/a\n", b"spiffe://example.org/" + b"a" * 2_048, b"spiffe:example.org/a",
    ],
)  # fmt: skip
def test_a_malformed_spiffe_id_identifies_no_caller_whatever_is_beside_it(uri: bytes) -> None:
    error = unidentified(peer_uri=[uri], peer_dns=[b"web"])

    assert (str(error), error.spiffe_ids, error.dns_names) == ("its SPIFFE id is malformed", 1, 1)
    assert unidentified(peer_uri=[A, uri]).spiffe_ids == 2


# Row 58 of the faults.
@pytest.mark.parametrize("second", [B, A])
def test_two_spiffe_ids_identify_no_caller(second: bytes) -> None:
    error = unidentified(peer_uri=[A, second], peer_dns=[b"web"])

    assert (str(error), error.spiffe_ids, error.dns_names) == ("it has 2 SPIFFE ids", 2, 1)


@pytest.mark.parametrize("uris", [[], [b"https://example.org/a"], [b""], [b"urn:spiffe://example.org/a", b"x:y"]])
def test_without_a_spiffe_id_the_only_dns_name_identifies_the_caller(uris: list[bytes]) -> None:
    assert identified(peer_uri=uris, peer_dns=[b"web.example.org"]) == "web.example.org"


def test_two_dns_names_identify_no_caller() -> None:
    error = unidentified(peer_dns=[b"web.example.org", b"other"])

    assert (str(error), error.spiffe_ids, error.dns_names) == ("it has no SPIFFE id and 2 DNS names", 0, 2)


def test_a_dns_name_is_compared_and_reported_in_lower_case() -> None:
    assert identified(peer_dns=[b"Web.Example.ORG"]) == "web.example.org"


def test_a_dns_name_that_is_listed_twice_is_one_name() -> None:
    assert identified(peer_dns=[b"web", b"WEB"]) == "web"


def test_a_common_name_an_address_and_a_mailbox_are_no_identity() -> None:
    error = unidentified(x509_common_name=[b"admin"], peer_email=[b"a@b.c"], peer_ip=[b"10.0.0.1"])

    assert (str(error), error.spiffe_ids, error.dns_names) == ("it has no SPIFFE id and no DNS names", 0, 0)


@pytest.mark.parametrize("name", ["web", "web-1.example.org", "a_b.c_d"])
def test_a_dns_name_identifies_the_caller(name: str) -> None:
    assert identified(peer_dns=[name.encode()]) == name


@pytest.mark.parametrize(
    "name",
    [
        b"", b".", b"web.", b".web", b"a..b", b"w\xc3\xa9b", b"web *", b"a.*", b"web\n", b"*.example.org", b"*", b"a*b.c",
        b"web\nCreateRole",
    ],
)  # fmt: skip
def test_a_wildcard_or_an_invalid_dns_name_identifies_no_caller(name: bytes) -> None:
    assert "wildcard, is invalid or reserved" in str(unidentified(peer_dns=[name]))


def test_an_invalid_dns_name_is_not_replaced_by_another() -> None:
    assert unidentified(peer_dns=[b"", b"web"]).dns_names == 2


PREFIX = "spiffe://example.org/"


def test_a_spiffe_id_has_at_most_2048_bytes() -> None:
    longest = PREFIX + "a" * (2_048 - len(PREFIX))

    assert (MAX_SPIFFE_ID_BYTES, len(longest)) == (2_048, 2_048)
    assert identified(peer_uri=[longest.encode()]) == longest
    unidentified(peer_uri=[longest.encode() + b"a"])


def test_a_trust_domain_has_at_most_255_characters() -> None:
    longest = "spiffe://" + "d" * 255 + "/a"

    assert identified(peer_uri=[longest.encode()]) == longest
    unidentified(peer_uri=[longest.replace("/d", "/dd").encode()])


def test_a_dns_name_has_at_most_253_bytes() -> None:
    assert MAX_DNS_NAME_BYTES == 253
    assert identified(peer_dns=[b"a" * 253]) == "a" * 253
    unidentified(peer_dns=[b"a" * 254])


@pytest.mark.parametrize("name", ["local", "LOCAL", "local-admin", "anonymous"])
def test_the_name_of_a_caller_without_a_certificate_identifies_no_caller(name: str) -> None:
    assert "reserved" in str(unidentified(peer_dns=[name.encode()]))


CALL: Any = object()


def test_a_fixed_identity_is_the_same_for_every_call() -> None:
    directory = CallerDirectory()
    identify = fixed_identity(directory, LOCAL)

    assert identify(CALL) is identify(CALL)
    assert identify(CALL).credential is LOCAL
    # It proves no address and no TLS.
    assert identify(CALL) is directory.caller(LOCAL, source_ip="", secure=False)


async def test_a_call_that_was_not_authenticated_has_no_caller() -> None:
    with pytest.raises(LookupError):
        authenticated(CALL)


async def test_the_caller_is_known_once_it_is_authenticated() -> None:
    caller = CallerDirectory().caller(LOCAL, source_ip="", secure=False)

    set_caller(caller)

    assert authenticated(CALL) is caller
