"""The RoleService of a process that stores no roles: each call is passed to the server that it follows."""

from __future__ import annotations

from typing import Any

import grpc

from rolecall.transport.passing.calls import PassedCalls
from rolecall_client.v1 import role_pb2, role_pb2_grpc as rpc


class PassedRoleServicer(rpc.RoleServiceServicer):
    """Passes every call on."""

    def __init__(self, passed: PassedCalls) -> None:
        self._passed = passed

    def raw_handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the handlers of all methods."""
        return self._passed.handlers(role_pb2.DESCRIPTOR.services_by_name["RoleService"])
