"""What connections may do by default is what the documentation announces: the numbers are read from its table."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from rolecall.transport import channel_options
from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts
from rolecall.transport.http2 import wire
from rolecall.transport.http2.acceptance import RESERVED_FILES, connections_of_files
from rolecall.transport.http2.keepalive import Due, Keepalive
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.request_memory import RequestMemory, RequestMemoryLimits
from rolecall.transport.http2.session import Session
from rolecall.transport.http2.tolerance import Tolerance
from rolecall.transport.http2.wire import http2_server
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.rates import TokenBuckets
from tests.repository.tree import DOCS
from tests.transport.frames import PREFACE, SETTINGS, frame, setting
from tests.transport.http2.conversation import WINDOW_UPDATE
from tests.transport.http2.test_request_memory import FakeCall, FakeConnection, calls, start
from tests.transport.http2.test_session import frames

TEXT = (DOCS / "operations.md").read_text()
UNITS = {"": 1, "KiB": 1_024, "MiB": 1_024 * 1_024}
OPTIONS = ConnectionOptions()


def announced(row: str) -> list[int]:
    """Return the numbers in the second column of a row of the table, in bytes or as they are."""
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| {row}")]
    found = re.findall(r"([0-9][0-9,]*)(?: (KiB|MiB))?", line.split(" | ")[1])
    return [int(number.replace(",", "")) * UNITS[unit] for number, unit in found]


def test_a_connection_is_pinged_closed_and_shut_down_at_the_announced_times() -> None:
    silence, acknowledged = announced("silence of a connection")
    (handshake,), (age,) = announced("the time until the preface"), announced("age of a connection")
    new, silent, busy = (Keepalive(OPTIONS, 0.0) for _ in range(3))
    silent.established = busy.established = True

    assert [new.due(now) for now in (handshake - 0.1, handshake)] == [Due.NOTHING, Due.CLOSE]
    assert [silent.due(now) for now in (silence - 0.1, silence)] == [Due.NOTHING, Due.PING]
    assert [silent.due(silence + acknowledged + by) for by in (-0.1, 0.0)] == [Due.NOTHING, Due.CLOSE]
    busy.received(age * 0.9)
    assert busy.due(age * 0.9 - 0.1) is Due.NOTHING
    busy.received(age * 1.1)
    assert busy.due(age * 1.1) is Due.SHUTDOWN
    grace = re.search(r"\| GOAWAY; (\d+) seconds for its calls in progress \|", TEXT)
    assert grace
    assert int(grace[1]) == OPTIONS.age_grace


def test_a_client_may_ping_as_often_as_is_announced() -> None:
    interval, sooner = announced("pings by a client")
    rare, often = (Keepalive(OPTIONS, 0.0) for _ in range(2))

    assert not any(rare.too_many_pings(float(number * interval), 0) for number in range(20))
    assert [often.too_many_pings(number * (interval - 0.1), 0) for number in range(sooner + 2)] == [
        *[False] * (sooner + 1),
        True,
    ]


def test_as_many_calls_are_refused_for_their_headers_as_is_announced() -> None:
    burst, per_second = announced("calls of a connection that are refused for their headers")
    tolerance = Tolerance(*OPTIONS.refused_headers)

    assert [tolerance.exceeded(0.0) for _ in range(burst + 1)] == [*[False] * burst, True]
    assert [tolerance.exceeded(1.0) for _ in range(per_second)] == [*[False] * (per_second - 1), True]


def memory() -> RequestMemory:
    return RequestMemory(
        RequestMemoryLimits(),
        ConnectionCounts(set()),
        refuse=lambda call: call.events.append("ended"),  # type: ignore[attr-defined]
        start=start,
    )


def test_requests_take_as_much_memory_as_is_announced() -> None:
    (messages,), (headers, *_) = announced("messages of all calls"), announced("headers of all calls")
    buffered = memory()
    (call,) = calls(1)
    buffered.hold(call, messages)
    before = list(call.events)

    buffered.hold(call, messages + 1)

    assert (before, call.events) == ([], ["ended"])
    assert [buffered.accepts_headers(size) for size in (headers, headers + 1)] == [True, False]


def test_as_many_calls_and_connections_wait_for_their_rest_as_is_announced() -> None:
    (early,), (partial,) = announced("calls of all connections whose message"), announced("connections whose last")
    buffered, waiting = memory(), [FakeCall() for _ in range(early + 1)]
    connections: Any = [FakeConnection() for _ in range(partial + 1)]
    for call in waiting:
        buffered.wait(call)  # type: ignore[arg-type]
    for connection in connections:
        buffered.expect_rest(connection)

    assert [len(call.events) for call in waiting] == [1, *[0] * early]
    assert [connection.closed for connection in connections] == [
        [ConnectionClosure.PARTIAL_FRAME],
        *[[]] * partial,
    ]


def test_a_client_learns_the_announced_limits_of_its_connection() -> None:
    (streams,), (headers, _) = announced("calls in progress on a connection"), announced("headers of a call")
    stream_window, connection_window = announced("window of a stream")
    server = Session(OPTIONS.session)
    server.receive(PREFACE + frame(SETTINGS, 0, 0))

    settings, _, window = frames(server.pending())

    sent = b"".join(setting(number, value) for number, value in ((3, streams), (4, stream_window), (6, headers)))
    assert settings == (SETTINGS, 0, sent)
    assert window == (WINDOW_UPDATE, 0, (connection_window - 65_535).to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("row", "limits"),
    [
        ("resets by a client", lambda options: options.session.resets),
        ("CONTINUATION frames", lambda options: (options.session.continuations,)),
        ("entries of a SETTINGS frame", lambda options: (options.session.settings,)),
        ("acknowledgements that wait", lambda options: (options.session.queued_acknowledgements,)),
        ("suspicious frames", lambda options: options.session.glitches),
        ("a message, also unpacked", lambda options: (options.max_message_bytes,)),
        ("answers that a client does not accept", lambda options: (options.max_queued_bytes,)),
        ("answers that all clients do not accept", lambda options: (options.max_all_queued_bytes,)),
        ("TLS handshakes in progress", lambda options: (options.max_handshakes, options.handshake)),
        ("connections |", lambda options: (options.max_connections, RESERVED_FILES)),
        ("the time until the preface", lambda options: (options.handshake,)),
        ("silence of a connection", lambda options: (options.keepalive, options.keepalive_timeout)),
        ("age of a connection", lambda options: (options.age,)),
        ("calls in progress on a connection", lambda options: (options.session.streams,)),
        ("calls of all connections whose message", lambda options: (options.request_memory.early_calls,)),
        ("headers of a call", lambda options: (options.session.header_bytes, 32)),
        ("calls of a connection that are refused", lambda options: options.refused_headers),
        ("headers of all calls", lambda options: (options.request_memory.header_bytes,)),
        ("messages of all calls", lambda options: (options.request_memory.message_bytes,)),
        ("connections whose last", lambda options: (options.request_memory.partial_frames,)),
        (
            "window of a stream",
            lambda options: (options.session.stream_window_bytes, options.session.connection_window_bytes),
        ),
        ("pings by a client", lambda options: (options.ping_interval, options.ping_strikes)),
    ],
)
async def test_a_limit_of_a_server_is_the_announced_one(
    row: str, limits: Callable[[ConnectionOptions], tuple[float, ...]]
) -> None:
    methods: Any = type("Methods", (), {"named": None, "at_once": {}})

    options = http2_server(methods, ServerOptions()).options

    # So that these limits are those of a server and of a connection by itself.
    assert tuple(announced(row)) == limits(options) == limits(ConnectionOptions())


@pytest.mark.parametrize("files", [65, 1_000, 4_096])
def test_some_files_of_the_process_are_not_for_connections(files: int) -> None:
    _, reserved = announced("connections |")

    assert connections_of_files(files) == files - reserved
    assert connections_of_files(reserved - 1) == 1
    assert connections_of_files(-1) == 2**31  # without a limit


def test_the_rates_of_the_announced_number_of_callers_are_stored() -> None:
    found = re.search(r"\nrate of ([0-9,]+) callers is stored", TEXT)
    assert found
    number, buckets = int(found[1].replace(",", "")), TokenBuckets(1, 1)

    for caller in range(number + 1):
        buckets.take(str(caller), 1, 0.0)

    assert len(buckets) == number


async def test_a_server_has_the_announced_limits_unless_settings_say_otherwise() -> None:
    methods: Any = type("Methods", (), {"named": None, "at_once": {}})
    plain = http2_server(methods, ServerOptions()).options
    other = http2_server(methods, ServerOptions(max_connections=7, max_message_bytes=8)).options

    assert plain == OPTIONS
    assert (other.max_connections, other.max_message_bytes) == (7, 8)
    assert OPTIONS.max_connections == announced("connections |")[0]


async def test_both_transports_have_the_same_limits_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"MAX_STREAMS": 7, "MAX_METADATA_BYTES": 2_048, "MAX_CONNECTION_AGE_SECONDS": 77, "GRACE_SECONDS": 99}
    for name, number in shared.items():
        for module in (channel_options, wire):
            monkeypatch.setattr(module, name, number)
    methods: Any = type("Methods", (), {"named": None, "at_once": {}})

    here = http2_server(methods, ServerOptions()).options
    there = dict(channel_options.channel_options(here.max_message_bytes))

    assert (here.session.streams, here.session.header_bytes, here.age, here.age_grace) == tuple(shared.values())
    assert there["grpc.max_concurrent_streams"] == here.session.streams
    assert there["grpc.max_metadata_size"] == there["grpc.absolute_max_metadata_size"] == here.session.header_bytes
    assert there["grpc.max_connection_age_ms"] == here.age * 1_000
    assert there["grpc.max_connection_age_grace_ms"] == here.age_grace * 1_000
    assert there["grpc.max_receive_message_length"] == here.max_message_bytes
