"""TLS of one connection, between a socket in memory and a client of OpenSSL."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import pytest
import trustme

from rolecall.transport.http2.tls import SecuredTransport

AUTHORITY = trustme.CA()


class Socket:
    """What the event loop would give: collects what is written."""

    def __init__(self) -> None:
        self.written, self.closed, self.aborted, self.reading = b"", False, False, True

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return "here" if name == "sockname" else default


class Connection(asyncio.Protocol):
    """Collects what is delivered, and pauses after each delivery if asked to."""

    def __init__(self, *, pausing: bool = False) -> None:
        self.pausing, self.delivered, self.lost, self.calls = pausing, list[bytes](), False, list[str]()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.delivered.append(data)
        if self.pausing:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class Conversation:
    """A client of OpenSSL, and the server's end of the connection."""

    def __init__(self, connection: Connection | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        AUTHORITY.issue_cert("localhost").configure_cert(server)
        AUTHORITY.configure_trust(client)
        server.num_tickets = 0
        client.minimum_version = client.maximum_version = version
        self.to_client, self.to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self.to_client, self.to_server, server_hostname="localhost")
        self.failures = list[OSError | None]()
        self.transport = SecuredTransport(server, lambda _: connection, lambda _, error: self.failures.append(error))
        self.socket = Socket()
        self.transport.connection_made(self.socket)

    def shake_hands(self) -> None:
        """Complete the handshake; the client's last message is still to be passed on."""
        for _ in range(3):
            with suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
                return
            self.pass_on()
            self.receive()
        raise AssertionError("the handshake does not end")

    def pass_on(self) -> None:
        """Pass what the client has sent to the server, at once."""
        self.transport.data_received(self.to_server.read())

    def broken_record(self) -> bytes:
        """Return a record of the client of which one bit is changed."""
        self.client.write(b"question")
        record = bytearray(self.to_server.read())
        record[-1] ^= 1
        return bytes(record)

    def receive(self) -> None:
        """Pass what the server has sent to the client."""
        self.to_client.write(self.socket.written)
        self.socket.written = b""

    def connect(self) -> None:
        """Complete the handshake on both sides."""
        self.shake_hands()
        if self.to_server.pending:
            self.pass_on()
        self.receive()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_data_is_exchanged_after_the_handshake(version: ssl.TLSVersion) -> None:
    connection = Connection()
    talk = Conversation(connection, version)

    talk.connect()
    talk.client.write(b"question")
    talk.pass_on()
    connection.transport.write(b"answer")
    talk.receive()

    assert connection.delivered == [b"question"]
    assert talk.client.read() == b"answer"
    assert connection.transport.get_extra_info("ssl_object").version() == talk.client.version()
    assert connection.transport.get_extra_info("sockname") == "here"


async def test_data_that_arrives_with_the_end_of_the_handshake_is_delivered() -> None:
    connection = Connection()
    talk = Conversation(connection)

    talk.shake_hands()
    talk.client.write(b"early")
    talk.pass_on()

    assert connection.delivered == [b"early"]


async def test_a_connection_that_pauses_gets_the_rest_when_it_resumes() -> None:
    connection = Connection(pausing=True)
    talk = Conversation(connection)
    talk.connect()

    for data in (b"a", b"b"):
        talk.client.write(data)
        talk.pass_on()
    paused, reading = list(connection.delivered), talk.socket.reading
    connection.pausing = False
    connection.transport.resume_reading()
    await asyncio.sleep(0)

    assert (paused, reading) == ([b"a"], False)
    assert (connection.delivered, talk.socket.reading) == ([b"a", b"b"], True)


async def test_a_client_that_ends_tls_gets_the_end_and_the_connection_is_closed() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    with suppress(ssl.SSLWantReadError):
        talk.client.unwrap()
    talk.pass_on()
    talk.receive()
    talk.client.unwrap()  # raises if the server's end is missing
    connection.transport.write(b"too late")

    assert (talk.socket.closed, talk.socket.written) == (True, b"")


async def test_a_server_that_closes_ends_tls_once() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    connection.transport.close()
    once = talk.socket.written
    connection.transport.close()
    talk.receive()

    assert talk.socket.closed
    assert connection.transport.is_closing()
    assert once
    assert talk.client.read() == b""


async def test_bytes_that_are_not_of_the_client_close_only_the_connection() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    talk.transport.data_received(talk.broken_record())

    assert connection.delivered == []
    assert talk.socket.aborted
    assert talk.socket.written  # the alert that says why


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"])
async def test_a_client_that_does_not_speak_tls_gets_an_alert(first: bytes) -> None:
    talk = Conversation(Connection())

    talk.transport.data_received(first)
    once = [*talk.failures]
    talk.transport.connection_lost(None)

    assert talk.socket.closed
    assert [type(error) for error in once] == [ssl.SSLError]
    assert talk.failures == once


async def test_a_client_that_leaves_during_the_handshake_is_reported_without_an_error() -> None:
    talk = Conversation(Connection())

    stays_open = talk.transport.eof_received()
    talk.transport.connection_lost(None)
    talk.transport.connection_lost(None)

    assert not stays_open
    assert talk.failures == [None]


async def test_a_connection_that_is_refused_after_the_handshake_is_closed() -> None:
    talk = Conversation(None)

    talk.connect()
    talk.transport.pause_writing()
    talk.transport.resume_writing()
    talk.transport.connection_lost(None)

    assert talk.socket.closed
    assert talk.failures == []


async def test_the_connection_hears_of_a_client_that_does_not_read_and_of_the_end() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    talk.transport.pause_writing()
    talk.transport.resume_writing()
    connection.transport.write(b"answer")
    waiting = connection.transport.get_write_buffer_size()
    talk.transport.connection_lost(None)
    connection.transport.pause_reading()
    connection.transport.resume_reading()

    assert connection.calls == ["pause", "resume"]
    assert waiting == len(talk.socket.written) > len(b"answer")
    assert connection.lost
    assert talk.socket.reading


async def test_an_aborted_connection_sends_nothing_more() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    connection.transport.abort()
    connection.transport.write(b"answer")
    talk.client.write(b"question")
    talk.pass_on()

    assert talk.socket.aborted
    assert (talk.socket.written, connection.delivered) == (b"", [])


async def test_a_closed_connection_neither_sends_nor_delivers_nor_breaks_off_what_it_has_sent() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()
    connection.transport.write(b"answer")

    connection.transport.close()
    sent = talk.socket.written
    connection.transport.write(b"late")
    connection.transport.pause_reading()
    connection.transport.close()
    talk.client.write(b"question")
    talk.pass_on()

    assert sent
    assert (talk.socket.closed, talk.socket.aborted, talk.socket.reading) == (True, False, True)
    assert connection.delivered == []


@pytest.mark.parametrize("connected", [True, False])
async def test_a_connection_that_is_lost_is_closing_and_sends_nothing_more(connected: bool) -> None:
    talk = Conversation(Connection())
    if connected:
        talk.connect()

    talk.transport.connection_lost(None)
    talk.transport.write(b"late")
    talk.transport.close()

    assert talk.transport.is_closing()
    assert (talk.socket.written, talk.socket.closed, talk.socket.aborted) == (b"", False, False)


@pytest.mark.parametrize("closed", [None, "before", "while paused"])
async def test_the_socket_is_paused_and_resumed_once_and_not_at_all_when_the_connection_is_closed(
    closed: str | None,
) -> None:
    talk, asked = Conversation(Connection()), list[str]()
    talk.connect()
    talk.socket.pause_reading = lambda: asked.append("pause")  # type: ignore[method-assign]
    talk.socket.resume_reading = lambda: asked.append("resume")  # type: ignore[method-assign]

    talk.transport.resume_reading()
    if closed == "before":
        talk.transport.close()
    for _ in range(2):
        talk.transport.pause_reading()
    if closed == "while paused":
        talk.transport.close()
    for _ in range(2):
        talk.transport.resume_reading()

    assert asked == {None: ["pause", "resume"], "before": [], "while paused": ["pause"]}[closed]


async def test_a_fact_of_a_connection_is_that_of_its_socket_but_for_its_session_of_tls() -> None:
    talk = Conversation(Connection())
    transport = talk.transport

    facts = [transport.get_extra_info(name) for name in ("sockname", "peername")]

    assert facts == ["here", None]
    assert transport.get_extra_info("peername", "nobody") == "nobody"
    assert isinstance(transport.get_extra_info("ssl_object"), ssl.SSLObject)
    assert transport.get_write_buffer_size() == 0
