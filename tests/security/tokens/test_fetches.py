"""How a key set is fetched: from which addresses, for how long, and what is asked and shown."""

from __future__ import annotations

import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from rolecall.security.tokens.key_reader import KeyUrl, _Pinned
from rolecall.security.tokens.public_keys import InvalidKeySetError
from tests.security.tokens.issuing import Site, https_site
from tests.security.tokens.test_key_sources import LOCAL, resolving, why

PAGE = (Path(__file__).parents[3] / "docs/security.md").read_text()


def refusal(site: Site) -> str:
    with pytest.raises(InvalidKeySetError) as caught:
        KeyUrl(site.url, LOCAL, site.trust).read()
    return str(caught.value)


def test_as_many_addresses_as_announced_are_tried_each_for_the_announced_time(monkeypatch: pytest.MonkeyPatch) -> None:
    announced = re.search(r"the first (\d+) are tried in order, each for (\d+) seconds", PAGE)
    assert announced is not None
    addresses = [f"93.184.215.{number}" for number in range(20)]
    resolving(monkeypatch, *addresses)
    turns: list[tuple[str, float]] = []

    def unreachable(to: tuple[str, int], timeout: float) -> None:
        turns.append((to[0], timeout))
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", unreachable)

    assert why() == "cannot fetch the key set `https://oidc.example/jwks`: the host did not answer in time"
    assert turns == [(address, float(announced[2])) for address in addresses[: int(announced[1])]]


def test_the_first_address_that_answers_is_the_only_one_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.215.1", "93.184.215.2", "93.184.215.3")
    tried: list[str] = []

    def answer(to: tuple[str, int], _: float) -> object:
        tried.append(to[0])
        if to[0].endswith("1"):
            raise ConnectionRefusedError
        return object()

    def secured(_: ssl.SSLContext, connected: object, **options: Any) -> object:
        raise ConnectionResetError

    monkeypatch.setattr(socket, "create_connection", answer)
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", secured)

    why("https://OIDC.example/jwks")

    assert tried == ["93.184.215.1", "93.184.215.2"]


def test_a_handshake_can_be_cut_and_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[object] = []
    connection = _Pinned("oidc.example", 443, ["93.184.215.1"], ssl.create_default_context())

    class Secured:
        def do_handshake(self) -> None:
            steps.append(connection.sock is self)

    def secured(_: ssl.SSLContext, connected: object, **options: object) -> Secured:
        steps.append(options)
        return Secured()

    monkeypatch.setattr(socket, "create_connection", lambda *_: object())
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", secured)

    connection.connect()

    # What is cut is the socket of the connection, so it must be known before the handshake.
    assert steps == [{"server_hostname": "oidc.example", "do_handshake_on_connect": False}, True]


def test_a_url_is_asked_for_with_its_path_and_its_query() -> None:
    with https_site(b"{}") as site:
        for rest in ("", "/", "?v=1", "/keys?v=1&w=2", "/a/b"):
            KeyUrl(f"https://localhost:{site.port}{rest}", LOCAL, site.trust).read()

    assert site.paths == ["/", "/", "/?v=1", "/keys?v=1&w=2", "/a/b"]


def test_the_type_of_an_answer_is_shown_up_to_a_hundred_characters() -> None:
    start = "cannot fetch the key set `{}`: the answer has the type `text/{}`, not JSON"
    with https_site(b"{}") as site:
        for length in (95, 96, 300):
            site.headers["content-type"] = f"text/{'x' * length}"
            assert refusal(site) == start.format(site.url, "x" * min(length, 95))


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"{}", "the answer has the status 500; only 200 is accepted"),
        (200, b"x" * 262_145, "the answer has more than 262144 bytes"),
    ],
)
def test_why_an_answer_is_refused_is_said_whole(status: int, body: bytes, message: str) -> None:
    with https_site(body) as site:
        site.status = status
        assert refusal(site) == f"cannot fetch the key set `{site.url}`: {message}"


def test_a_fetch_that_is_cut_before_it_has_a_connection_ends_when_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.215.1")

    class Cutting:
        def __init__(self, _: float, cut: Any) -> None:
            self.start, self.cancel = cut, lambda: None

    monkeypatch.setattr("rolecall.security.tokens.key_reader.Timer", Cutting)

    assert why().endswith("`: the answer took more than 10 seconds")
