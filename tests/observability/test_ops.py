from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from rolecall.observability import ops
from rolecall.observability.ops import OpsServer

reasons: list[str] = []


@pytest.fixture
def port() -> Iterator[int]:
    server = OpsServer(CollectorRegistry(), not_live=list, not_ready=lambda: reasons)
    yield server.start("127.0.0.1", 0)
    server.stop()


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /livez HTTP/1.1", b"200"), (b"GET /livez?verbose HTTP/1.0", b"200"), (b"GET /metrics HTTP/1.1", b"200"),
        (b"GET / HTTP/1.1", b"404"), (b"GET /../livez HTTP/1.1", b"404"), (b"GET /\xff HTTP/1.1", b"404"),
        (b"POST /livez HTTP/1.1", b"405"), (b"GET /livez", b"400"), (b"GET /livez HTTP/2", b"400"), (b"", b"400"),
    ],
)  # fmt: skip
def test_each_request_gets_its_status(port: int, request_line: bytes, status: bytes) -> None:
    answer = ask(port, request_line + b"\r\nHost: x\r\n\r\n")

    assert answer.split(b" ")[1] == status
    assert b"Connection: close" in answer


def test_head_is_get_without_body(port: int) -> None:
    answer = ask(port, b"HEAD /livez HTTP/1.1\r\n\r\n")

    assert b"Content-Length: 5" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_server_that_is_not_ready_gives_the_reason(port: int) -> None:
    reasons.append("the state is not loaded")

    answer = ask(port, b"GET /readyz HTTP/1.1\r\n\r\n")
    reasons.clear()

    assert b"503" in answer
    assert answer.endswith(b"not ready: the state is not loaded\n")


def test_a_head_that_is_too_large_closes_the_connection(port: int) -> None:
    assert ask(port, b"GET /livez HTTP/1.1\r\nX: " + b"x" * 100_000) == b""


def test_a_request_that_takes_too_long_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "REQUEST_SECONDS", 0.1)

    assert ask(port, b"GET /livez") == b""


def test_connections_beyond_the_limit_are_closed_and_others_continue(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "MAX_CONNECTIONS", 1)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as first:
        first.sendall(b"GET /livez HTTP/1.1\r\n")

        with socket.create_connection(("127.0.0.1", port), timeout=20) as second:
            assert second.recv(4_096) == b""
        first.sendall(b"\r\n")

        assert first.recv(4_096).startswith(b"HTTP/1.1 200")


def test_a_stopped_server_gives_its_port_back() -> None:
    server = OpsServer(CollectorRegistry(), not_live=list, not_ready=list)
    port = server.start("127.0.0.1", 0)

    server.stop()

    again = OpsServer(CollectorRegistry(), not_live=list, not_ready=list)
    assert again.start("127.0.0.1", port) == port
    again.stop()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_the_unspecified_address_of_ipv6_takes_ipv4_as_well() -> None:
    server = OpsServer(CollectorRegistry(), not_live=list, not_ready=list)
    port = server.start("::", 0)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10) as answer:
        status = answer.status
    server.stop()

    assert status == 200
