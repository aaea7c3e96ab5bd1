"""Which addresses and answers of a host are accepted, and which key sets an owner has."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from rolecall.callers.declarations import KeySource
from rolecall.security.tls_files import CredentialsError
from rolecall.security.tokens import key_reader
from rolecall.security.tokens.key_reader import KeyFile, KeyUrl, require_listed, shown_url
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.public_keys import InvalidKeySetError
from tests.security.certificates import Authority
from tests.security.known_callers import callers_file
from tests.security.tokens.issuing import https_site

ISSUER = "https://oidc.example"
SYSTEM = ssl.create_default_context()


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[tuple[str, int]]:
    """Let every host have these addresses, none of which answers; return those that are tried."""
    tried: list[tuple[str, int]] = []
    found = [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 443)) for a in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    def unreachable(to: tuple[str, int], timeout: float) -> None:
        assert timeout <= key_reader.FETCH_SECONDS
        tried.append(to)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    return tried


def why(url: str = "https://oidc.example/jwks", *networks: str) -> str:
    hosts = {"oidc.example": tuple(map(ip_network, networks))}
    with pytest.raises(InvalidKeySetError) as caught:
        KeyUrl(url, hosts, SYSTEM).read()
    return str(caught.value)


@pytest.mark.parametrize(
    ("address", "listed", "tried"),
    [
        ("10.0.0.1", "10.0.0.1/32", True), ("10.0.0.2", "10.0.0.1/32", False), ("64:ff9b::a00:1", "10.0.0.1/32", True),
        ("64:ff9b::a00:2", "10.0.0.1/32", False), ("::ffff:10.0.0.1", "10.0.0.1/32", True), ("::ffff:10.0.0.3", "10.0.0.1/32", False),
        ("fd00::1", "fd00::/8", True), ("fe80::1%eth0", "fe80::1/128", True), ("64:ff9b:1::a00:1", "10.0.0.1/32", False),
    ],
)  # fmt: skip
def test_a_private_address_is_tried_if_it_is_listed_itself(
    address: str, listed: str, tried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolving(monkeypatch, address)

    text = why("https://oidc.example/jwks", listed)

    assert asked == ([(address, 443)] if tried else [])
    assert text.endswith("connection refused") is tried
    assert ("has the private address" in text) is not tried


def test_one_private_address_of_several_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, "93.184.215.14", "10.0.0.9")

    assert why().endswith(
        "the host `oidc.example` has the private address `10.0.0.9`; list it as `oidc.example=10.0.0.9` if that is intended"
    )
    assert asked == []


def test_each_address_of_a_host_is_tried_once_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, "93.184.215.2", "93.184.215.1", "93.184.215.2")

    why("https://OIDC.example:8443/jwks")

    assert asked == [("93.184.215.2", 8443), ("93.184.215.1", 8443)]


@pytest.mark.parametrize(
    "url", ["http://oidc.example/", "https://u@oidc.example/", "https://@oidc.example/", "https://oidc.example/#x", "https:///", "//oidc.example"]
)  # fmt: skip
def test_a_url_with_more_than_a_host_and_a_path_is_refused(url: str) -> None:
    with pytest.raises(InvalidKeySetError, match="must be `https://HOST/PATH` without a user and a fragment"):
        require_listed(url, {"oidc.example": ()})


def test_a_listed_host_is_found_without_regard_to_case_and_shown_without_its_query() -> None:
    assert require_listed("https://OIDC.example:1/x?y", {"oidc.example": ()}) == "oidc.example"
    with pytest.raises(InvalidKeySetError, match="the host `other` is not listed; add it to --jwks-host"):
        require_listed("https://other/x", {"oidc.example": ()})
    assert shown_url("https://a/b?key=1?2") == "https://a/b"


LOCAL = {"localhost": (ip_network("127.0.0.0/8"), ip_network("::1/128"))}


def test_a_json_answer_of_any_of_two_types_is_read_to_its_limit() -> None:
    body = b" " * 262_144
    with https_site(body) as site:
        for kind in ("application/json", "application/jwk-set+json; charset=utf-8", "Application/JSON"):
            site.headers["content-type"] = kind
            assert KeyUrl(site.url, LOCAL, site.trust).read() == body
        assert KeyUrl(f"https://localhost:{site.port}", LOCAL, site.trust).read() == body
        site.headers["content-type"] = "text/json"
        with pytest.raises(InvalidKeySetError, match="the answer has the type `text/json`, not JSON"):
            KeyUrl(site.url, LOCAL, site.trust).read()
        for status in (201, 204, 404):
            site.status = status
            with pytest.raises(InvalidKeySetError, match=f"the answer has the status {status}; only 200 is accepted"):
                KeyUrl(site.url, LOCAL, site.trust).read()

    assert site.paths[3] == "/"


def test_files_and_urls_are_read_in_their_intervals() -> None:
    assert KeyFile("x").seconds == 10.0
    assert KeyUrl("https://a", {}, SYSTEM).seconds == 300.0


# --- all sets --------------------------------------------------------------------------------------------------------------


def test_authorities_may_have_comments_in_any_language(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    path = tmp_path / "ca.pem"
    path.write_bytes("# Zürich, 東京\n".encode() + authority.pem)

    keys = KeySets(authority=str(path)).of(ISSUER, KeySource(file="", url="https://localhost/jwks", algorithms=()))

    source: Any = keys.source
    assert len(source.tls.get_ca_certs()) == 1
    assert source.tls.verify_mode == ssl.CERT_REQUIRED


def test_without_authorities_of_its_own_a_host_is_verified_by_those_of_the_system() -> None:
    keys = KeySets().of(ISSUER, KeySource(file="", url="https://localhost/jwks", algorithms=()))

    source: Any = keys.source
    assert (source.tls.verify_mode, source.tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert source.tls.cert_store_stats() == SYSTEM.cert_store_stats()


def test_a_set_has_the_source_the_hosts_and_the_age_of_its_owner(tmp_path: Path) -> None:
    hosts = {"a": ()}
    sets = KeySets(hosts, max_age=7)
    file, url = KeySource(str(tmp_path / "k"), "", ()), KeySource("", "https://a/k", ())

    one, other = sets.of(ISSUER, file), sets.of("second", url)

    first, second = one.source, other.source
    assert (type(first), type(second)) == (KeyFile, KeyUrl)
    assert isinstance(first, KeyFile)
    assert isinstance(second, KeyUrl)
    assert (first.path, second.url, second.hosts) == (file.file, url.url, hosts)
    assert sets.of("third", url) is not other
    assert sets.of(ISSUER, url) is not one
    assert list(sets.by_owner()) == [ISSUER, "second", "third"]
    assert one._max_age == 7


def test_sets_that_the_file_does_not_name_are_dropped(tmp_path: Path) -> None:
    sets = KeySets()
    named, old, other = (
        sets.of(owner, KeySource(file, "", ())) for owner, file in ((ISSUER, "k"), (ISSUER, "j"), ("x", "k"))
    )

    sets.retain(callers_file({"issuers": {ISSUER: {"jwks_file": "k"}}, "callers": []}))

    assert list(sets.by_owner().values()) == [named]
    assert old is not named is not other
    sets.retain(None)
    assert sets.by_owner() == {}


async def test_a_start_waits_for_urls_for_a_few_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []
    wait = asyncio.wait

    async def noted(tasks: Any, **options: Any) -> Any:
        waited.append(options["timeout"])
        return await wait(tasks, timeout=30)

    monkeypatch.setattr(asyncio, "wait", noted)
    sets = KeySets({"localhost": ()})
    keys = sets.of(ISSUER, KeySource("", "https://localhost:1/jwks?secret=1", ()))
    await sets.read_first()
    sets.close()

    assert waited == [5.0]
    assert (keys.reads, keys.errors) == (1, 1)
    assert "secret" not in keys.error


async def test_a_source_that_cannot_be_used_stops_the_start_and_is_named_without_its_query(tmp_path: Path) -> None:
    url = KeySets({"other": ()})
    url.of(ISSUER, KeySource("", "https://localhost/jwks?secret=1", ()))
    with pytest.raises(CredentialsError) as of_url:
        await url.read_first()
    file = KeySets()
    file.of(ISSUER, KeySource(str(tmp_path / "none"), "", ()))
    with pytest.raises(CredentialsError) as of_file:
        await file.read_first()

    assert str(of_url.value) == (
        "the callers file: the key set of `https://localhost/jwks`: the host `localhost` is not listed; add it to --jwks-host"
    )
    assert str(of_file.value).startswith(f"the callers file: the key set: cannot read the key set `{tmp_path}/none`: ")


@pytest.mark.parametrize(
    ("error", "cut", "expected"),
    [
        (OSError(9, "Bad file descriptor"), True, "the answer took more than 10 seconds"),
        (http.client.BadStatusLine("x"), True, "the answer took more than 10 seconds"),
        (ValueError("read of closed file"), True, "the answer took more than 10 seconds"),
        (OSError(9, "Bad file descriptor"), False, "bad file descriptor"),
        (http.client.BadStatusLine("x"), False, "the answer is not HTTP"),
        (ValueError("x"), False, "the URL is invalid"),
        (OSError("no number"), False, "oserror"),
    ],
)
def test_whatever_a_fetch_that_was_cut_raises_it_took_too_long(
    error: Exception, cut: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "93.184.215.14")
    closed: list[bool] = []

    def fail(connection: Any, *_: object) -> None:
        if cut:
            connection.cut()
        raise error

    monkeypatch.setattr("rolecall.security.tokens.key_reader._Pinned.request", fail)
    monkeypatch.setattr("rolecall.security.tokens.key_reader._Pinned.close", lambda self: closed.append(self.is_cut))

    assert why() == f"cannot fetch the key set `https://oidc.example/jwks`: {expected}"
    assert closed == [cut]


def test_a_fetch_has_ten_seconds_that_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.215.14")
    timers: list[Any] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, work: Any) -> None:
            self.seconds, self.work, self.steps = seconds, work, list[object]()
            timers.append(self)

        def start(self) -> None:
            self.steps.append(("start", self.daemon))

        def cancel(self) -> None:
            self.steps.append("cancel")

    monkeypatch.setattr("rolecall.security.tokens.key_reader.Timer", Timer)

    why()

    ((seconds, steps),) = [(timer.seconds, timer.steps) for timer in timers]
    assert (seconds, steps) == (10.0, [("start", True), "cancel"])
