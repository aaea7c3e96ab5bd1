"""Sockets of the ops port that say nothing, or do not read, keep no probe from its answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry, Gauge

from rolecall.observability.ops import MAX_CONNECTIONS, OpsServer

PROBE = b"GET /livez HTTP/1.1\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\n\r\n"


class Blocked:
    """What makes the port wait in the middle of an answer, so that everything else is queued meanwhile."""

    def __init__(self) -> None:
        self.waiting, self.released = threading.Event(), threading.Event()

    def __call__(self) -> list[str]:
        self.waiting.set()
        assert self.released.wait(60)
        return []


@pytest.fixture
def blocked() -> Blocked:
    return Blocked()


@pytest.fixture
def port(blocked: Blocked) -> Iterator[int]:
    registry = CollectorRegistry()
    family = Gauge("series", "A large page.", ["name"], registry=registry)
    for number in range(20_000):
        family.labels(f"{number:0100}").set(number)
    server = OpsServer(registry, not_live=list, not_ready=blocked)
    yield server.start("127.0.0.1", 0)
    blocked.released.set()
    server.stop()


def connected(stack: ExitStack, port: int, request: bytes = b"", *, buffer: int = 0) -> socket.socket:
    connection = stack.enter_context(socket.socket())
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    connection.sendall(request)
    return connection


def answered(probe: socket.socket) -> bool:
    try:
        return probe.recv(4_096).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


def test_probes_are_answered_in_order_beside_a_thousand_silent_and_slow_sockets(port: int) -> None:
    with ExitStack() as stack:
        for number in range(1_000):
            connected(stack, port, b"GET /met" if number % 2 else b"")

        for _ in range(20):
            assert answered(connected(stack, port, PROBE))


def test_probes_are_answered_beside_clients_that_do_not_read_the_metrics(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS // 32):
            connected(stack, port, METRICS, buffer=2_048)

        for _ in range(20):
            assert answered(connected(stack, port, PROBE))


def test_a_probe_is_answered_although_a_thousand_sockets_were_opened_after_it_at_once(
    port: int, blocked: Blocked
) -> None:
    with ExitStack() as stack:
        connected(stack, port, b"GET /readyz HTTP/1.1\r\n\r\n")
        assert blocked.waiting.wait(60)
        probe = connected(stack, port, PROBE)
        for _ in range(1_000):
            connected(stack, port)
        blocked.released.set()

        assert answered(probe)
        assert answered(connected(stack, port, PROBE))
