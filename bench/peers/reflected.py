"""Read the messages of a server by gRPC reflection, instead of generating stubs for each peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from bench.peers.system import Call, framed, grpc_call


class Method:
    """A method of a service: builds its calls from plain data and parses its responses."""

    def __init__(self, method: MethodDescriptor, metadata: Sequence[tuple[str, str]]) -> None:
        self.path = f"/{method.containing_service.full_name}/{method.name}"
        self._request = GetMessageClass(method.input_type)
        self._response = GetMessageClass(method.output_type)
        self._metadata = tuple(metadata)

    def call(self, fields: Mapping[str, Any], items: int = 1) -> Call:
        """Return the call with these fields."""
        message = ParseDict(dict(fields), self._request())
        return grpc_call(self.path, message.SerializeToString(), items, self._metadata)

    def read(self, body: bytes) -> Message:
        """Return the message in the body of a response."""
        return self._response.FromString(body[5:])

    def __call__(self, channel: grpc.Channel, fields: Mapping[str, Any]) -> Any:
        """Make one call and return the response."""
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(self.path)
        return self.read(framed(ask(self.call(fields).body[5:], metadata=self._metadata)))


class Services:
    """The services of a server."""

    def __init__(self, channel: grpc.Channel, metadata: Sequence[tuple[str, str]] = ()) -> None:
        self._pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self._metadata = metadata

    def method(self, service: str, name: str) -> Method:
        """Return a method by its full name."""
        return Method(self._pool.FindServiceByName(service).FindMethodByName(name), self._metadata)
