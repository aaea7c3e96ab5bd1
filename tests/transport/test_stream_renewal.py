"""How the callers of open streams are found again: which streams, how often, and how much other work is done meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest

from rolecall.callers.caller import Caller
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rpc.stream_callers import StreamCaller, StreamCallers
from rolecall.transport.rpc.streams import StreamEnding
from tests.callers.permitted import permitted
from tests.repository.tree import DOCS

CONTEXT: Any = object()


def nothing(_: Caller) -> None: ...


class Streams(StreamCallers):
    """Open streams, how often the caller of any was found, and how often all were passed."""

    def __init__(self) -> None:
        self.time, self.found, self.passes = 0.0, 0, 0
        self.caller = permitted("RolecallDecider")
        super().__init__(self._find, seconds=lambda: self.time, micros=lambda: 0)

    def _find(self, context: Any) -> Caller:
        assert context is CONTEXT
        self.found += 1
        return self.caller

    async def renew_due(self) -> None:
        self.passes += 1
        await super().renew_due()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_streams_are_passed_once_for_each_change_and_otherwise_wait_for_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streams, waits, timeout = Streams(), list[float | None](), asyncio.timeout

    def waited(seconds: float | None) -> asyncio.Timeout:
        waits.append(seconds)
        return timeout(None)

    monkeypatch.setattr(asyncio, "timeout", waited)
    renewing = asyncio.create_task(streams.run())
    passes = []
    for change in (False, True, False, True, False):
        if change:
            streams.change()
        await turns(20)
        passes.append(streams.passes)
    renewing.cancel()
    await asyncio.wait([renewing])

    assert passes == [0, 1, 1, 2, 2]
    assert waits == [1.0] * 3
    assert "about a second after its credential expires" in (DOCS / "security.md").read_text()


async def test_the_streams_are_passed_when_a_second_has_gone_by_without_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streams, timeout, left = Streams(), asyncio.timeout, iter([0, 0, None])
    monkeypatch.setattr(asyncio, "timeout", lambda _: timeout(next(left)))
    renewing = asyncio.create_task(streams.run())
    await turns(20)
    renewing.cancel()
    await asyncio.wait([renewing])

    assert streams.passes == 2


async def test_other_work_has_one_turn_for_each_portion_and_not_for_each_stream() -> None:
    streams, count, seen = Streams(), 500, list[int]()

    async def other_work() -> None:
        while True:
            seen.append(streams.found)
            await asyncio.sleep(0)

    with ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(streams.of(CONTEXT, StreamEnding(), nothing))
        streams.change()
        working = asyncio.create_task(other_work())
        await streams.renew_due()
        working.cancel()

    assert streams.found == 2 * count
    assert max(later - earlier for earlier, later in pairwise(seen)) < count / 5
    assert len(seen) < count / 20


async def test_a_stream_that_closes_while_others_are_passed_is_not_judged() -> None:
    streams, judged = Streams(), list[str]()
    with ExitStack() as stays, ExitStack() as closes:
        stays.enter_context(streams.of(CONTEXT, StreamEnding(), lambda _: judged.append("stays")))
        closes.enter_context(streams.of(CONTEXT, StreamEnding(), lambda _: judged.append("closes")))
        streams.change()
        renewing = asyncio.create_task(streams.renew_due())
        await turns(1)  # it gives others their turn before the first stream
        closes.close()
        await renewing

        assert (judged, len(streams)) == (["stays"], 1)


async def test_a_stream_is_not_judged_when_it_opens_but_at_each_change() -> None:
    streams, judged = Streams(), list[Caller]()

    with streams.of(CONTEXT, StreamEnding(), judged.append) as stream:
        before = [*judged]
        for _ in range(3):
            streams.change()
            for _ in range(2):
                stream.now()
        streams.time = 49.9
        await streams.renew_due()

    assert (before, judged) == ([], [streams.caller] * 3)


async def test_a_stream_without_the_right_ends_with_the_refusal_and_keeps_its_caller() -> None:
    streams, ending, refusal = Streams(), StreamEnding(), PermissionDeniedError("rolecall:Watch", "*")

    def refuse(_: Caller) -> None:
        raise refusal

    with streams.of(CONTEXT, ending, refuse) as stream:
        first, streams.caller = streams.caller, permitted("RolecallSelfDecider")
        streams.time = 50.0
        await streams.renew_due()

        assert stream.caller is first
        with pytest.raises(PermissionDeniedError) as raised:
            ending.raise_if_ended()
        assert raised.value is refusal
        # It was judged just now, so it is not due before another minute.
        assert [stream.is_due(seconds, 0) for seconds in (99.9, 100.0)] == [False, True]


@pytest.mark.parametrize(
    ("expires_at", "due"), [(None, False), (8, False), (7, True), (6, True)], ids=["never", "later", "now", "before"]
)
async def test_a_stream_is_due_from_the_moment_at_which_its_credential_expires(
    expires_at: int | None, due: bool
) -> None:
    class Credential:
        def __init__(self) -> None:
            self.expires_at = expires_at

    class Found:
        credential = Credential()

    streams = Streams()
    streams.caller = Found()  # type: ignore[assignment]
    stream = StreamCaller(streams, CONTEXT, StreamEnding(), nothing)

    assert stream.is_due(0.0, 7) is due
