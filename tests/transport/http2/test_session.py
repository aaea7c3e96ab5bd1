"""The sans-I/O face of libnghttp2: what is announced, and how much a client may send."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from rolecall.transport.http2.session import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    INTERNAL_ERROR,
    NO_ERROR,
    REFUSED_STREAM,
    DataReceived,
    RequestReceived,
    Session,
    SessionError,
    SessionLimits,
    StreamReset,
)
from tests.transport.frames import (
    DATA,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    fields,
    frame,
    headers,
)
from tests.transport.http2.conversation import GOAWAY, WINDOW_UPDATE

LIMITS = SessionLimits(
    streams=7,
    header_bytes=1_000,
    stream_window_bytes=70_000,
    connection_window_bytes=90_000,
    continuations=2,
    settings=3,
    queued_acknowledgements=4,
    resets=(5, 1),
)


def frames(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return the kind, the stream and the payload of each frame."""
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return found


@pytest.fixture
def session() -> Session:
    begun = Session(LIMITS)
    begun.receive(PREFACE + frame(SETTINGS, 0, 0))
    return begun


def test_the_limits_are_announced(session: Session) -> None:
    settings, acknowledgement, window = frames(session.pending())

    assert settings == (SETTINGS, 0, b"\0\3\0\0\0\7\0\4\0\1\x11\x70\0\6\0\0\3\xe8")
    assert acknowledgement == (SETTINGS, 0, b"")
    assert window == (WINDOW_UPDATE, 0, (90_000 - 65_535).to_bytes(4, "big"))


def test_events_come_in_order(session: Session) -> None:
    events: list[Any] = session.receive(headers(1, b"/a/B") + frame(DATA, END_STREAM, 1, b"xyz"))

    request, data = events[-2:]
    assert (type(request), type(data)) == (RequestReceived, DataReceived)
    assert (request.stream_id, request.end_stream) == (1, False)
    assert (b":path", b"/a/B") in request.headers
    assert (data.stream_id, data.data, data.end_stream) == (1, b"xyz", True)


def test_windows_open_only_for_what_was_consumed(session: Session) -> None:
    session.pending()
    session.receive(headers(1, b"/a/B") + b"".join(frame(DATA, 0, 1, b"x" * 16_000) for _ in range(4)))
    assert frames(session.pending()) == []

    session.consumed(64_000, 1)

    opened = {stream: int.from_bytes(payload, "big") for _, stream, payload in frames(session.pending())}
    assert opened == {0: 64_000, 1: 64_000}


def test_what_was_read_of_a_closed_stream_opens_the_window_of_the_connection(session: Session) -> None:
    session.pending()
    session.receive(headers(1, b"/a/B") + b"".join(frame(DATA, 0, 1, b"x" * 16_000) for _ in range(4)))
    session.receive(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))

    session.consumed(64_000, 1)

    assert frames(session.pending()) == [(WINDOW_UPDATE, 0, (64_000).to_bytes(4, "big"))]


@pytest.mark.parametrize("sent_at_once", [True, False])
@pytest.mark.parametrize("arrived", [8, 9, 10, 8_000, 16_008])
def test_a_stream_that_is_reset_within_a_frame_takes_nothing_of_the_window_of_the_connection(
    session: Session, arrived: int, sent_at_once: bool
) -> None:
    opened = LIMITS.connection_window_bytes
    session.pending()
    for stream in range(1, 200, 2):
        data = frame(DATA, 0, stream, b"x" * 16_000)
        opened -= 16_000

        session.receive(headers(stream, b"/a/B") + data[:arrived])
        session.reset(stream)
        sent = session.pending() if sent_at_once else b""
        session.receive(data[arrived:])

        windows = [payload for kind, *_, payload in frames(sent + session.pending()) if kind == WINDOW_UPDATE]
        opened += sum(int.from_bytes(window, "big") for window in windows)
        # Below half a window it is opened again.
        assert opened >= LIMITS.connection_window_bytes // 2 - 16_000


@pytest.mark.parametrize(
    "excess",
    [
        frame(SETTINGS, 0, 0, b"\0\3\0\0\0\7" * 4),
        frame(HEADERS, 0, 1, b"") + frame(0x9, 0, 1, b"") * 4,
        frame(HEADERS, 5, 1, fields([(b"x", b"x" * 4_001)])),
        b"".join(headers(n, b"/a/B") + frame(RST_STREAM, 0, n, b"\0\0\0\x08") for n in range(1, 15, 2)),
        frame(SETTINGS, 0, 0) * 10,
    ],
    ids=["settings", "continuations", "header list", "resets", "acknowledgements"],
)
def test_a_client_that_exceeds_a_limit_ends_the_session(session: Session, excess: bytes) -> None:
    with suppress(SessionError):
        session.receive(excess)
        session.pending()

    assert session.finished


def test_a_client_within_the_limits_does_not(session: Session) -> None:
    session.receive(frame(SETTINGS, 0, 0, b"\0\3\0\0\0\7" * 3))
    session.receive(headers(1, b"/a/B", [(b"x", b"x" * 3_000)]))
    session.receive(b"".join(headers(n, b"/a/B") + frame(RST_STREAM, 0, n, b"\0\0\0\x08") for n in range(3, 11, 2)))
    session.pending()

    assert not session.finished


def test_the_events_before_an_error_are_not_lost(session: Session) -> None:
    session.receive(headers(1, b"/a/B"))
    too_large = frame(HEADERS, 5, 3, fields([(b"x", b"x" * 4_001)]))

    with pytest.raises(SessionError):
        session.receive(frame(RST_STREAM, 0, 1, b"\0\0\0\x08") + too_large)

    assert any(isinstance(event, StreamReset) and event.stream_id == 1 for event in session.last_events())


def test_a_shutdown_accepts_streams_until_the_last_one_is_named(session: Session) -> None:
    session.pending()
    session.announce_shutdown()
    assert frames(session.pending()) == [(GOAWAY, 0, b"\x7f\xff\xff\xff" + bytes(4))]
    assert session.receive(headers(1, b"/a/B"))

    session.go_away(ENHANCE_YOUR_CALM, b"why")
    assert frames(session.pending()) == [(GOAWAY, 0, b"\0\0\0\1\0\0\0\x0bwhy")]
    assert not [event for event in session.receive(headers(3, b"/a/B")) if isinstance(event, RequestReceived)]


def test_queued_bytes_are_counted_for_each_stream_and_for_all() -> None:
    session = Session(LIMITS)
    session.receive(PREFACE + frame(SETTINGS, 0, 0, b"\0\4" + bytes(4)) + headers(1, b"/a/B") + headers(3, b"/a/B"))
    for stream, size in ((1, 10), (3, 5)):
        session.respond(stream, [(b":status", b"200")])
        session.send(stream, b"x" * size)
    session.pending()

    assert (session.queued(1), session.queued(3), session.queued(), session.queued(9)) == (10, 5, 15, 0)
    session.reset(1)
    session.pending()
    assert session.queued() == 5


def test_a_reset_of_a_closed_stream_does_nothing(session: Session) -> None:
    session.pending()
    session.receive(headers(1, b"/a/B") + frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))

    session.reset(1)

    assert session.pending() == b""


def test_the_codes_of_errors_are_those_of_the_protocol() -> None:
    # RFC 9113, section 7.
    assert (NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM) == (0x0, 0x2, 0x7, 0x8, 0xB)


@pytest.mark.parametrize(("code", "sent"), [((), 0), ((0x7,), 0x7)])
def test_a_reset_has_its_code_or_none(session: Session, code: tuple[int, ...], sent: int) -> None:
    session.pending()
    session.receive(headers(1, b"/a/B"))

    session.reset(1, *code)

    assert frames(session.pending()) == [(RST_STREAM, 1, sent.to_bytes(4, "big"))]


def test_a_session_that_is_over_has_no_more_events_and_says_nothing_more(session: Session) -> None:
    session.pending()
    with suppress(SessionError):
        session.receive(frame(HEADERS, 0, 1, b"") + frame(0x9, 0, 1, b"") * 4)

    session.announce_shutdown()
    session.go_away()
    session.reset(1)

    assert session.last_events() == []
    assert session.finished


def test_a_last_goaway_has_no_reason_unless_it_is_given(session: Session) -> None:
    session.pending()

    session.go_away()

    assert frames(session.pending()) == [(GOAWAY, 0, bytes(8))]


def test_a_part_of_a_frame_is_no_event(session: Session) -> None:
    ping = frame(PING, 0, 0, b"12345678")

    parts = [session.receive(part) for part in (ping[:5], ping[5:-1])]

    assert parts == [[], []]
    assert len(session.receive(ping[-1:])) == 1


def test_a_ping_has_the_bytes_that_are_given(session: Session) -> None:
    session.pending()

    session.ping(b"12345678")

    assert frames(session.pending()) == [(PING, 0, b"12345678")]


def test_a_session_whose_state_is_lost_is_finished_without_events(session: Session) -> None:
    class Lost:
        @property
        def want_read(self) -> bool:
            raise SessionError

        def events(self) -> None:
            raise SessionError

    session._connection = Lost()  # type: ignore[assignment]

    assert session.last_events() == []
    assert session.finished


def test_the_client_may_send_so_many_empty_frames() -> None:
    session = Session(replace(LIMITS, glitches=(20, 1)))
    session.receive(PREFACE + frame(SETTINGS, 0, 0) + headers(1, b"/a/B"))
    session.receive(frame(DATA, 0, 1) * 15)
    within = session.finished

    with suppress(SessionError):
        session.receive(frame(DATA, 0, 1) * 15)
        session.pending()

    assert (within, session.finished) == (False, True)
