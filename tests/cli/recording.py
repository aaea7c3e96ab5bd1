"""A server of the whole contract that records each call and answers with what the test gives, or with an empty message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.text_format import MessageToString

from rolecall_client.v1 import caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2

METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for module in (caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


@dataclass(frozen=True)
class Call:
    """What a client sent: the method, its messages, and the seconds that it is willing to wait."""

    method: str
    messages: list[Any]
    seconds: float

    @property
    def text(self) -> str:
        """Return the messages as text, one line each, after the name of the method."""
        return "\n".join([self.method, *(MessageToString(message, as_one_line=True) for message in self.messages)])


class _Recorder(grpc.GenericRpcHandler):
    def __init__(self, calls: list[Call], answers: Mapping[str, Message]) -> None:
        self._calls, self._answers = calls, answers

    def service(self, details: Any) -> Any:
        if (method := METHODS.get(details.method)) is None:
            return None  # that of health checks, say
        request, response = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
        answer = self._answers.get(method.name) or response()

        def record(sent: Iterable[Message], context: Any) -> Message:
            self._calls.append(Call(method.name, list(sent), context.time_remaining() or 0.0))
            return answer

        return _handler(method)(
            _function(method, record),
            request_deserializer=request.FromString,
            response_serializer=response.SerializeToString,
        )


def _handler(method: MethodDescriptor) -> Callable[..., Any]:
    sent, answered = (("unary", "stream")[streams] for streams in (method.client_streaming, method.server_streaming))
    handler: Callable[..., Any] = getattr(grpc, f"{sent}_{answered}_rpc_method_handler")
    return handler


def _function(method: MethodDescriptor, record: Callable[[Iterable[Message], Any], Message]) -> Callable[..., Any]:
    def unary(sent: Any, context: Any) -> Message:
        return record(sent if method.client_streaming else [sent], context)

    def stream(sent: Any, context: Any) -> Iterator[Message]:
        yield unary(sent, context)
        context.abort(grpc.StatusCode.INTERNAL, "the end of the recording")

    return stream if method.server_streaming else unary


@contextmanager
def recording(
    credentials: grpc.ServerCredentials | None = None, **answers: Message
) -> Iterator[tuple[str, list[Call]]]:
    """Run the server; give its address and the calls that it gets. `answers` are by the name of the method."""
    calls: list[Call] = []
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([_Recorder(calls, answers)])
    port = (
        server.add_secure_port("localhost:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
    )
    server.start()
    try:
        yield f"{'localhost' if credentials else '127.0.0.1'}:{port}", calls
    finally:
        server.stop(0).wait()
