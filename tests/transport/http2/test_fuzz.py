"""A small run of the fuzzer, and a check that it notices faults."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.transport.http2.connection import Http2Connection
from tests.transport.http2.fuzz import Fuzzer, mutated, recorded, source_of


async def test_mutated_connections_raise_nothing_and_leave_nothing_behind() -> None:
    fuzzer = Fuzzer(20_261_129)

    await fuzzer.run(1_500)

    assert fuzzer.faults == []
    assert fuzzer.outcomes["calls"] > 500
    assert fuzzer.outcomes["messages"] > 200


async def test_the_fuzzer_notices_a_connection_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, event: object) -> None:
        raise KeyError(event)

    monkeypatch.setattr(Http2Connection, "forget", broken)
    fuzzer = Fuzzer(1)

    await fuzzer.run(200)

    assert any("KeyError" in fault for fault in fuzzer.faults)


async def test_the_fuzzer_notices_calls_that_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(self: Any, error: Exception | None) -> None:
        self.server.remove(self)

    monkeypatch.setattr(Http2Connection, "connection_lost", forgetful)
    fuzzer = Fuzzer(1)

    await fuzzer.run(200)

    assert any("left behind" in fault for fault in fuzzer.faults)


def test_a_seed_repeats_its_connections() -> None:
    def connections(seed: int) -> list[bytes]:
        sources = [source_of(seed, number) for number in range(50)]
        return [mutated(source, recorded(source)) for source in sources]

    assert connections(7) == connections(7)
    assert connections(7) != connections(8)
