"""The connection over which calls of an agent's callers are passed to the followed server, with their own tokens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from rolecall.security.call_facts import authorization, is_local, is_secure
from rolecall.transport.errors import NotPassedError
from rolecall.transport.passing.calls import Sent
from rolecall.transport.rpc.call_context import CallContext
from rolecall_client.bearer import may_have_token
from rolecall_client.connection.call_status import CallStatus
from rolecall_client.connection.endpoint import Endpoint

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The largest response that is passed to a caller."""

_BEARER = re.compile(r"[Bb]earer [!-~]{1,16384}", re.ASCII)
# No retries: a caller decides itself whether its write is repeated.
_OPTIONS = {"grpc.max_receive_message_length": MAX_ANSWER_BYTES, "grpc.enable_retries": 0}


class CallersConnection:
    """Connections to the followed server that have no token of the agent. It is a `PassingConnection`.

    They have the client certificate of the agent, if it has one. A server accepts a token beside a certificate only if the entry
    of the token names that certificate.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._channel, self._closing = endpoint.async_channel((), _OPTIONS)
        self._is_confidential = endpoint.tls is not None or may_have_token(endpoint.address, None)

    def token_of(self, context: CallContext) -> str:
        """Return the value of `authorization` of a call; raise `NotPassedError` unless it may be sent to the server."""
        given = authorization(context)
        if not given:
            raise NotPassedError("the call has no token of its caller")
        if len(given) > 1 or not _BEARER.fullmatch(given[0]):
            raise NotPassedError("the call does not have exactly one `authorization: Bearer TOKEN`")
        if not (is_local(context.peer()) or is_secure(context.auth_context())):  # type: ignore[arg-type]
            raise NotPassedError("its token was sent in plain text from another machine")
        if not self._is_confidential:
            raise NotPassedError("its token would be sent in plain text to another machine")
        return given[0]

    async def unary(self, path: str, message: bytes, metadata: Sent, seconds: float | None) -> bytes:
        """Return the response to one message; raise `grpc.aio.AioRpcError`."""
        used = self._channel.use()
        method: Any = used.channel.unary_unary(path)
        try:
            answer: bytes = await method(message, timeout=seconds, metadata=metadata)
        finally:
            self._channel.done(used)
        return answer

    async def upload(self, path: str, messages: AsyncIterator[bytes], metadata: Sent, seconds: float | None) -> bytes:
        """Return the response to a stream of messages; raise `grpc.aio.AioRpcError`."""
        used = self._channel.use()
        method: Any = used.channel.stream_unary(path)
        accepted = _Accepted()
        call = method(accepted.messages(), timeout=seconds, metadata=metadata)
        call.add_done_callback(accepted.end)
        status = CallStatus(call)
        try:
            await accepted.read_all(messages)
            answer: bytes = await call
        except grpc.aio.AioRpcError as error:
            raise await status.error(error) from error
        finally:
            # A call whose caller is gone ends, too.
            call.cancel()
            accepted.close()
            self._channel.done(used)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channel.close():
            self._closing.close(channel)
        await self._closing.wait()


class _Accepted:
    """The messages of an upload, one at a time: the next one is read when the server has accepted the one before."""

    def __init__(self) -> None:
        self._next = asyncio.Queue[bytes | None](1)
        self._ended = False

    async def read_all(self, messages: AsyncIterator[bytes]) -> None:
        """Read messages until the last, or until the call has ended."""
        # Here and not by gRPC, which would read in another task than that of the call.
        async for message in messages:
            if self._ended:
                return
            await self._next.put(message)
        if not self._ended:
            await self._next.put(None)

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield the messages."""
        while (message := await self._next.get()) is not None:
            yield message

    def end(self, _: object) -> None:
        """Read no more messages: the call has ended."""
        self._ended = True
        self._drop()

    def close(self) -> None:
        """End `messages`, which gRPC leaves waiting when the call has ended before them."""
        self._drop()
        self._next.put_nowait(None)

    def _drop(self) -> None:
        while not self._next.empty():
            self._next.get_nowait()
