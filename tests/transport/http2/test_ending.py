"""How a connection ends: step by step, with a session and a transport that write down what is done with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts
from rolecall.transport.http2.ending import Ending
from rolecall.transport.http2.session import ENHANCE_YOUR_CALM, NO_ERROR, SessionError
from tests.repository.tree import DOCS

ANNOUNCED, REFUSED = ["announce", "flush", "ping shutdown", "flush"], [f"goaway {NO_ERROR} ", "flush"]


class Parts:
    """The session, the transport, what is sent and the event loop of a connection; `done` is what was done with them."""

    def __init__(self) -> None:
        self.done = list[str]()
        self.later = list[tuple[float, Callable[[], None]]]()
        self.cancelled = 0
        self.finished = self.closing = False
        self.empty = True
        self.broken = False

    def announce_shutdown(self) -> None:
        self.done.append("announce")

    def go_away(self, code: int = NO_ERROR, debug: bytes = b"") -> None:
        self.done.append(f"goaway {code} {debug.decode()}")

    def ping(self, payload: bytes) -> None:
        if self.broken:
            raise SessionError
        self.done.append(f"ping {payload.decode()}")

    def flush(self) -> None:
        self.done.append("flush")

    def close(self) -> None:
        self.done.append("close")
        self.closing = True

    def abort(self) -> None:
        self.done.append("abort")
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def call_later(self, seconds: float, action: Callable[[], None]) -> Any:
        self.later.append((seconds, action))
        return self

    def cancel(self) -> None:
        self.cancelled += 1

    def taken(self) -> list[str]:
        """Return what was done since the last time."""
        done, self.done = self.done, []
        return done


async def ending(**calls: object) -> tuple[Ending, Parts, ConnectionCounts]:
    """Return the end of a connection that has these calls, its parts, and the counts of its server."""
    parts, counts = Parts(), ConnectionCounts(())
    made = Ending(parts, parts, dict(enumerate(calls)), counts)  # type: ignore[arg-type]
    made._loop = parts  # type: ignore[assignment]
    made.connect(parts)
    return made, parts, counts


def seconds_of_a_silent_client() -> float:
    text = (DOCS / "operations.md").read_text()
    found = re.search(r"a client that acknowledges nothing has (one|\d+) seconds?\.", text)
    assert found
    return 1.0 if found[1] == "one" else float(found[1])


async def test_a_shutdown_is_announced_once_and_a_client_that_acknowledges_nothing_has_the_announced_time() -> None:
    end, parts, _ = await ending()

    end.shut_down()
    end.shut_down()
    announced = parts.taken()
    ((seconds, refuse_later_streams),) = parts.later
    refuse_later_streams()
    refuse_later_streams()

    assert (announced, seconds) == (ANNOUNCED, seconds_of_a_silent_client())
    assert (parts.taken(), end.lingering) == (REFUSED, True)
    _, (lingers, close) = parts.later
    close()
    assert (lingers, parts.taken()) == (seconds_of_a_silent_client(), ["close"])


async def test_a_connection_that_is_closing_is_not_shut_down() -> None:
    end, parts, _ = await ending()
    parts.closing = True

    end.shut_down()

    assert (end.announced, parts.done, parts.later) == (False, [], [])


async def test_only_the_acknowledgement_of_the_ping_of_a_shutdown_continues_it() -> None:
    end, parts, _ = await ending()

    end.acknowledged(b"shutdown")
    before = parts.taken()
    end.shut_down()
    parts.taken()
    end.acknowledged(b"\0" * 8)
    other = parts.taken()
    end.acknowledged(b"shutdown")

    assert (before, other, parts.taken()) == ([], [], REFUSED)


async def test_a_shutdown_of_a_connection_that_is_lost_meanwhile_is_not_continued() -> None:
    end, parts, _ = await ending()
    end.shut_down()
    parts.taken()
    parts.closing = True

    end.acknowledged(b"shutdown")

    assert (parts.done, end.lingering) == ([], False)


@pytest.mark.parametrize(("calls", "empty"), [({"one": 1}, True), ({}, False)])
async def test_a_connection_stays_until_its_calls_have_ended_and_their_answers_are_accepted(
    calls: dict[str, object], empty: bool
) -> None:
    end, parts, _ = await ending(**calls)
    parts.empty = empty
    end.shut_down()
    end.acknowledged(b"shutdown")
    waits = end.lingering

    parts.empty = True
    end._calls = {}
    end.look()
    end.look()

    assert (waits, end.lingering, len(parts.later)) == (False, True, 2)


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_connection_that_the_protocol_has_ended_is_counted_unless_its_client_leaves(leaves: bool) -> None:
    end, parts, counts = await ending(one=1)
    if leaves:
        end.client_leaves = True
    end.look()
    before = parts.taken()

    parts.finished = True
    end.look()
    end.look()

    assert (before, parts.taken()) == ([], ["flush", "close"])
    assert counts.closed[ConnectionClosure.PROTOCOL] == (not leaves)
    ((seconds, cut),) = parts.later
    cut()
    assert (seconds, parts.taken()) == (1.0, ["abort"])


@pytest.mark.parametrize(("calls", "refusing"), [(0, False), (1, False), (1, True)])
async def test_a_connection_that_the_protocol_has_ended_is_closed_at_once_unless_all_calls_have_ended_as_announced(
    calls: int, refusing: bool
) -> None:
    end, parts, counts = await ending(**{str(number): number for number in range(calls)})
    if refusing:
        end.shut_down()
        end.acknowledged(b"shutdown")
    parts.taken()
    parts.finished = True

    end.look()

    assert (parts.taken(), end.lingering) == (["flush", "close"], False)
    assert counts.closed[ConnectionClosure.PROTOCOL] == 1


async def test_a_connection_that_is_shut_down_and_finished_closes_as_one_that_has_nothing_more_to_send() -> None:
    end, parts, counts = await ending()
    end.shut_down()
    parts.finished = True

    end.acknowledged(b"shutdown")

    assert (end.lingering, parts.taken()) == (True, [*ANNOUNCED, *REFUSED])
    assert not any(counts.closed.values())


async def test_a_client_that_does_something_too_often_gets_a_goaway_that_says_what() -> None:
    end, parts, counts = await ending()

    end.calm(ConnectionClosure.PINGS, b"too_many_pings")

    assert parts.done == [f"goaway {ENHANCE_YOUR_CALM} too_many_pings", "flush", "close"]
    assert {reason: count for reason, count in counts.closed.items() if count} == {ConnectionClosure.PINGS: 1}


async def test_a_connection_that_is_cut_is_counted_once_whatever_ends_it_after_that() -> None:
    end, parts, counts = await ending()

    end.cut(ConnectionClosure.SILENCE)
    end.cut(ConnectionClosure.AGE)
    end.fail(ConnectionClosure.PROTOCOL)
    end._close()

    assert (parts.done, parts.later) == (["abort", "abort"], [])
    assert {reason: count for reason, count in counts.closed.items() if count} == {ConnectionClosure.SILENCE: 1}


async def test_a_ping_of_a_session_that_is_over_is_left_out_and_what_is_pending_is_sent() -> None:
    end, parts, _ = await ending()
    parts.broken = True

    end.ping(b"12345678")

    assert parts.done == ["flush"]


async def test_nothing_is_done_later_with_a_connection_that_is_lost() -> None:
    end, parts, _ = await ending()
    end.shut_down()
    end.later(5.0, parts.abort)

    end.lost()
    end.lost()

    assert (parts.cancelled, parts.later[1][0]) == (2, 5.0)
