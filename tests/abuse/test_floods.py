"""Floods of frames on one connection: it is closed within a bound, and other callers are answered throughout."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from rolecall.transport.http2.connection import PORTION_BYTES
from rolecall.transport.http2.session import Event, Session, SessionLimits
from tests.abuse.attacker import CHECK, Attacker, attacker, bystander, call, wire
from tests.server.serving import Served, until
from tests.transport import frames

LIMITS = SessionLimits()
STREAMS = range(1, 100_000, 2)
ENHANCE_YOUR_CALM = 0xB

# What has left the client before it sees that the connection is closed fits into the buffers of the sockets.


def rapid_resets() -> Iterator[bytes]:
    """CVE-2023-44487."""
    return (frames.headers(stream, CHECK) + frames.reset(stream) for stream in STREAMS)


def rapid_resets_of_whole_calls() -> Iterator[bytes]:
    return (call(stream) + frames.reset(stream) for stream in STREAMS)


def continuations() -> Iterator[bytes]:
    """CVE-2024-27316 and its like."""
    yield frames.frame(frames.HEADERS, 0, 1, frames.header_block(CHECK))
    for _ in range(50_000):
        yield frames.frame(frames.CONTINUATION, 0, 1, b"\0\1a\1b")


def empty_continuations() -> Iterator[bytes]:
    yield frames.frame(frames.HEADERS, 0, 1, frames.header_block(CHECK))
    for _ in range(50_000):
        yield frames.frame(frames.CONTINUATION, 0, 1)


def settings() -> Iterator[bytes]:
    """CVE-2019-9515."""
    return (frames.frame(frames.SETTINGS, 0, 0, frames.setting(3, 100)) * 50 for _ in range(5_000))


def large_settings() -> Iterator[bytes]:
    return (frames.frame(frames.SETTINGS, 0, 0, frames.setting(3, 100) * 33) for _ in range(5_000))


def pings() -> Iterator[bytes]:
    """CVE-2019-9512."""
    return (frames.frame(frames.PING, 0, 0, b"12345678") * 50 for _ in range(5_000))


def empty_data() -> Iterator[bytes]:
    """CVE-2019-9518."""
    yield frames.headers(1, CHECK)
    for _ in range(5_000):
        yield frames.frame(frames.DATA, 0, 1) * 50


@pytest.mark.parametrize(
    "flood",
    [
        rapid_resets,
        rapid_resets_of_whole_calls,
        continuations,
        empty_continuations,
        settings,
        large_settings,
        pings,
        empty_data,
    ],
)
async def test_a_flood_ends_its_connection_and_no_call_of_another_caller_fails(service: Served, flood: object) -> None:
    async with bystander(service), attacker(service) as one:
        sending = asyncio.create_task(one.send(flood()))  # type: ignore[operator]

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
    # A bomb: each byte stands for a header of four thousand.
    big = frames.indexed(b"a", b"x" * 4_000)
    block = frames.header_block(CHECK) + big + frames.NEWEST_ENTRY * 12_000
    async with bystander(service), attacker(service) as one:
        await one.send([frames.frame(frames.HEADERS, frames.END_HEADERS, 1, block)])
        await one.ending()

        assert not service.stats("CheckAssumeRole").handled[8]
        await until(lambda: len(wire(service).connections) <= 2)


async def test_thousands_of_calls_whose_headers_unpack_to_the_limit_are_refused_one_by_one(service: Served) -> None:
    big = frames.indexed(b"a", b"x" * 4_000)
    first = frames.header_block(CHECK) + big
    bomb = frames.header_block(CHECK) + frames.NEWEST_ENTRY * 12
    async with bystander(service), attacker(service) as one:
        sending = asyncio.create_task(
            one.send(
                frames.frame(frames.HEADERS, frames.END_HEADERS, stream, first if stream == 1 else bomb)
                for stream in range(1, 6_000, 2)
            )
        )
        refusals = 0
        while refusals < 100 and (received := await one.frames.next()):
            refusals += received[0] in (frames.HEADERS, frames.RST_STREAM)
        assert refusals == 100
        await until(lambda: wire(service).memory.header_bytes == 0)
        sending.cancel()


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
