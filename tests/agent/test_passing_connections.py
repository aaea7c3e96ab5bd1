"""The connection of passed calls by itself: which tokens it sends, what it carries, and how uploads on it end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest

from rolecall.server.agent import passing
from rolecall.server.agent.passing import CallersConnection, _Accepted
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.transport.errors import NotPassedError
from rolecall_client.connection.endpoint import Endpoint
from rolecall_client.connection.settings import TlsFiles
from tests.agent.serving import agent_config
from tests.server.serving import logger

METHOD = "/rolecall.v1.RoleService/ApplyRoles"


@asynccontextmanager
async def connected(handlers: dict[str, Any]) -> AsyncIterator[CallersConnection]:
    """Give a connection to a server with these methods of the role service."""
    server = grpc.aio.server()
    server.add_registered_method_handlers("rolecall.v1.RoleService", handlers)
    connection = CallersConnection(Endpoint(address=f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"))
    await server.start()
    try:
        yield connection
    finally:
        await connection.close()
        await server.stop(None)


def context(*values: str, peer: str = "ipv4:127.0.0.1:1", secure: bool = False) -> Any:
    facts = {"transport_security_type": [b"ssl"]} if secure else {}
    return SimpleNamespace(
        invocation_metadata=lambda: [("authorization", value) for value in values],
        peer=lambda: peer,
        auth_context=lambda: facts,
    )


@pytest.fixture
async def local() -> AsyncIterator[CallersConnection]:
    connection = CallersConnection(Endpoint(address="127.0.0.1:1"))
    yield connection
    await connection.close()


async def test_a_token_of_this_machine_or_over_tls_is_passed_as_it_was_sent(local: CallersConnection) -> None:
    longest = f"Bearer {'!~' * 8_192}"
    for value in ("Bearer x", "bearer x", longest):
        assert local.token_of(context(value)) == value
        assert local.token_of(context(value, peer="unix:")) == value
        assert local.token_of(context(value, peer="ipv4:10.0.0.1:1", secure=True)) == value


@pytest.mark.parametrize(
    "values",
    [
        ("Bearer",), ("Bearer ",), ("Basic x",), ("BEARER x",), ("Bearer a b",), (" Bearer x",), ("Bearer x\n",), ("Bearer é",),
        (f"Bearer {'x' * 16_385}",), ("Bearer x", "Bearer x"), ("",),
    ],
    ids=lambda values: str(values)[:20],
)  # fmt: skip
async def test_what_is_not_exactly_one_token_is_not_passed(local: CallersConnection, values: tuple[str, ...]) -> None:
    with pytest.raises(NotPassedError, match="does not have exactly one `authorization: Bearer TOKEN`"):
        local.token_of(context(*values))


async def test_a_call_without_a_token_is_not_passed(local: CallersConnection) -> None:
    with pytest.raises(NotPassedError, match="the call has no token of its caller"):
        local.token_of(context())


async def test_a_token_is_passed_over_tls_to_another_machine(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "async_channel", lambda *_: (None, None))

    tls = CallersConnection(Endpoint(address="rolecall.example:1", tls=TlsFiles(ca=tmp_path / "ca")))
    plain = CallersConnection(Endpoint(address="rolecall.example:1"))

    assert tls.token_of(context("Bearer x")) == "Bearer x"
    with pytest.raises(NotPassedError, match="would be sent in plain text to another machine"):
        plain.token_of(context("Bearer x"))


async def test_answers_have_64_mebibytes_at_most_and_no_call_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, object]] = []
    insecure_channel = grpc.aio.insecure_channel

    def noted(target: str, options: Any = (), **more: Any) -> Any:
        opened.append(dict(options))
        return insecure_channel(target, options=options, **more)

    monkeypatch.setattr(grpc.aio, "insecure_channel", noted)
    connection = CallersConnection(Endpoint(address="127.0.0.1:1"))
    connection._channel.done(connection._channel.use())
    await connection.close()

    assert [(options["grpc.max_receive_message_length"], options["grpc.enable_retries"]) for options in opened] == [
        (64 * 1024 * 1024, 0)
    ]


async def test_metadata_and_the_time_that_is_left_are_sent() -> None:
    seen: list[Any] = []

    async def note(message: bytes, context: Any) -> bytes:
        seen.append((message, dict(context.invocation_metadata())["authorization"], context.time_remaining()))
        return message

    async def note_all(messages: AsyncIterator[bytes], context: Any) -> bytes:
        return await note(b"".join([message async for message in messages]), context)

    handlers: dict[str, Any] = {
        "GetRole": grpc.unary_unary_rpc_method_handler(note),
        "ApplyRoles": grpc.stream_unary_rpc_method_handler(note_all),
    }

    async def three() -> AsyncIterator[bytes]:
        for part in (b"a", b"b", b"c"):
            yield part

    sent = (("authorization", "Bearer x"),)
    async with connected(handlers) as connection:
        assert await connection.unary("/rolecall.v1.RoleService/GetRole", b"m", sent, 30) == b"m"
        assert await connection.upload(METHOD, three(), sent, 30) == b"abc"

    assert [(message, token) for message, token, _ in seen] == [(b"m", "Bearer x"), (b"abc", "Bearer x")]
    assert all(0 < seconds < 31 for _, _, seconds in seen)


async def test_an_upload_that_the_server_refuses_reads_no_more_messages_and_ends_with_its_error() -> None:
    read: list[int] = []

    async def refuse(messages: AsyncIterator[bytes], context: Any) -> None:
        await anext(messages)
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no right")

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(1)
            yield b"x"
            await asyncio.sleep(0)

    async with connected({"ApplyRoles": grpc.stream_unary_rpc_method_handler(refuse)}) as connection:
        with pytest.raises(grpc.aio.AioRpcError, match="no right") as caught:
            await asyncio.wait_for(connection.upload(METHOD, endless(), (), 30), 30)
        seen = len(read)
        await asyncio.sleep(0)

        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert len(read) == seen


async def test_nothing_waits_for_more_messages_of_an_upload_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    refused, ended = asyncio.Event(), asyncio.Event()

    class Noted(_Accepted):
        def end(self, call: object) -> None:
            super().end(call)
            refused.set()

        async def messages(self) -> AsyncIterator[bytes]:
            async for message in super().messages():
                yield message
            ended.set()

    async def refuse(_: AsyncIterator[bytes], context: Any) -> None:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no right")

    async def two() -> AsyncIterator[bytes]:
        yield b"x"
        await refused.wait()
        yield b"y"

    monkeypatch.setattr(passing, "_Accepted", Noted)
    async with connected({"ApplyRoles": grpc.stream_unary_rpc_method_handler(refuse)}) as connection:
        with pytest.raises(grpc.aio.AioRpcError, match="no right"):
            await asyncio.wait_for(connection.upload(METHOD, two(), (), 30), 30)
        await asyncio.wait_for(ended.wait(), 30)


async def test_an_upload_whose_messages_fail_ends_on_the_server() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(messages: AsyncIterator[bytes], _: Any) -> bytes:
        try:
            async for _message in messages:
                began.set()
        finally:
            ended.set()
        return b""

    async def failing() -> AsyncIterator[bytes]:
        yield b"x"
        await began.wait()
        raise ZeroDivisionError

    async with connected({"ApplyRoles": grpc.stream_unary_rpc_method_handler(wait)}) as connection:
        with pytest.raises(ZeroDivisionError):
            await connection.upload(METHOD, failing(), (), 30)
        await asyncio.wait_for(ended.wait(), 30)


async def of(*messages: bytes) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def drained(accepted: _Accepted) -> list[bytes]:
    return [message async for message in accepted.messages()]


async def test_messages_are_handed_on_one_at_a_time_until_the_last() -> None:
    accepted, taken = _Accepted(), list[bytes]()

    async def noting() -> AsyncIterator[bytes]:
        for message in (b"a", b"b", b"c"):
            taken.append(message)
            yield message

    reading = asyncio.create_task(accepted.read_all(noting()))
    for _ in range(5):
        await asyncio.sleep(0)
    # One is offered, and the next one is read and waits.
    assert taken == [b"a", b"b"]

    assert await asyncio.wait_for(drained(accepted), 30) == [b"a", b"b", b"c"]
    await reading


async def test_after_the_end_of_the_call_what_was_offered_is_dropped_and_nothing_more_is() -> None:
    accepted = _Accepted()
    reading = asyncio.create_task(accepted.read_all(of(b"a", b"b", b"c")))
    for _ in range(5):
        await asyncio.sleep(0)

    accepted.end(None)
    await asyncio.wait_for(reading, 30)
    accepted.close()

    assert await asyncio.wait_for(drained(accepted), 30) == []


async def test_a_reader_that_waits_is_ended_by_closing() -> None:
    accepted = _Accepted()
    waiting = asyncio.create_task(drained(accepted))
    await asyncio.sleep(0)

    accepted.close()

    assert await asyncio.wait_for(waiting, 30) == []


async def test_closing_drops_a_message_that_was_not_taken() -> None:
    accepted = _Accepted()
    reading = asyncio.create_task(accepted.read_all(of(b"a")))
    for _ in range(3):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])

    accepted.close()

    assert await asyncio.wait_for(drained(accepted), 30) == []


async def test_closing_a_connection_closes_its_channels() -> None:
    connection = CallersConnection(Endpoint(address="127.0.0.1:1"))
    used = connection._channel.use()
    connection._channel.done(used)

    await connection.close()

    assert used.channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN


async def test_closing_a_replica_closes_both_connections_to_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, log = agent_config("127.0.0.1:1"), logger().logger
    upstream, closed = Upstream(settings, log), list[str]()
    calls, passing = upstream._calls.close, upstream.callers_connection.close

    async def close_calls() -> None:
        closed.append("calls")
        await calls()

    async def close_passing() -> None:
        closed.append("passing")
        await passing()

    monkeypatch.setattr(upstream._calls, "close", close_calls)
    monkeypatch.setattr(upstream.callers_connection, "close", close_passing)
    replica = AgentReplica(settings, upstream, log)

    await replica.close()

    assert closed == ["calls", "passing"]
    assert replica.parsing._shutdown


async def test_the_end_of_every_call_is_noted_so_that_a_replaced_connection_is_closed() -> None:
    async def answer(_: object, __: Any) -> bytes:
        return b""

    async def refuse(_: object, context: Any) -> None:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no role")

    handlers: dict[str, Any] = {
        "GetRole": grpc.unary_unary_rpc_method_handler(answer),
        "DeleteRole": grpc.unary_unary_rpc_method_handler(refuse),
        "ApplyRoles": grpc.stream_unary_rpc_method_handler(answer),
        "ImportRoles": grpc.stream_unary_rpc_method_handler(refuse),
    }
    noted: list[str] = []
    async with connected(handlers) as connection:
        channel: Any = connection._channel
        use, done = channel.use, channel.done

        class Noting:
            def use(self) -> Any:
                noted.append("use")
                return use()

            def done(self, used: Any) -> None:
                noted.append("done")
                done(used)

            def close(self) -> Any:
                return channel.close()

        connection._channel = Noting()  # type: ignore[assignment]
        prefix = "/rolecall.v1.RoleService/"
        await connection.unary(f"{prefix}GetRole", b"", (), 30)
        await connection.upload(f"{prefix}ApplyRoles", of(b"a"), (), 30)
        for call in (
            connection.unary(f"{prefix}DeleteRole", b"", (), 30),
            connection.upload(f"{prefix}ImportRoles", of(b"a"), (), 30),
        ):
            with pytest.raises(grpc.aio.AioRpcError, match="no role"):
                await call

    assert noted == ["use", "done"] * 4
