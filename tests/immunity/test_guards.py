"""Attacks on services that are guarded: a service that decides nothing, and callers that send whatever they like. The register is `docs/immunity.md`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient
from rolecall_client.guards import (
    AsyncGuard,
    Guard,
    GuardOutcome,
    OidcBearer,
    PeerFacts,
    RoleMap,
    RouteMap,
    SpiffePrincipals,
)
from rolecall_client.guards.certificate_names import MEMOISED, _names_in, names_in
from rolecall_client.guards.report import LINES_PER_SECOND
from tests.clients.guards.orders import CART, GET, uri
from tests.security.certificates import Authority

ROLES = RoleMap({GET: "orders.use"})
CALLERS = SpiffePrincipals({CART: "acs:ram::1:user/cart"})
CALLER = PeerFacts(spiffe_ids=(CART,))


def silent(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def hanging_up(connection: socket.socket) -> None:
    connection.recv(65_536)


def talking_nonsense(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nallowed=true")
    silent(connection)


def saying_ok(connection: socket.socket) -> None:
    # SETTINGS, then the headers of an answer with status 200 and `grpc-status: 0`, without any message.
    connection.recv(65_536)
    trailers = b"\x88" + b"\x40\x0bgrpc-status\x010" + b"\x40\x0ccontent-type\x10application/grpc"
    frames = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    frames += len(trailers).to_bytes(3) + b"\x01\x05" + (1).to_bytes(4) + trailers
    connection.sendall(frames)
    silent(connection)


Manner = Callable[[socket.socket], None]


@contextmanager
def deciding(manner: Manner) -> Iterator[str]:
    """Give the address of something that takes connections and treats each in a manner of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=treat, args=(connection,), daemon=True).start()

        def treat(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                manner(connection)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("manner", [silent, hanging_up, talking_nonsense, saying_ok])
async def test_nobody_passes_while_what_decides_does_not_answer_properly(manner: Manner) -> None:
    with deciding(manner) as address:
        with RolecallClient(address) as client:
            refused = Guard(client, ROLES, CALLERS, timeout=0.3).refusal(GET, CALLER)
        async with AsyncRolecallClient(address) as async_client:
            also_refused = await AsyncGuard(async_client, ROLES, CALLERS, timeout=0.3).refusal(GET, CALLER)

    assert refused
    assert also_refused
    assert {refused.outcome, also_refused.outcome} == {GuardOutcome.UNDECIDED}


class Unasked:
    """A client that must not be asked."""

    def check(self, query: Any, *, timeout: float | None = None) -> Any:
        raise AssertionError("asked")


def test_callers_that_name_methods_and_paths_at_random_fill_neither_the_counters_nor_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = Guard(Unasked(), ROLES, CALLERS)
    routes = Guard(Unasked(), RouteMap({"GET /a": "orders.use"}), CALLERS, counts=guard.counts)

    for number in range(5_000):
        guard.refusal(f"/x/{number}", CALLER)
        routes.refusal(f"GET /{number}", CALLER)

    assert guard.counts.by_role() == {("", GuardOutcome.CLOSED): 10_000}
    assert LINES_PER_SECOND <= len(caplog.messages) < 10_000


def test_forged_tokens_and_long_ones_are_never_put_to_the_service() -> None:
    guard = Guard(Unasked(), ROLES, OidcBearer("acs:ram::1:oidc-provider/x"))
    forged = [
        "Bearer a.b.c d.e.f",
        "Bearer \x00.b.c",
        "Bearer a.b",
        "Bearer " + "a" * 100_000,
        "Bearer a.b.c\n",
        "Bearer á.b.c",
    ]

    outcomes = {
        refused.outcome
        for value in forged
        if (refused := guard.refusal(GET, PeerFacts(headers=(("authorization", value),))))
    }

    assert outcomes == {GuardOutcome.UNKNOWN_CALLER}
    assert guard.counts.total(GuardOutcome.UNKNOWN_CALLER) == len(forged)


def test_many_certificates_leave_a_limited_memory(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    for number in range(MEMOISED + 20):
        spiffe_id = f"{CART}/{number}"
        certificate = authority.issue(uri(spiffe_id))[0].decode()
        assert names_in(certificate) == ((spiffe_id,), ())

    assert _names_in.cache_info().currsize == MEMOISED
