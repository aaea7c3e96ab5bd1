"""How many key sets are read at a time, and what a server that stops does about those that are being read."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolecall.callers.declarations import KeySource
from rolecall.security.tokens.key_sets import KeySets
from tests.security.tokens.issuing import Issuer
from tests.server.serving import until

PAGE = (Path(__file__).parents[3] / "docs/security.md").read_text()
KEYS = Issuer().key_set("ES256")


class Slow:
    """Sources of keys that answer when they are let."""

    seconds = 300.0

    def __init__(self) -> None:
        self.answer, self.begun, self.ended = threading.Event(), 0, 0
        self._lock = threading.Lock()

    def read(self) -> bytes:
        with self._lock:
            self.begun += 1
        self.answer.wait(5)
        with self._lock:
            self.ended += 1
        return KEYS


@pytest.fixture
def slow() -> Iterator[Slow]:
    source = Slow()
    yield source
    source.answer.set()


def reading(sets: KeySets, slow: Slow, count: int) -> list[Any]:
    """Return key sets of so many owners."""
    found: list[Any] = [sets.of(f"https://{number}", KeySource("k", "", ("ES256",))) for number in range(count)]
    for keys in found:
        keys.source = slow
    return found


async def test_as_many_key_sets_as_announced_are_read_at_a_time(slow: Slow) -> None:
    announced = re.search(r"at most (\d+) at a time", PAGE)
    assert announced is not None
    most, sets = int(announced[1]), KeySets()
    found: Any = reading(sets, slow, most + 3)
    threads: Any = sets._threads

    sets._start_due()
    await until(lambda: slow.begun == most)
    waiting = threads._work_queue.qsize()
    slow.answer.set()
    await until(lambda: all(keys.usable for keys in found))
    sets.close()

    assert (waiting, slow.begun) == (3, most + 3)


async def test_a_server_that_stops_waits_for_no_key_set_and_reads_no_other(slow: Slow) -> None:
    sets = KeySets()
    reading(sets, slow, 6)
    threads: Any = sets._threads
    sets._start_due()
    await until(lambda: slow.begun == threads._max_workers)
    begun = slow.begun

    sets.close()

    ended = slow.ended
    slow.answer.set()
    await asyncio.to_thread(threads.shutdown)
    assert (ended, slow.ended, slow.begun) == (0, begun, begun)


async def test_a_key_set_is_read_by_one_thread_at_a_time(slow: Slow) -> None:
    sets = KeySets()
    (keys,) = reading(sets, slow, 1)

    for _ in range(3):
        sets._start_due()
    await until(lambda: slow.begun == 1)
    slow.answer.set()
    await until(lambda: not sets._reading)
    sets._start_due()
    sets.close()

    assert (keys.reads, slow.begun) == (1, 1)


async def test_what_is_due_is_looked_for_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await KeySets().watch(lambda *_: None)

    assert pauses == [1.0, 1.0]
