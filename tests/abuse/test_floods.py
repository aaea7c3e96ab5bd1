"""Floods of frames on one connection: it is closed within a bound, and other callers are answered throughout."""

from __future__ import annotations

import asyncio

import pytest

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2.connection import PORTION_BYTES
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.session import Event, Session, SessionLimits
from tests.abuse.attacker import Attacker, answered, attacker, bystander, wire
from tests.abuse.attacks import CHECK, FLOODS, Attack, bombs_within_the_limit, call, header_bomb
from tests.server.serving import Served, until
from tests.transport import frames

pytestmark = pytest.mark.long

LIMITS, OPTIONS = SessionLimits(), ConnectionOptions()
ENHANCE_YOUR_CALM = 0xB

# What has left the client before it sees that the connection is closed fits into the buffers of the sockets.


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_flood_ends_its_connection_and_no_call_of_another_caller_fails(service: Served, flood: Attack) -> None:
    async with bystander(service), attacker(service) as one:
        sending = asyncio.create_task(one.send(flood()))

        code = await one.ending()
        await sending

        assert code is None or code > 0
        await until(lambda: len(wire(service).connections) <= 2)
        assert not service.calls


async def test_a_client_may_reset_as_many_calls_as_are_announced_and_no_more(service: Served) -> None:
    burst, _ = LIMITS.resets
    async with attacker(service) as one:
        await one.send(frames.headers(stream, CHECK) + frames.reset(stream) for stream in range(1, 2 * burst, 2))
        await one.send([frames.frame(frames.PING, 0, 0, b"12345678")])

        assert await acknowledged(one)
        await one.send(
            frames.headers(stream, CHECK) + frames.reset(stream) for stream in range(2 * burst + 1, 6 * burst, 2)
        )
        assert await one.ending()


async def acknowledged(one: Attacker) -> bool:
    """Return whether a ping is acknowledged before the connection ends."""
    while received := await one.frames.next():
        if received[0] == frames.PING and received[1] == frames.ACK:
            return True
    return False


async def test_headers_that_unpack_to_megabytes_end_the_connection(service: Served) -> None:
    async with bystander(service), attacker(service) as one:
        await one.send(header_bomb())
        await one.ending()

        assert not service.stats("CheckAssumeRole").handled[8]
        await until(lambda: len(wire(service).connections) <= 2)


async def test_calls_whose_headers_unpack_to_the_limit_are_refused_one_by_one_until_there_are_too_many(
    service: Served,
) -> None:
    async with bystander(service), attacker(service) as one:
        sending = asyncio.create_task(one.send(bombs_within_the_limit()))
        received = await one.frames.rest()
        await sending

        refused = sum(kind == frames.HEADERS for kind, *_ in received)
        goaways = [payload for kind, _, _, payload in received if kind == frames.GOAWAY]
        assert refused <= OPTIONS.refused_headers[0] + PORTION_BYTES // 100
        assert goaways[-1].endswith(b"too_many_refused_headers")
        assert wire(service).connection_counts.closed[ConnectionClosure.HEADERS] == 1
        assert wire(service).memory.header_bytes == 0


async def test_a_client_may_send_some_calls_with_too_large_headers(service: Served) -> None:
    burst, _ = OPTIONS.refused_headers
    large = [(b"a", b"b")] * (OPTIONS.session.header_bytes // 32)  # of which each counts 34 bytes
    async with attacker(service) as one:
        await one.send(frames.headers(stream, CHECK, large, end=True) for stream in range(1, 2 * burst, 2))
        await one.send([call(2 * burst + 1)])

        assert await answered(one, 2 * burst + 1)


async def test_a_large_read_is_unpacked_in_portions(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = list[int]()
    receive = Session.receive

    def noted(session: Session, data: bytes) -> list[Event]:
        sizes.append(len(data))
        return receive(session, data)

    monkeypatch.setattr(Session, "receive", noted)
    async with attacker(service) as one:
        await one.send([b"".join(call(stream) for stream in range(1, 1_001, 2))])
        await until(lambda: service.stats("CheckAssumeRole").handled[0] == 500)

        assert max(sizes) <= PORTION_BYTES
