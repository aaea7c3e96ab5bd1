"""Calls that an agent passes to the server that it follows: whose they are, what goes with them, and how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from rolecall.transport.errors import NotPassedError, PassedStatusError, TooManyCallsError, UpstreamUnavailableError
from rolecall.transport.passing.calls import PassedCalls
from rolecall_client.v1 import caller_pb2, decision_pb2, role_pb2
from tests.server.serving import for_ever, until

WHO_AM_I = "/rolecall.v1.CallerService/WhoAmI"
GET_ROLE = "/rolecall.v1.RoleService/GetRole"
SENT = (("authorization", "Bearer t"), ("x-request-id", "call-7"))
DETAILS = "grpc-status-details-bin"


class Context:
    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", "call-7"), ("authorization", "of the agent"), ("other", "x"))

    def time_remaining(self) -> float:
        return 5.5


class Server:
    """The followed server; `calls` are those that it got. `answer` is what it does with those that are passed."""

    def __init__(self, kind: Any = caller_pb2.CREDENTIAL_KIND_TOKEN) -> None:
        self.calls = list[tuple[object, ...]]()
        self.who = caller_pb2.WhoAmIResponse(credential_kind=kind).SerializeToString()
        self.answer: Callable[[], Any] = lambda: b"answer"
        self.waits = False

    async def unary(self, path: str, message: object, metadata: object, seconds: float | None) -> bytes:
        self.calls.append((path, message, metadata, seconds))
        if path == WHO_AM_I:
            return self.who
        if self.waits:
            await for_ever()
        return bytes(self.answer())

    upload = unary


def get_role(server: Server) -> Callable[[], Any]:
    """Return what passes a call of GetRole."""
    calls = PassedCalls(server, lambda _: "Bearer t")
    handler: Any = calls.handlers(role_pb2.DESCRIPTOR.services_by_name["RoleService"])["GetRole"]
    return lambda: handler.unary_unary(b"asked", Context())


async def test_a_call_is_passed_with_its_token_its_request_id_and_its_time_alone() -> None:
    server = Server()

    assert await get_role(server)() == b"answer"

    assert server.calls == [(WHO_AM_I, b"", SENT, 5.5), (GET_ROLE, b"asked", SENT, 5.5)]


async def test_an_upload_is_passed_as_the_stream_that_it_is() -> None:
    server, messages = Server(), object()
    calls = PassedCalls(server, lambda _: "Bearer t")
    handler: Any = calls.handlers(role_pb2.DESCRIPTOR.services_by_name["RoleService"])["ApplyRoles"]

    assert await handler.stream_unary(messages, Context()) == b"answer"

    assert server.calls[1] == ("/rolecall.v1.RoleService/ApplyRoles", messages, SENT, 5.5)


@pytest.mark.parametrize(("file", "service"), [(role_pb2, "RoleService"), (decision_pb2, "DecisionService")])
def test_every_method_is_passed_but_streams_to_the_caller(file: Any, service: str) -> None:
    described = file.DESCRIPTOR.services_by_name[service]
    handlers = PassedCalls(Server(), lambda _: "").handlers(described)

    assert set(handlers) == {method.name for method in described.methods} - {"StreamCheckAssumeRole"}
    uploads = {name for name, handler in handlers.items() if handler.request_streaming}
    assert uploads == ({"ApplyRoles"} if service == "RoleService" else set())


@pytest.mark.parametrize("kind", [*caller_pb2.CredentialKind.values(), None])
async def test_a_call_is_passed_only_if_the_server_takes_it_for_one_of_its_token(kind: Any) -> None:
    server = Server() if kind is None else Server(kind)
    if kind is None:
        server.who = b"\xff"
    by_token = kind in (caller_pb2.CREDENTIAL_KIND_OIDC, caller_pb2.CREDENTIAL_KIND_TOKEN)

    try:
        await get_role(server)()
        refused = ""
    except NotPassedError as error:
        refused = str(error)

    why = "the server that it follows does not identify callers by tokens on this connection"
    expected = f"the agent cannot pass this on: {why}; ask the server that it follows"
    assert refused == ("" if by_token else expected)
    assert len(server.calls) == (2 if by_token else 1)


async def test_thirty_two_calls_are_passed_at_a_time_and_the_next_is_refused() -> None:
    server = Server()
    call = get_role(server)
    before = [await call() for _ in range(3)]
    server.calls.clear()
    server.waits = True
    passed = [asyncio.create_task(call()) for _ in range(32)]
    await until(lambda: len(server.calls) == 64)

    with pytest.raises(TooManyCallsError) as refused:
        await call()
    passed[0].cancel()
    await asyncio.gather(passed[0], return_exceptions=True)
    server.waits = False
    again = await call()
    for task in passed:
        task.cancel()
    results = await asyncio.gather(*passed, return_exceptions=True)

    assert str(refused.value) == "too many concurrent calls that are passed on (limit 32); retry later"
    assert (refused.value.limit, refused.value.share, again, before) == (32, 32, b"answer", [b"answer"] * 3)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


def failing(
    code: grpc.StatusCode, *trailing: tuple[str, Any], details: str | None = "of the network"
) -> Callable[[], Any]:
    def fail() -> None:
        raise AioRpcError(code, Metadata(), Metadata(*trailing), details=details)

    return fail


STATUS = Status(code=5, message="no such role")
NOT_FOUND, UNAVAILABLE = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("fail", "status"),
    [
        (failing(NOT_FOUND, ("x", "y"), (DETAILS, STATUS.SerializeToString())), STATUS),
        (failing(NOT_FOUND, (DETAILS, Status(code=14).SerializeToString())), Status(code=5, message="of the network")),
        (failing(NOT_FOUND, (DETAILS, b"\xff")), Status(code=5, message="of the network")),
        (failing(NOT_FOUND, ("other-bin", STATUS.SerializeToString())), Status(code=5, message="of the network")),
        (failing(NOT_FOUND), Status(code=5, message="of the network")),
        (failing(NOT_FOUND, details=None), Status(code=5)),
        (failing(UNAVAILABLE, (DETAILS, Status(code=14).SerializeToString())), Status(code=14)),
    ],
)
async def test_a_status_of_the_server_is_passed_as_it_is(fail: Callable[[], Any], status: Status) -> None:
    server = Server()
    server.answer = fail

    with pytest.raises(PassedStatusError) as passed:
        await get_role(server)()

    assert passed.value.status == status


def cancelled() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("fail", [failing(UNAVAILABLE), failing(UNAVAILABLE, (DETAILS, b"\xff")), cancelled])
async def test_a_server_that_cannot_be_reached_is_unavailable_and_its_address_stays_inside(
    fail: Callable[[], Any],
) -> None:
    server = Server()
    server.answer = fail

    with pytest.raises(UpstreamUnavailableError) as unavailable:
        await get_role(server)()

    assert not unavailable.value.freshness
    assert str(unavailable.value) == (
        "only the server that this agent follows can answer this, and it cannot be reached:"
        " the call is one for that server; retry later"
    )
