"""The records of TLS of one connection: in parts, together, broken, and what is sent for them."""

from __future__ import annotations

import ssl
from contextlib import suppress

import pytest

from rolecall.transport.http2.tls import RECORD_BYTES
from tests.transport.http2.test_tls import Connection, Conversation


async def test_messages_longer_than_a_record_pass_both_ways() -> None:
    connection = Connection()
    talk = Conversation(connection)
    long = bytes(range(256)) * 1_024

    talk.connect()
    talk.client.write(long)
    talk.pass_on()
    connection.transport.write(long)
    talk.receive()

    assert connection.delivered == [long]
    assert len(long) > RECORD_BYTES
    received = b""
    while len(received) < len(long):
        received += talk.client.read(len(long))
    assert received == long


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [1, 4, 5, 6, 20, -1])
async def test_a_record_that_arrives_in_parts_is_delivered_when_it_is_whole(size: int, version: ssl.TLSVersion) -> None:
    connection = Connection()
    talk = Conversation(connection, version)
    talk.connect()
    talk.client.write(b"first")
    first = talk.to_server.read()
    talk.client.write(b"second")
    second = talk.to_server.read()

    delivered = list[list[bytes]]()
    for data in (first[:size], first[size:], second[:size], second[size:]):
        talk.transport.data_received(data)
        delivered.append([*connection.delivered])

    assert delivered == [[], [b"first"], [b"first"], [b"first", b"second"]]


@pytest.mark.parametrize("size", [1, 6, -1])
async def test_a_record_that_arrives_with_part_of_the_next_does_not_wait_for_it(size: int) -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()
    talk.client.write(b"first")
    first = talk.to_server.read()
    talk.client.write(b"second")
    second = talk.to_server.read()

    talk.transport.data_received(first + second[:size])
    before = [*connection.delivered]
    talk.transport.data_received(second[size:])

    assert (before, connection.delivered) == ([b"first"], [b"first", b"second"])


async def test_records_that_arrive_together_are_delivered_together_and_the_end_of_tls_after_them() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    talk.client.write(b"a")
    talk.client.write(b"b")
    with suppress(ssl.SSLWantReadError):
        talk.client.unwrap()
    talk.pass_on()

    assert connection.delivered == [b"ab"]
    assert talk.socket.closed


async def test_no_alert_is_sent_to_a_client_whose_socket_is_closing() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()
    talk.socket.closed = True

    talk.transport.data_received(talk.broken_record())

    assert (talk.socket.written, talk.socket.aborted) == (b"", True)


async def test_nothing_is_written_if_tls_has_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    talk, written = Conversation(Connection()), list[bytes]()
    talk.connect()
    monkeypatch.setattr(talk.socket, "write", written.append)

    talk.client.write(b"question")
    talk.pass_on()

    assert written == []


async def test_what_arrived_before_a_broken_record_is_delivered_together() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()

    talk.client.write(b"a")
    talk.client.write(b"b")
    whole = talk.to_server.read()
    talk.transport.data_received(whole + talk.broken_record())

    assert connection.delivered == [b"ab"]
    assert talk.socket.aborted


async def test_a_connection_whose_data_cannot_be_encrypted_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> int:
        raise ssl.SSLError

    connection = Connection()
    talk = Conversation(connection)
    talk.connect()
    monkeypatch.setattr(talk.transport, "_encrypt", refuse)

    connection.transport.write(b"answer")

    assert (talk.socket.aborted, talk.socket.written) == (True, b"")
    assert connection.transport.is_closing()


async def test_what_is_encrypted_in_parts_is_encrypted_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, parts = Connection(), list[bytes]()
    talk = Conversation(connection)
    talk.connect()

    def encrypt(data: bytes) -> int:
        parts.append(data[:3])
        return len(parts[-1])

    monkeypatch.setattr(talk.transport, "_encrypt", encrypt)

    connection.transport.write(b"12345678")

    assert parts == [b"123", b"456", b"78"]


async def test_a_connection_that_is_closed_while_its_data_is_delivered_gets_no_more() -> None:
    connection = Connection()
    talk = Conversation(connection)
    talk.connect()
    connection.data_received = lambda data: connection.transport.close()  # type: ignore[method-assign]

    talk.client.write(b"a")
    talk.pass_on()
    talk.receive()

    assert talk.socket.closed
    assert talk.client.read() == b""
