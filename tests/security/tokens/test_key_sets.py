"""Key sets: which keys they have, when they are read, and how long they serve. Rows 62 and 63 of the faults."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import get_default_algorithms

from rolecall.security.tokens import key_reader
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_reader import JwksHosts, KeyFile, KeyUrl
from rolecall.security.tokens.key_set import COOL_DOWN_SECONDS, MAX_AGE_SECONDS, KeySet
from rolecall.security.tokens.public_keys import (
    MAX_KEY_SET_BYTES,
    MAX_KEYS,
    InvalidKeySetError,
    read_key_set,
)
from tests.security.tokens.issuing import Issuer, Site, https_site
from tests.security.tokens.reading import Clock, Fixed

ISSUED = Issuer()
LOCAL: JwksHosts = {"localhost": (ip_network("127.0.0.0/8"), ip_network("::1/128"))}


def found(*members: object) -> set[str]:
    return {key.key_id for key in read_key_set(json.dumps({"keys": [*members]}).encode()).keys}


def test_keys_that_do_not_verify_signatures_are_skipped() -> None:
    members = [
        ISSUED.jwk("RS256"),
        ISSUED.jwk("ES256"),
        ISSUED.jwk("ES384", use="enc"),
        ISSUED.jwk("EdDSA", key_ops=["encrypt"]),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "unknown", "kid": "unknown"},
        ISSUED.jwk("ES256", kid="other curve", alg="ES384"),
        ISSUED.jwk("ES256", kid="no point", y="AA"),
        ISSUED.jwk("RS256", kid="for secrets", alg="HS256"),
    ]

    assert found(*members) == {"rs256", "es256"}


def test_an_rsa_key_that_is_too_short_or_too_long_is_skipped() -> None:
    method: Any = get_default_algorithms()["RS256"]
    short = json.loads(method.to_jwk(rsa.generate_private_key(public_exponent=65_537, key_size=1_024).public_key()))

    keys = read_key_set(json.dumps({"keys": [{**short, "kid": "short"}, ISSUED.jwk("ES256")]}).encode())

    assert keys.find("RS256", "short") is None
    assert keys.find("ES256", "es256") is not None


def test_a_curve_that_no_algorithm_has_is_skipped() -> None:
    method: Any = get_default_algorithms()["ES256"]
    other = json.loads(method.to_jwk(ec.generate_private_key(ec.SECP256K1()).public_key()))

    assert found({**other, "kid": "other"}, ISSUED.jwk("RS256")) >= {"rs256"}
    assert (
        read_key_set(json.dumps({"keys": [{**other, "kid": "k"}, ISSUED.jwk("RS256")]}).encode()).find("ES256", "k")
        is None
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"), (b"[]", "a list `keys`"), (b'{"keys": 7}', "a list `keys`"), (b'{"keys": []}', "no public key"),
        (b'{"keys": [7]}', "must be an object"), (b'{"keys": [], "keys": []}', "two members have one name"), (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"), (b"a" * (MAX_KEY_SET_BYTES + 1), "more than 262144 bytes"),
        (b'{"keys": [' + b",".join([b"{}"] * (MAX_KEYS + 1)) + b"]}", "at most 100 keys"),
        (json.dumps({"keys": [ISSUED.jwk("ES256", kid=7)]}).encode(), "must be strings"), (b'{"keys": [{"kty": [{}]}]}', "no public key"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_what_is_no_key_set_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(InvalidKeySetError, match=why):
        read_key_set(data)


def test_a_key_set_with_a_private_key_is_refused() -> None:
    with pytest.raises(InvalidKeySetError, match="is private"):
        found(ISSUED.jwk("RS256", d="AQAB"))


def test_two_keys_with_one_id_verify_nothing() -> None:
    twice = json.dumps({"keys": [ISSUED.jwk("ES256"), Issuer().jwk("ES256")]}).encode()

    assert read_key_set(twice).find("ES256", "es256") is None


# --- when they are read --------------------------------------------------------------------------------------------------


def keys_of(reading: Fixed, clock: Clock) -> KeySet:
    keys = KeySet(reading, clock=clock)
    assert keys.due()
    keys.refresh()
    return keys


# Row 62.
def test_a_flood_of_unknown_keys_makes_one_refresh_in_a_cool_down() -> None:
    reading, clock = Fixed(ISSUED.key_set()), Clock()
    keys = keys_of(reading, clock)

    refreshed = []
    for second in range(120):
        for number in range(50):
            with pytest.raises(RefusedTokenError) as caught:
                keys.find("ES256", f"unknown-{second}-{number}")
            assert caught.value.fault is TokenFault.UNKNOWN_KEY
        if keys.due():
            keys.refresh()
            refreshed.append(second)
        clock.now += 1

    assert refreshed == [30, 60, 90]
    assert COOL_DOWN_SECONDS == 30


def test_without_unknown_keys_they_are_read_every_five_minutes() -> None:
    reading, clock = Fixed(ISSUED.key_set()), Clock()
    keys = keys_of(reading, clock)

    clock.now += 299.9
    assert not keys.due()
    clock.now += 0.1
    assert keys.due()


def test_a_new_key_is_known_after_the_refresh_that_it_makes_due() -> None:
    reading, clock = Fixed(ISSUED.key_set("RS256")), Clock()
    keys = keys_of(reading, clock)
    with pytest.raises(RefusedTokenError):
        keys.find("ES256", "es256")
    reading.data = ISSUED.key_set()
    clock.now += COOL_DOWN_SECONDS

    assert keys.due()
    keys.refresh()

    assert keys.find("ES256", "es256")[1].key_id == "es256"


# Row 63.
def test_the_last_good_keys_serve_until_they_are_too_old() -> None:
    reading, clock = Fixed(ISSUED.key_set()), Clock()
    keys = keys_of(reading, clock)
    before = keys.current
    reading.data = b""

    clock.now += MAX_AGE_SECONDS
    with pytest.raises(InvalidKeySetError):
        keys.refresh()
    assert keys.current is before
    assert (keys.errors, keys.error, keys.age_seconds) == (1, "cannot be reached", MAX_AGE_SECONDS)
    clock.now += 0.1
    with pytest.raises(RefusedTokenError) as caught:
        keys.find("ES256", "es256")

    assert caught.value.fault is TokenFault.NO_KEYS
    reading.data = ISSUED.key_set()
    keys.refresh()
    assert (keys.error, keys.age_seconds) == ("", 0)
    assert keys.find("ES256", "es256")


def test_an_invalid_key_set_does_not_replace_a_good_one() -> None:
    reading, clock = Fixed(ISSUED.key_set()), Clock()
    keys = keys_of(reading, clock)
    reading.data = b"{}"

    with pytest.raises(InvalidKeySetError):
        keys.refresh()

    assert keys.find("ES256", "es256")


def test_a_source_that_fails_is_asked_again_after_the_cool_down() -> None:
    reading, clock = Fixed(b""), Clock()
    keys = KeySet(reading, clock=clock)
    with pytest.raises(InvalidKeySetError):
        keys.refresh()

    clock.now += COOL_DOWN_SECONDS - 1
    assert not keys.due()
    clock.now += 1
    assert keys.due()


# --- where they are read -------------------------------------------------------------------------------------------------


def test_a_file_is_read_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(b"a" * MAX_KEY_SET_BYTES)
    assert len(KeyFile(str(path)).read()) == MAX_KEY_SET_BYTES
    path.write_bytes(b"a" * (MAX_KEY_SET_BYTES + 1))

    with pytest.raises(InvalidKeySetError, match="it has more than 262,144 bytes, which is the limit"):
        KeyFile(str(path)).read()
    with pytest.raises(InvalidKeySetError, match="no such file"):
        KeyFile(str(tmp_path / "none")).read()


def fetched(site: Site, *, hosts: JwksHosts = LOCAL, url: str = "", tls: ssl.SSLContext | None = None) -> bytes:
    return KeyUrl(url or site.url, hosts, tls or site.trust).read()


def test_a_key_set_is_fetched_over_https() -> None:
    with https_site(ISSUED.key_set()) as site:
        assert fetched(site) == ISSUED.key_set()
        assert fetched(site, url=f"{site.url}?v=1") == ISSUED.key_set()

    assert site.paths == ["/jwks", "/jwks?v=1"]


def test_a_host_that_is_not_listed_is_not_asked() -> None:
    with https_site(ISSUED.key_set()) as site, pytest.raises(InvalidKeySetError, match="`localhost` is not listed"):
        fetched(site, hosts={"oidc.example": ()})

    assert site.paths == []


def test_a_private_address_is_not_asked_unless_it_is_listed() -> None:
    with https_site(ISSUED.key_set()) as site:
        for networks in ((), (ip_network("10.0.0.0/8"),)):
            with pytest.raises(InvalidKeySetError, match="has the private address"):
                fetched(site, hosts={"localhost": networks})

    assert site.paths == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "fec0::1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:1::f5ff:fffe", "::10.0.0.1", "ff0e::1",
    ],
)  # fmt: skip
def test_a_private_address_is_refused_in_every_form(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolved)

    with pytest.raises(InvalidKeySetError, match="has the private address"):
        KeyUrl("https://oidc.example/jwks", {"oidc.example": ()}, ssl.create_default_context()).read()


@pytest.mark.parametrize(("authority", "port"), [("oidc.example", 443), ("oidc.example:8443", 8443)])
@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"])
def test_a_public_address_is_asked(address: str, authority: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    resolved = [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolved)

    def unreachable(to: tuple[str, int], _: float) -> None:
        asked.append(to)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", unreachable)

    with pytest.raises(InvalidKeySetError, match="cannot fetch"):
        KeyUrl(f"https://{authority}/jwks", {"oidc.example": ()}, ssl.create_default_context()).read()

    assert asked == [(address, port)]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (http.client.BadStatusLine("SSH-2.0"), "the answer is not HTTP"),
        (http.client.RemoteDisconnected("closed"), "the host closed the connection without an answer"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (TimeoutError(110, "Connection timed out"), "the host did not answer in time"),
        (ValueError("a port"), "the URL is invalid"),
    ],
)
def test_why_a_key_set_cannot_be_fetched_is_said_in_words(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolved)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)

    with pytest.raises(InvalidKeySetError) as caught:
        KeyUrl("https://oidc.example/jwks?key=1", {"oidc.example": ()}, ssl.create_default_context()).read()

    assert str(caught.value) == f"cannot fetch the key set `https://oidc.example/jwks`: {why}"


def test_of_a_host_with_many_addresses_a_few_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    resolved = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"93.184.215.{number // 2}", 443)) for number in range(400)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolved)

    def unreachable(to: tuple[str, int], _: float) -> None:
        asked.append(to[0])
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", unreachable)

    with pytest.raises(InvalidKeySetError, match="cannot fetch"):
        KeyUrl("https://oidc.example/jwks", {"oidc.example": ()}, ssl.create_default_context()).read()

    assert asked == [f"93.184.215.{number}" for number in range(4)]


@pytest.mark.parametrize(
    "url", ["http://localhost/jwks", "file:///etc/passwd", "https:///x", "https://u:p@localhost/x", "x"]
)
def test_only_a_plain_https_url_is_fetched(url: str) -> None:
    with pytest.raises(InvalidKeySetError, match="must be `https://HOST/PATH`"):
        KeyUrl(url, LOCAL, ssl.create_default_context()).read()


def test_a_certificate_of_another_host_or_authority_is_refused() -> None:
    with (
        https_site(ISSUED.key_set()) as site,
        pytest.raises(InvalidKeySetError, match="certificate of the host is invalid"),
    ):
        fetched(site, tls=ssl.create_default_context())
    with (
        https_site(ISSUED.key_set(), certificate_for="other.example") as site,
        pytest.raises(InvalidKeySetError, match="certificate of the host is invalid"),
    ):
        fetched(site)


def test_a_redirect_is_not_followed() -> None:
    with https_site(ISSUED.key_set()) as site:
        site.status, site.headers["location"] = 302, site.url

        with pytest.raises(InvalidKeySetError, match="status 302"):
            fetched(site)

    assert site.paths == ["/jwks"]


def test_an_answer_has_a_limit_and_a_type() -> None:
    with https_site(b"a" * (MAX_KEY_SET_BYTES + 1)) as site:
        with pytest.raises(InvalidKeySetError, match="more than 262144 bytes"):
            fetched(site)
        site.headers["content-type"] = "text/html; charset=utf-8"
        with pytest.raises(InvalidKeySetError, match="the type `text/html`"):
            fetched(site)


def test_a_host_of_which_one_address_does_not_answer_is_reached_at_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with https_site(ISSUED.key_set()) as site:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, site.port)) for address in ("127.0.0.9", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(socket, "create_connection", connecting)

        assert fetched(site) == ISSUED.key_set()


def connecting(address: tuple[str, int], timeout: float) -> socket.socket:
    if address[0] == "127.0.0.9":
        raise ConnectionRefusedError
    connected = socket.socket()
    connected.settimeout(timeout)
    connected.connect(address)
    return connected


def test_a_host_that_sends_a_byte_now_and_then_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_reader, "FETCH_SECONDS", 0.1)
    with https_site(b"") as site:
        site.dripping = True
        with pytest.raises(InvalidKeySetError, match="took more than"):
            fetched(site)

    assert site.paths == ["/jwks"]


def test_a_host_that_does_not_answer_is_an_error_without_its_details() -> None:
    with https_site(ISSUED.key_set()) as site:
        pass

    with pytest.raises(InvalidKeySetError, match=f"cannot fetch the key set `{site.url}`: connection refused"):
        fetched(site)
