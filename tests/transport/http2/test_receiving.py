"""Which headers begin a call, and which are remembered for the next call of a connection."""

from __future__ import annotations

import re
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts
from rolecall.transport.http2.call import Call
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.receiving import STATUS_DETAILS, _read_head, begin_call, refuse_for_memory
from rolecall.transport.http2.request_head import RequestHead
from rolecall.transport.http2.request_memory import RequestMemory, RequestMemoryLimits
from rolecall.transport.http2.session import REFUSED_STREAM, SessionError, SessionLimits
from rolecall.transport.http2.status import StatusError
from rolecall.transport.http2.tolerance import Tolerance
from tests.repository.tree import DOCS
from tests.transport.http2.test_request_head import GRPC

KIB = 1_024
LIMIT = 2_048
FULL = RequestMemoryLimits(header_bytes=7)
GRPC_STATUS = [(b":status", b"200"), (b"content-type", b"application/grpc")]


class Connection:
    """A connection that writes down what is done with it, and is the parts of itself."""

    def __init__(self, memory: RequestMemoryLimits | None = None, *, queued: int = 0, tolerated: int = 9) -> None:
        self.options = ConnectionOptions(session=SessionLimits(header_bytes=LIMIT), max_queued_bytes=100)
        self.memory = RequestMemory(
            memory or RequestMemoryLimits(), ConnectionCounts(()), refuse=lambda _: None, start=lambda _: None
        )
        self.head: Any = None
        self.refused_headers = Tolerance(tolerated, 1e-9)
        self.done = list[tuple[object, ...]]()
        self.headers = list[tuple[bytes, bytes]]()
        self._queued = queued

    @property
    def server(self) -> Any:
        return self

    session = ending = outgoing = server

    def queued(self) -> int:
        return self._queued

    def reset(self, stream: int, code: int) -> None:
        self.done.append(("reset", stream, code))

    def reset_when_sent(self, stream: int) -> None:
        self.done.append(("reset when sent", stream))

    def respond(self, stream: int, headers: Any, *, end_stream: bool = False) -> None:
        self.done.append(("respond", stream, dict(headers)[b":status"], end_stream))
        self.headers = [*headers]

    def send(self, stream: int, data: bytes, *, end_stream: bool) -> None:
        self.done.append(("send", stream, data[-1:], end_stream))

    def calm(self, reason: ConnectionClosure, text: bytes) -> None:
        self.done.append(("calm", reason, text))


def headers_of(size: int, **more: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a call of this size, in which each counts 32 bytes more than its name and its value."""
    fields = [*{**GRPC, **{name.encode(): value for name, value in more.items()}}.items(), (b"x", b"")]
    rest = size - sum(len(name) + len(value) + 32 for name, value in fields)
    return [*fields[:-1], (b"x", b"v" * rest)]


def read(connection: Connection, size: int) -> Any:
    return _read_head(connection, headers_of(size))  # type: ignore[arg-type]


def test_headers_of_up_to_a_kibibyte_always_begin_a_call_and_larger_ones_while_there_is_room() -> None:
    full, roomy = Connection(FULL), Connection()

    small = read(full, KIB)
    with pytest.raises(StatusError) as refused:
        read(full, KIB + 1)

    assert "those with up to 1 KiB" in (DOCS / "operations.md").read_text()
    assert (small.size, read(roomy, KIB + 1).size) == (KIB, KIB + 1)
    assert refused.value.code == 8
    assert refused.value.message == "too many bytes of headers wait in the server (limit 7); retry later"
    ((name, details),) = refused.value.metadata
    assert isinstance(details, bytes)
    status, info = Status.FromString(details), error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (name, status.message, info.reason) == (STATUS_DETAILS, refused.value.message, "REQUEST_MEMORY")
    assert dict(info.metadata) == {"limit": "7", "of": "headers"}
    assert (full.memory.counts.memory_ended, roomy.memory.counts.memory_ended) == (1, 0)


def test_the_headers_of_the_last_call_are_remembered_if_they_are_small() -> None:
    connection = Connection()

    first = read(connection, KIB)
    again = read(connection, KIB)
    other = read(connection, KIB - 1)
    large = read(connection, KIB + 1)

    assert first is again
    assert other is not first
    assert (large.size, connection.head) == (KIB + 1, None)
    assert read(connection, KIB) is connection.head


async def test_a_client_whose_headers_are_refused_too_often_gets_a_goaway() -> None:
    connection = Connection(tolerated=2)
    for _ in range(3):
        with pytest.raises(StatusError, match=f"at most {LIMIT} are allowed"):
            read(connection, LIMIT + 1)

    assert read(connection, LIMIT).size == LIMIT
    assert connection.done == [("calm", ConnectionClosure.HEADERS, b"too_many_refused_headers")]
    assert re.search("`too_many_refused_headers`", (DOCS / "operations.md").read_text())


@pytest.mark.parametrize(("queued", "refused"), [(100, False), (101, True)])
@pytest.mark.parametrize("end", [True, False])
async def test_a_client_that_has_not_accepted_its_answers_may_repeat_its_next_call(
    queued: int, refused: bool, end: bool
) -> None:
    connection: Any = Connection(queued=queued)

    begin_call(connection, 7, headers_of(LIMIT + 1), end=end)

    answered = [("respond", 7, b"200", True), *[("reset when sent", 7)] * (not end)]
    assert connection.done == ([("reset", 7, REFUSED_STREAM)] if refused else answered)
    message = f"the metadata has {LIMIT + 1} bytes; at most {LIMIT} are allowed".encode()
    assert connection.headers == ([] if refused else [*GRPC_STATUS, (b"grpc-status", b"8"), (b"grpc-message", message)])


def test_a_call_for_whose_headers_there_is_no_memory_gets_the_details_of_its_status() -> None:
    connection: Any = Connection(FULL)

    begin_call(connection, 7, headers_of(KIB + 1), end=True)

    *others, (name, details) = connection.headers
    status = Status.FromString(b64decode(details + b"=="))
    assert others == [*GRPC_STATUS, (b"grpc-status", b"8"), (b"grpc-message", status.message.encode())]
    assert (name, status.code, status.details[0].TypeName()) == (STATUS_DETAILS.encode(), 8, "google.rpc.ErrorInfo")


@pytest.mark.parametrize("end", [True, False])
def test_what_is_no_client_of_grpc_gets_a_whole_answer_and_no_reset(end: bool) -> None:
    connection: Any = Connection()

    begin_call(connection, 7, headers_of(500, **{"content-type": b"application/json"}), end=end)

    assert connection.done == [("respond", 7, b"415", False), ("send", 7, b"\n", True)]
    assert connection.headers == [(b":status", b"415"), (b"content-type", b"text/plain")]


@pytest.mark.parametrize("end", [True, False])
async def test_a_call_whose_deadline_has_passed_ends_before_it_begins(end: bool) -> None:
    connection: Any = Connection()
    connection.calls, connection.methods = {}, SimpleNamespace(at=lambda path: path)
    connection.remove = lambda call: connection.done.append(("removed", call.stream))
    connection.on_finished = lambda call: connection.done.append(("finished", call.ended_by_client))

    begin_call(connection, 7, [*GRPC.items(), (b"grpc-timeout", b"0n")], end=end)

    assert connection.done == [("respond", 7, b"200", True), ("removed", 7), ("finished", end)]
    why = b"the deadline passed before the call began"
    assert connection.headers[-2:] == [(b"grpc-status", b"4"), (b"grpc-message", why)]
    assert connection.calls[7].incoming is None


def test_a_call_whose_status_cannot_be_sent_any_more_is_over_all_the_same() -> None:
    connection: Any = Connection()

    def respond(*_: object, **__: object) -> None:
        raise SessionError

    connection.respond, connection.remove = respond, lambda call: connection.done.append(("removed", call.stream))
    call = Call(connection, 7, RequestHead(headers_of(500), LIMIT), None)

    refuse_for_memory(call)

    assert (call.over, connection.done) == (True, [("removed", 7)])


def test_a_call_that_is_ended_for_its_memory_gets_the_details_of_its_status() -> None:
    connection: Any = Connection(RequestMemoryLimits(message_bytes=9))
    connection.remove = connection.on_finished = lambda call: connection.done.append(("over", call.over))

    refuse_for_memory(Call(connection, 7, RequestHead(headers_of(500), LIMIT), None))

    fields, info = dict(connection.headers), error_details_pb2.ErrorInfo()
    status = Status.FromString(b64decode(fields[STATUS_DETAILS.encode()] + b"=="))
    assert status.details[0].Unpack(info)
    assert (fields[b"grpc-status"], fields[b"grpc-message"]) == (b"8", status.message.encode())
    assert status.message == "too many bytes of messages wait in the server (limit 9); retry later"
    assert (info.reason, dict(info.metadata)) == ("REQUEST_MEMORY", {"limit": "9", "of": "messages"})
    assert connection.done == [("respond", 7, b"200", True), ("over", True), ("over", True)]
