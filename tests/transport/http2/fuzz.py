"""Mutates what clients send, and feeds it to connections: `python -m tests.transport.http2.fuzz --count 100000 --seed 1`.

A connection must not raise, must not log an unforeseen error, and must leave no call and no task behind when it is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from time import process_time
from typing import Any

import uvloop

from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from rolecall.transport.http2.session import SessionLimits
from tests.transport.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    fields,
    frame,
    headers,
    message,
)
from tests.transport.http2.conversation import GOAWAY, WINDOW_UPDATE, Behaviour

PATHS = [b"/t/Unary", b"/t/AtOnce", b"/t/Echo", b"/t/Wait", b"/t/Refuse", b"/t/Unknown", b"/\xff"]
KINDS = [DATA, HEADERS, 2, RST_STREAM, SETTINGS, 5, PING, GOAWAY, WINDOW_UPDATE, 9, 16, 200]
OPTIONS = ConnectionOptions(
    session=SessionLimits(streams=20, header_bytes=1_024, stream_window_bytes=70_000, connection_window_bytes=100_000),
    max_message_bytes=2_000,
    max_queued_bytes=4_000,
)
MAX_TURNS = 200


class MemoryTransport:
    """Takes what a connection writes. It asks the connection to pause now and then, as a client that does not read would."""

    def __init__(self, connection: Http2Connection, source: Random) -> None:
        self._connection, self._source = connection, source
        self.closed = self._paused = False
        self.written = 0

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += len(data)
        if not self._paused and self._source.random() < 0.05:
            self._paused = True
            self._connection.pause_writing()
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        self._paused = False
        if not self.closed:
            self._connection.resume_writing()

    def get_write_buffer_size(self) -> int:
        return 1 if self._paused else 0

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 1) if name == "peername" else None


def recorded(source: Random) -> list[bytes]:
    """Return the frames of a client with several calls, as it would send them: those of one call between those of others."""
    frames = [frame(SETTINGS, 0, 0, source.choice([b"", b"\0\4" + bytes(4), b"\0\3\0\0\0\5"]))]
    coming = [list(_call(source, stream)) for stream in range(1, 2 * source.randint(1, 8), 2)]
    while coming:
        begun = min(len(coming), source.randint(1, 3))
        call = coming[source.randrange(begun)] if all(len(one) < 3 for one in coming[:begun]) else coming[0]
        frames.append(call.pop(0))
        coming = [one for one in coming if one]
    if source.random() < 0.1:
        frames.insert(source.randrange(1, len(frames) + 1), frame(GOAWAY, 0, 0, bytes(8)))
    return frames


def _call(source: Random, stream: int) -> Iterator[bytes]:
    kind = source.randrange(8)
    extra = source.choice(
        [[], [(b"grpc-timeout", b"1n")], [(b"grpc-timeout", b"1S")], [(b"a-bin", b"AP8,A")], [(b"x", b"x" * 1_000)]]
    )
    encoding = [(b"grpc-encoding", source.choice([b"gzip", b"deflate", b"br"]))] if kind == 1 else []
    yield headers(stream, source.choice(PATHS), [*extra, *encoding], end=kind == 2)
    data = source.randbytes(source.choice([0, 1, 30, 500, 3_000]))
    if kind == 1:
        packed = gzip.compress(data, mtime=0)
        yield frame(DATA, END_STREAM, stream, b"\1" + len(packed).to_bytes(4, "big") + packed)
    elif kind == 3:
        framed = (b"\0" + len(data).to_bytes(4, "big") + data) * source.randint(1, 5)
        cut = source.randint(0, len(framed))
        yield from (frame(DATA, 0, stream, framed[:cut]), frame(DATA, END_STREAM, stream, framed[cut:]))
    elif kind == 4:
        yield frame(DATA, 0, stream, b"\0" + len(data).to_bytes(4, "big") + data)
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, fields([(b"x-end", b"1")]))
    elif kind == 5:
        yield from (message(stream, data), frame(RST_STREAM, 0, stream, b"\0\0\0\x08"))
    elif kind == 6:
        yield from (frame(PING, 0, 0, bytes(8)), frame(WINDOW_UPDATE, 0, stream, b"\0\0\1\0"), message(stream, data))
    elif kind == 7:
        yield message(stream, data)


def mutated(source: Random, frames: list[bytes]) -> bytes:
    """Return the bytes of a connection, of which some frames were changed, repeated, moved or made up, and then some bytes."""
    for _ in range(source.choice([0, 1, 1, 2, 3])):
        _mutate_frame(source, frames)
    data = bytearray(b"".join(frames))
    for _ in range(source.choice([0, 0, 0, 0, 0, 0, 1, 2, 4])):
        _mutate_bytes(source, data)
    return (PREFACE if source.random() < 0.99 else PREFACE[:-1]) + bytes(data)


def _mutate_frame(source: Random, frames: list[bytes]) -> None:
    if len(frames) < 2:
        return
    at = source.randrange(1, len(frames))
    one, kind = bytearray(frames[at]), source.randrange(8)
    if kind == 0:
        frames.insert(at, frame(source.choice(KINDS), source.randrange(256), source.randrange(16), source.randbytes(8)))
    elif kind == 1:
        frames.insert(at + 1, frames[at])
    elif kind == 2:
        frames.insert(source.randrange(1, len(frames) + 1), frames.pop(at))
    elif kind == 3:
        del frames[at]
    else:
        # The kind, the flags, the stream, or a byte of the payload; the length stays right.
        place = (3, 4, 8, source.randrange(9, max(10, len(one))))[kind - 4]
        if place < len(one):
            one[place] = source.choice([source.randrange(16), source.randrange(256)])
        frames[at : at + 1] = [bytes(one)]


def _mutate_bytes(source: Random, data: bytearray) -> None:
    if not data:
        return
    at, kind = source.randrange(len(data)), source.randrange(3)
    if kind == 0:
        data[at] ^= 1 << source.randrange(8)
    elif kind == 1:
        del data[at : at + source.randint(1, 9)]
    else:
        data[at:at] = data[at : at + source.randint(1, 60)]


def source_of(seed: int, number: int) -> Random:
    """Return what one connection of a seed is drawn from, whatever became of those before it."""
    return Random(f"{seed}/{number}")


class Fuzzer:
    """Runs mutated connections one after the other. `outcomes` counts how they ended, `faults` has what must not happen."""

    def __init__(self, seed: int) -> None:
        self.outcomes, self.faults = Counter[str](), list[str]()
        self._seed = seed

    async def run(self, count: int) -> None:
        """Run this many connections."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.faults.append(f"{context}"))
        for number in range(count):
            behaviour = Behaviour()
            server = Http2Server(behaviour.methods(), OPTIONS)
            connection = Http2Connection(server)
            source = source_of(self._seed, number)
            try:
                await self._one(source, server, connection, behaviour)
            except Exception as error:  # noqa: BLE001 -- this is what is searched for
                self.faults.append(f"connection {number} of seed {self._seed}: {error!r}")
            if len(asyncio.all_tasks()) > 1 or connection.calls or server.connections:
                self.faults.append(f"connection {number} of seed {self._seed}: calls are left behind")

    async def _one(
        self, source: Random, server: Http2Server, connection: Http2Connection, behaviour: Behaviour
    ) -> None:
        transport: Any = MemoryTransport(connection, source)
        data, at = mutated(source, recorded(source)), 0
        behaviour.at_once_answers = source.random() < 0.7
        connection.connection_made(transport)
        while at < len(data) and not transport.closed:
            size = source.choice([1, 9, 60, 600, len(data)])
            connection.data_received(data[at : at + size])
            at += size
            self._disturb(connection, source)
            await asyncio.sleep(0)
        behaviour.hold.set()
        await self._settle(connection, transport)
        self.outcomes["closed by the server" if transport.closed else "open at the end"] += 1
        self.outcomes["calls"] += len(behaviour.contexts)
        self.outcomes["messages"] += len(behaviour.seen)
        connection.connection_lost(None)
        for _ in range(4):
            await asyncio.sleep(0)

    def _disturb(self, connection: Http2Connection, source: Random) -> None:
        if source.random() < 0.05:
            connection.tick(asyncio.get_running_loop().time() + source.choice([0, 70, 400]))
        if source.random() < 0.02:
            connection.shut_down()

    async def _settle(self, connection: Http2Connection, transport: MemoryTransport) -> None:
        """Wait for the answers that need nothing more from the client."""
        turns = 0
        while any(self._answerable(call) for call in connection.calls.values()) and not transport.closed:
            turns += 1
            if turns > MAX_TURNS:
                self.faults.append(f"a call is stuck, seed {self._seed}")
                return
            await asyncio.sleep(0)

    @staticmethod
    def _answerable(call: Any) -> bool:
        """Return whether the client has ended its call, and its window does not hold the answer back."""
        return bool(call.ended_by_client and not call.connection.session.queued(call.stream))


def main() -> int:
    """Run the fuzzer of the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.transport.http2.fuzz")
    parser.add_argument("--count", type=int, default=10_000, help="how many connections to run")
    parser.add_argument(
        "--seed", type=int, default=1, help="what the connections are drawn from; the first is connection 0"
    )
    arguments = parser.parse_args()
    fuzzer = Fuzzer(arguments.seed)
    uvloop.run(fuzzer.run(arguments.count))
    for fault in fuzzer.faults[:20]:
        sys.stdout.write(fault + "\n")
    ended = ", ".join(f"{count} {outcome}" for outcome, count in sorted(fuzzer.outcomes.items()))
    line = f"{arguments.count} connections of seed {arguments.seed}: {ended}; {len(fuzzer.faults)} faults; {process_time():.0f} s of CPU"
    sys.stdout.write(line + "\n")
    return 1 if fuzzer.faults else 0


if __name__ == "__main__":
    sys.exit(main())
