from __future__ import annotations

import socket
import struct
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, Counter

from rolecall.observability import ops
from rolecall.observability.ops import OpsServer

NOT_FOUND = b"not found; the paths are /metrics, /livez and /readyz\n"

registry = CollectorRegistry()
registered = Counter("requests", "Requests of a test.", registry=registry)
reasons: list[str] = []


@pytest.fixture
def port() -> Iterator[int]:
    server = OpsServer(registry, not_live=list, not_ready=lambda: reasons)
    yield server.start("127.0.0.1", 0)
    server.stop()


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def ended(connection: socket.socket) -> bool:
    """Return whether the server has closed a connection without an answer; wait for it."""
    try:
        return connection.recv(4_096) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /livez HTTP/1.1", b"200 OK", b"live\n"),
        (b"GET /livez?verbose HTTP/1.0", b"200 OK", b"live\n"),
        (b"GET /readyz HTTP/1.1", b"200 OK", b"ready\n"),
        (b"GET / HTTP/1.1", b"404 Not Found", NOT_FOUND),
        (b"GET /../livez HTTP/1.1", b"404 Not Found", NOT_FOUND),
        (b"GET /\xff HTTP/1.1", b"404 Not Found", NOT_FOUND),
        (b"POST /livez HTTP/1.1", b"405 Method Not Allowed", b"only GET and HEAD are supported\n"),
        (b"GET /livez", b"400 Bad Request", b"only HTTP/1.1 is supported\n"),
        (b"GET /livez HTTP/2", b"400 Bad Request", b"only HTTP/1.1 is supported\n"),
        (b"", b"400 Bad Request", b"only HTTP/1.1 is supported\n"),
    ],
)
def test_each_request_gets_its_status(port: int, request_line: bytes, status: bytes, body: bytes) -> None:
    answer = ask(port, request_line + b"\r\nHost: x\r\n\r\n")

    assert answer == (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(body)
        + b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n" + body
    )  # fmt: skip


def test_metrics_are_in_the_format_of_prometheus(port: int) -> None:
    registered.inc(7)

    head, _, body = ask(port, b"GET /metrics HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=")
    assert b"\nrequests_total 7.0\n" in body


def test_head_is_get_without_body(port: int) -> None:
    answer = ask(port, b"HEAD /livez HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Content-Length: 5" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_it_has_a_thread_of_its_own_that_does_not_keep_the_process_from_its_end() -> None:
    threads = list[threading.Thread]()

    def live() -> list[str]:
        threads.append(threading.current_thread())
        return []

    server = OpsServer(registry, not_live=live, not_ready=list)
    answer = ask(server.start("127.0.0.1", 0), b"GET /livez HTTP/1.1\r\n\r\n")
    server.stop()

    assert answer.startswith(b"HTTP/1.1 200")
    assert [(thread.name, thread.daemon) for thread in threads] == [("ops", True)]


def test_a_server_that_is_not_ready_gives_the_reason(port: int) -> None:
    reasons.extend(["the state is not loaded", "the server is stopping"])

    answer = ask(port, b"GET /readyz HTTP/1.1\r\n\r\n")
    reasons.clear()

    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert answer.endswith(b"not ready: the state is not loaded; the server is stopping\n")


def test_a_head_that_is_too_large_closes_the_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(b"GET /livez HTTP/1.1\r\nX: " + b"x" * 100_000)

        assert ended(connection)


def test_a_head_of_eight_kibibytes_is_read(port: int) -> None:
    request = b"GET /livez HTTP/1.1\r\nX: "
    request += b"x" * (8 * 1024 - len(request) - 4) + b"\r\n\r\n"

    assert ask(port, request).startswith(b"HTTP/1.1 200")


def test_a_connection_that_has_ended_makes_room_for_the_next(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "MAX_CONNECTIONS", 1)

    answers = [ask(port, b"GET /livez HTTP/1.1\r\n\r\n")[:12] for _ in range(3)]

    assert answers == [b"HTTP/1.1 200"] * 3


def test_a_request_that_takes_too_long_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "REQUEST_SECONDS", 0.1)

    assert ask(port, b"GET /livez") == b""


def test_a_connection_that_is_reset_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    server = OpsServer(registry, not_live=list, not_ready=list)
    port = server.start("127.0.0.1", 0)
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        connection.sendall(b"GET /livez")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    assert ask(port, b"GET /livez HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
    server.stop()

    assert caplog.messages == []


def test_a_silent_connection_loses_its_place_to_a_new_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "MAX_CONNECTIONS", 2)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as oldest,
        socket.create_connection(("127.0.0.1", port), timeout=20) as second,
    ):
        oldest.sendall(b"GET /livez HTTP/1.1\r\n")
        second.sendall(b"GET /livez HTTP/1.1\r\n")

        answer = ask(port, b"GET /livez HTTP/1.1\r\n\r\n")
        second.sendall(b"\r\n")

        assert answer.startswith(b"HTTP/1.1 200")
        assert second.recv(4_096).startswith(b"HTTP/1.1 200")
        assert ended(oldest)


def test_a_client_that_does_not_read_keeps_its_place_before_silent_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "MAX_CONNECTIONS", 2)
    server = OpsServer(CollectorRegistry(), not_live=list, not_ready=lambda: ["x" * 20_000_000])
    port = server.start("127.0.0.1", 0)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as slow,
        socket.create_connection(("127.0.0.1", port), timeout=20) as silent,
    ):
        slow.sendall(b"GET /readyz HTTP/1.1\r\n\r\n")
        slow.recv(1)

        assert ask(port, b"GET /livez HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert ended(silent)
        assert sum(map(len, iter(lambda: slow.recv(1 << 20), b""))) > 20_000_000
    server.stop()


def test_a_probe_is_answered_beside_a_thousand_silent_connections_that_come_again(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(1_000)]

    answers = []
    for again in silent[:50]:
        again.close()
        silent.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        answers.append(ask(port, b"GET /livez HTTP/1.1\r\n\r\n"))
    for connection in silent:
        connection.close()

    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)


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
