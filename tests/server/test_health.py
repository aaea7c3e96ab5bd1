"""Readiness, liveness and grpc.health, from one place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest
from grpc_health.v1 import health_pb2 as pb

from rolecall.observability.loop_probe import STUCK_SECONDS
from rolecall.roles.errors import StoreUnavailableError
from rolecall.server.server import RolecallServer
from rolecall.transport.server import DECISION_SERVICE, POLICY_SERVICE, ROLE_SERVICE, WATCH_SERVICE
from tests.server.serving import idle_server

SERVICES = ("", DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE)


@pytest.fixture
async def server() -> AsyncIterator[RolecallServer]:
    async with idle_server(max_staleness_seconds=2) as idle:
        yield idle


async def serving(server: RolecallServer) -> list[str]:
    found = []
    for service in SERVICES:
        answer = await server.health.servicer.Check(pb.HealthCheckRequest(service=service), cast("Any", None))
        if answer.status == pb.HealthCheckResponse.SERVING:
            found.append(service)
    return found


def age(server: RolecallServer, monkeypatch: pytest.MonkeyPatch, micros: int) -> None:
    monkeypatch.setattr(server.replica.follower, "staleness", lambda: micros)


async def test_before_the_start_nothing_serves_and_the_reason_is_that_of_the_replica(server: RolecallServer) -> None:
    server.replica.startup_status = "the state is not loaded: gone"

    assert server.health.not_ready() == ["the state is not loaded: gone"]
    assert server.health.not_live() == []
    assert await serving(server) == []


async def test_after_the_start_every_service_and_the_process_serve(server: RolecallServer) -> None:
    server.health.start()

    assert server.health.not_ready() == []
    assert await serving(server) == list(SERVICES)


async def test_draining_is_not_ready_for_good_but_live(server: RolecallServer) -> None:
    server.health.start()
    server.health.drain()
    server.health.update_services()

    assert server.health.not_ready() == ["the server is stopping"]
    assert server.health.not_live() == []
    assert await serving(server) == []


async def test_a_stuck_loop_and_a_lost_address_are_neither_live_nor_ready(
    server: RolecallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.health.start()
    server.health.listen_error = "cannot listen on `127.0.0.1:1`: in use"
    now = time.monotonic() + STUCK_SECONDS + 1
    monkeypatch.setattr("rolecall.observability.loop_probe.monotonic", lambda: now)

    reasons = ["the event loop is stuck", "cannot listen on `127.0.0.1:1`: in use"]
    assert (server.health.not_live(), server.health.not_ready()) == (reasons, reasons)


@pytest.mark.parametrize(("staleness", "fresh"), [(2_000_000, True), (2_000_001, False)])
async def test_decisions_are_served_while_staleness_is_within_the_limit(
    server: RolecallServer, monkeypatch: pytest.MonkeyPatch, staleness: int, fresh: bool
) -> None:
    server.health.start()
    age(server, monkeypatch, staleness)

    server.health.update_services()

    assert (DECISION_SERVICE in await serving(server)) is fresh
    assert set(await serving(server)) >= {"", ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE}


@pytest.mark.parametrize("fault", ["polling", "writing"])
async def test_administration_is_served_while_the_store_can_be_read_and_written(
    server: RolecallServer, fault: str
) -> None:
    def let_it_fail(failing: bool) -> None:
        if fault == "polling":
            server.replica.polling.counts.failing = failing
        else:
            server.replica.writability.note(StoreUnavailableError("the disk is full") if failing else None)

    server.health.start()
    let_it_fail(True)

    server.health.update_services()

    assert set(await serving(server)) == set(SERVICES) - {ROLE_SERVICE}
    assert server.health.not_ready() == []

    let_it_fail(False)
    server.health.update_services()

    assert await serving(server) == list(SERVICES)


async def test_health_is_reported_again_every_second(server: RolecallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        server.replica.polling.counts.failing = True
        if len(pauses) == 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    server.health.start()

    with suppress(asyncio.CancelledError):
        await server.health.run()

    assert pauses == [1.0, 1.0]
    assert ROLE_SERVICE not in await serving(server)


async def test_every_service_is_announced_and_each_turn_reports_both_that_can_fail(
    server: RolecallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(server, monkeypatch, 2_000_001)
    monkeypatch.setattr(type(server.replica), "administered", lambda _: False)
    server.health.start()
    server.health.update_services()
    assert await serving(server) == ["", POLICY_SERVICE, WATCH_SERVICE]

    monkeypatch.setattr(type(server.replica), "administered", lambda _: True)
    server.health.update_services()
    assert await serving(server) == ["", ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE]
    age(server, monkeypatch, 0)
    server.health.update_services()
    assert await serving(server) == list(SERVICES)


async def test_a_state_whose_age_is_not_known_serves_no_decisions(
    server: RolecallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.health.start()
    monkeypatch.setattr(server.replica.follower, "staleness", lambda: None)

    server.health.update_services()

    assert DECISION_SERVICE not in await serving(server)
