"""Every method, with requests made from its descriptor: a caller without rights is denied, whatever others were answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status
from grpc_reflection.v1alpha import reflection_pb2

from rolecall.transport.options import GRPCIO, H2
from rolecall.transport.rights.methods import NEEDS
from rolecall_client.v1 import role_pb2
from tests.server.serving import ACCOUNT, BOB, DOCUMENT, Served
from tests.transport.rights.serving import ADMIN, NOBODY, ROLE, by, serving
from tests.transport.rights.test_methods import EXCEPTIONS

DENIED = grpc.StatusCode.PERMISSION_DENIED

TEXTS = {
    "role": ROLE,
    "role_name": "app",
    "account_id": ACCOUNT,
    "account_ids": ACCOUNT,
    "principal": BOB,
    "assume_role_policy_document": DOCUMENT,
    "document": DOCUMENT,
    "action": "ram:GetRole",
    "resource": ROLE,
    "name_prefix": "a",
    "tags": "t",
}
"""Valid values of fields by their names; every other text is empty."""

METHODS = sorted(set(NEEDS) - EXCEPTIONS)


def filled(kind: Any) -> Any:
    """Return a message with every field that has a valid value; of a oneof its first such field."""
    message = GetMessageClass(kind)()
    oneofs = set()
    for field in kind.fields:
        if field.containing_oneof and field.containing_oneof.name in oneofs:
            continue
        if set_field(message, field) and field.containing_oneof:
            oneofs.add(field.containing_oneof.name)
    return message


def set_field(message: Any, field: FieldDescriptor) -> bool:
    text = TEXTS.get(field.name, "")
    repeated, nested = field.is_repeated, field.message_type
    if nested is None:
        if field.type != FieldDescriptor.TYPE_STRING or not text:
            return False
        if repeated:
            getattr(message, field.name).append(text)
        else:
            setattr(message, field.name, text)
        return True
    if nested.GetOptions().map_entry:
        if field.name == "tags":
            message.tags[text] = text
        return False
    if not nested.full_name.startswith("rolecall.") or nested.name == "Consistency":
        return False
    value = filled(nested)
    if not value.ByteSize():
        return False
    (getattr(message, field.name).append(value) if repeated else getattr(message, field.name).CopyFrom(value))
    return True


def requests_of(method: str) -> list[bytes]:
    """Return the messages of one call of a method."""
    service, name = method[1:].split("/")
    if service.startswith("grpc.reflection"):
        return [reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()]
    request = Default().FindServiceByName(service).methods_by_name[name].input_type
    if name == "ApplyRoles":
        options = role_pb2.ApplyRolesOptions(prune_selector=role_pb2.PruneSelector(tags={"t": "t"}))
        chunk = role_pb2.RoleChunk(
            roles=[role_pb2.RoleDeclaration(role_name="app", assume_role_policy_document=DOCUMENT)]
        )
        parts = [role_pb2.ApplyRolesRequest(options=options), role_pb2.ApplyRolesRequest(roles=chunk)]
        return [part.SerializeToString() for part in parts]
    return [filled(request).SerializeToString()]


async def outcomes(service: Served, method: str, messages: list[bytes], caller: str) -> list[Any]:
    """Make a call; return its status code, or those of its answers (None: an answer without an error)."""
    stats = next(s for s in service.server.grpc_server.methods.method_stats if s.name == method)
    channel, metadata = service.channel, by(caller)
    try:
        match stats.kind:
            case "unary":
                response = await channel.unary_unary(method)(messages[0], metadata=metadata)
            case "client_stream":
                # The client of grpc.aio fails with INTERNAL if it sends a message after the status has arrived.
                sent = [] if caller == NOBODY else messages
                response = await channel.stream_unary(method)(iter(sent), metadata=metadata)
            case "server_stream":
                response = await channel.unary_stream(method)(messages[0], metadata=metadata).read()
            case _:
                sent = [] if "Reflection" in method and caller == NOBODY else messages
                call = channel.stream_stream(method)(metadata=metadata)
                for message in sent:
                    await call.write(message)
                response = await call.read()
                await call.done_writing()
    except grpc.aio.AioRpcError as error:
        return [error.code()]
    return list(errors_in(method, response))


def errors_in(method: str, response: bytes) -> Iterator[grpc.StatusCode | None]:
    service, name = method[1:].split("/")
    if service.startswith("grpc."):
        yield None
        return
    message = GetMessageClass(Default().FindServiceByName(service).methods_by_name[name].output_type).FromString(
        response
    )
    for item in [message, *getattr(message, "results", [])]:
        error: Status | None = (
            item.error if "error" in item.DESCRIPTOR.fields_by_name and item.HasField("error") else None
        )
        if error is not None or not getattr(item, "results", None):
            yield None if error is None else next(code for code in grpc.StatusCode if code.value[0] == error.code)


@asynccontextmanager
async def with_a_role(transport: str) -> AsyncIterator[Served]:
    async with serving({}, transport=transport, reflection=True) as service:
        request = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT, tags={"t": "t"})
        await service.roles.CreateRole(request, metadata=by(ADMIN))
        yield service


@pytest.mark.parametrize("transport", [GRPCIO, H2])
@pytest.mark.parametrize("method", METHODS)
async def test_a_caller_without_rights_is_denied_whatever_it_sends(method: str, transport: str) -> None:
    sent = {"empty": [b""], "filled": requests_of(method), "no message": [b"\xff"]}
    async with with_a_role(transport) as service:
        revision = service.server.replica.snapshot.revision
        found = {name: await outcomes(service, method, messages, NOBODY) for name, messages in sent.items()}

        assert found["filled"] == [DENIED]
        if "Reflection" not in method:
            # The library of reflection decodes before it is asked for anything.
            assert found["empty"] == [DENIED]
        assert None not in found["no message"]
        assert service.server.replica.snapshot.revision == revision


@pytest.mark.parametrize("transport", [GRPCIO, H2])
@pytest.mark.parametrize("method", METHODS)
async def test_the_same_bytes_are_denied_to_one_caller_and_answered_to_another_in_any_order(
    method: str, transport: str
) -> None:
    messages = requests_of(method)
    async with with_a_role(transport) as service:
        first = await outcomes(service, method, messages, NOBODY)
        warmed = [await outcomes(service, method, messages, ADMIN) for _ in range(3)]
        denied = [await outcomes(service, method, messages, NOBODY) for _ in range(3)]
        again = await outcomes(service, method, messages, ADMIN)

    assert [first, *denied] == [[DENIED]] * 4
    assert DENIED not in {outcome for found in (*warmed, again) for outcome in found}


def test_the_requests_are_about_something() -> None:
    empty = {method for method in METHODS if not any(requests_of(method))}

    assert empty == set()
