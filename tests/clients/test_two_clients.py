"""Both clients have the same methods, which send the same requests."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.message import Message

from rolecall_client import AsyncRolecallClient, RolecallClient
from rolecall_client.connection.connectable import ClientOptions
from rolecall_client.methods import METHODS
from rolecall_client.v1 import caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2
from tests.clients.test_requests import CASES, Recording, recording

RENAMED = {
    "Iterator": "AsyncIterator",
    "Generator[RoleWatchEvent, None, None]": "AsyncGenerator[RoleWatchEvent, None]",
}
WIDER = {"stream.queries", "__init__.interceptors"}
"""Parameters of which the asynchronous client accepts another type."""


def methods(client: type) -> dict[str, Callable[..., Any]]:
    return {name: member for name, member in inspect.getmembers(client, callable) if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    assert set(methods(RolecallClient)) == set(methods(AsyncRolecallClient))


@pytest.mark.parametrize("name", ["__init__", *methods(RolecallClient)])
def test_a_method_has_the_same_signature_in_both_clients(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(client, name)) for client in (RolecallClient, AsyncRolecallClient))

    for mine, other in zip(ours.parameters.values(), theirs.parameters.values(), strict=True):
        same_type = mine.annotation == other.annotation or f"{name}.{mine.name}" in WIDER
        assert (mine.name, mine.kind, mine.default) == (other.name, other.kind, other.default)
        assert same_type, mine.name
    assert renamed(str(ours.return_annotation)) == str(theirs.return_annotation)


def renamed(annotation: str) -> str:
    for mine, other in RENAMED.items():
        if annotation.startswith(mine):
            return annotation.replace(mine, other, 1)
    return annotation


@pytest.mark.parametrize("name", sorted(methods(RolecallClient)))
def test_a_method_has_the_same_documentation_in_both_clients(name: str) -> None:
    ours, theirs = (inspect.getdoc(getattr(client, name)) for client in (RolecallClient, AsyncRolecallClient))

    assert ours == theirs


@pytest.mark.parametrize("client", [RolecallClient, AsyncRolecallClient])
def test_every_call_takes_a_timeout_and_metadata(client: type) -> None:
    lasting = {"close", "connect", "from_env", "from_context"}
    calls = {name: inspect.signature(method).parameters for name, method in methods(client).items()}

    assert [name for name, taken in calls.items() if name not in lasting and "metadata" not in taken] == []
    # A stream lasts as long as its queries.
    assert [name for name, taken in calls.items() if name not in lasting and "timeout" not in taken] == ["stream"]


def test_the_options_of_connect_are_those_of_the_constructor() -> None:
    taken = set(inspect.signature(RolecallClient.__init__).parameters) - {"self", "address"}

    assert set(ClientOptions.__annotations__) == taken


def test_the_table_of_methods_is_the_contract() -> None:
    files = [caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2]
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    contract = {
        f"{service.full_name}/{method.name}": (method.input_type.full_name, method.output_type.full_name)
        for service in services
        for method in service.methods
    }

    table = {
        method.full_name: (method.request.DESCRIPTOR.full_name, method.response.DESCRIPTOR.full_name)
        for method in METHODS
    }

    assert table == contract


@asynccontextmanager
async def recorded() -> AsyncIterator[tuple[AsyncRolecallClient, Recording]]:
    with recording() as (_, service):
        async with AsyncRolecallClient(service.address, timeout=50) as client:
            yield client, service


@pytest.mark.parametrize(("method", "send", "request_"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
async def test_the_asynchronous_client_sends_the_same_request_with_its_timeout(
    method: str, send: Any, request_: Message
) -> None:
    async with recorded() as (client, service):
        response = await send(client)

    (call,) = service.calls
    assert (call.method, call.requests) == (method, [request_])
    assert type(response).__name__ == f"{method}Response"
    assert 10 < call.seconds < 100


async def test_the_asynchronous_client_reads_every_page() -> None:
    roles = [role_pb2.Role(role_name=f"r{n}") for n in range(3)]
    async with recorded() as (client, service):
        service.answers = [
            role_pb2.ListRolesResponse(roles=roles[:2], next_page_token="t"),
            role_pb2.ListRolesResponse(roles=roles[2:]),
        ]
        exported = [role.role_name async for role in client.export_roles("7", tags={"a": "1"})]

    tokens = [call.requests[0].page_token for call in service.calls]
    assert (exported, tokens) == (["r0", "r1", "r2"], ["", "t"])


def test_a_call_has_a_timeout_and_metadata_of_its_own_beside_those_of_the_client() -> None:
    with recording() as (_, service), RolecallClient(service.address, metadata=(("x-team", "blue"),)) as client:
        client.who_am_i(timeout=500, metadata=(("x-trace", "1"), ("x-data-bin", b"\xff")))
        client.who_am_i()

    own, other = ({**dict(call.metadata)} for call in service.calls)
    assert 400 < service.calls[0].seconds < 600
    assert (own["x-team"], own["x-trace"], own["x-data-bin"]) == ("blue", "1", b"\xff")
    assert (other["x-team"], "x-trace" in other) == ("blue", False)


async def test_so_has_a_call_of_the_asynchronous_client() -> None:
    with recording() as (_, service):
        async with AsyncRolecallClient(service.address, metadata=(("x-team", "blue"),), token="secret") as client:
            await client.who_am_i(timeout=500, metadata=(("x-trace", "1"),))

    sent = dict(service.calls[0].metadata)
    assert 400 < service.calls[0].seconds < 600
    assert [sent[key] for key in ("x-team", "x-trace", "authorization")] == ["blue", "1", "Bearer secret"]


@pytest.mark.parametrize("client", [RolecallClient, AsyncRolecallClient])
async def test_a_token_is_not_sent_in_plain_text_to_another_machine(client: Any) -> None:
    with pytest.raises(ValueError, match="a token is sent over TLS, or to this machine"):
        client("rolecall.example.com", token="secret")
