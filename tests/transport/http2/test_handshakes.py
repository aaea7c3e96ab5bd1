"""How many TLS handshakes are in progress, for how long, and how each end of one is counted."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionCounts, ConnectionRefusal
from rolecall.transport.http2 import handshakes as module
from rolecall.transport.http2.handshakes import Handshakes
from rolecall.transport.http2.options import ConnectionOptions
from tests.transport.http2.test_peer import error_of_tls

CONTEXT: Any = "context"


class Secured:
    """A transport in its handshake, whose end the test chooses."""

    def __init__(self, context: object, on_secured: Any, on_failed: Any) -> None:
        self.context, self.on_secured, self.on_failed = context, on_secured, on_failed
        self.done = list[object]()
        self.protocol: str | None = "h2"

    def connection_made(self, socket: object) -> None:
        self.done.append(("made", socket))

    def abort(self) -> None:
        self.done.append("abort")

    def get_extra_info(self, name: str) -> Any:
        assert name == "ssl_object"
        return self

    def selected_alpn_protocol(self) -> str | None:
        return self.protocol


class Timer:
    """A timer, which is cancelled or calls what it has."""

    def __init__(self, seconds: float, call: Any, *given: Any) -> None:
        self.seconds, self.cancelled = seconds, 0
        self._call, self._given = call, given

    def cancel(self) -> None:
        self.cancelled += 1

    def expire(self) -> None:
        self._call(*self._given)


class Parts:
    """Handshakes of a server that allows two, with their timers and the counts of refusals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timers = list[Timer]()
        self.options = ConnectionOptions(max_handshakes=2, handshake=7.5)
        self.connection_counts = ConnectionCounts(())
        self.handshakes = Handshakes(self)  # type: ignore[arg-type]
        monkeypatch.setattr(module, "SecuredTransport", Secured)
        monkeypatch.setattr(module, "Http2Connection", lambda server: ("connection", server))
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self)

    def call_later(self, *given: Any) -> Timer:
        self.timers.append(Timer(*given))
        return self.timers[-1]

    def begin(self) -> Secured:
        socket = Socket()
        self.handshakes.begin(socket, CONTEXT)
        assert socket.protocol.done == [("made", socket)]
        socket.protocol.done.clear()
        made: Secured = socket.protocol
        return made

    @property
    def refused(self) -> dict[str, int]:
        return {reason: count for reason, count in self.connection_counts.refused.items() if count}


class Socket:
    protocol: Any = None

    def set_protocol(self, protocol: object) -> None:
        self.protocol = protocol


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    return Parts(monkeypatch)


def test_a_handshake_that_succeeds_becomes_a_connection_and_is_timed_no_longer(parts: Parts) -> None:
    begun = parts.begin()
    before = len(parts.handshakes)

    connection = begun.on_secured(begun)

    assert (begun.context, before, len(parts.handshakes)) == (CONTEXT, 1, 0)
    assert connection == ("connection", parts)
    assert [(timer.seconds, timer.cancelled) for timer in parts.timers] == [(7.5, 1)]
    assert (begun.done, parts.refused) == ([], {})


@pytest.mark.parametrize("protocol", [None, "http/1.1"])
def test_a_client_that_does_not_choose_http2_is_refused(parts: Parts, protocol: str | None) -> None:
    begun = parts.begin()
    begun.protocol = protocol

    assert begun.on_secured(begun) is None
    assert (parts.refused, len(parts.handshakes)) == ({ConnectionRefusal.ALPN: 1}, 0)


def test_the_handshake_that_has_lasted_longest_is_ended_for_one_too_many(parts: Parts) -> None:
    first, second = parts.begin(), parts.begin()
    before = ([*first.done], parts.refused)

    third = parts.begin()

    assert before == ([], {})
    assert ([one.done for one in (first, second, third)], len(parts.handshakes)) == ([["abort"], [], []], 2)
    assert [timer.cancelled for timer in parts.timers] == [1, 0, 0]
    assert parts.refused == {ConnectionRefusal.HANDSHAKES: 1}


def test_a_handshake_that_does_not_end_in_time_is_ended_and_counted_once(parts: Parts) -> None:
    slow, other = parts.begin(), parts.begin()

    parts.timers[0].expire()
    slow.on_failed(slow, None)  # as its socket is closed

    assert (slow.done, other.done, len(parts.handshakes)) == (["abort"], [], 1)
    assert parts.refused == {ConnectionRefusal.SLOW_HANDSHAKE: 1}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, ConnectionRefusal.LEFT),
        (ssl.SSLCertVerificationError(1, "x"), ConnectionRefusal.CERTIFICATE),
        (error_of_tls("UNSUPPORTED_PROTOCOL"), ConnectionRefusal.TLS),
    ],
)
def test_a_handshake_that_fails_is_counted_by_its_reason(
    parts: Parts, error: OSError | None, reason: ConnectionRefusal
) -> None:
    begun = parts.begin()

    begun.on_failed(begun, error)
    begun.on_failed(begun, error)

    assert (parts.refused, len(parts.handshakes), parts.timers[0].cancelled) == ({reason: 1}, 0, 1)


def test_a_server_that_stops_ends_all_handshakes_and_counts_none(parts: Parts) -> None:
    begun = [parts.begin(), parts.begin()]

    parts.handshakes.stop()
    for one in begun:
        one.on_failed(one, None)

    assert [one.done for one in begun] == [["abort"], ["abort"]]
    assert [timer.cancelled for timer in parts.timers] == [1, 1]
    assert (parts.refused, len(parts.handshakes)) == ({}, 0)
