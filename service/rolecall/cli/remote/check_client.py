"""The calls of `check`, which makes one of them and ends. Most of what a client imports serves many calls."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import grpc

from rolecall_client.channel_options import options_of, service_config, with_server_name
from rolecall_client.connection.address import target_of
from rolecall_client.errors import error_of_call
from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc

if TYPE_CHECKING:
    from rolecall_client.connection.settings import ConnectionSettings, TlsFiles
    from rolecall_client.v1 import role_pb2 as r, role_pb2_grpc

_RETRIED = ("rolecall.v1.DecisionService", "rolecall.v1.RoleService")

Request = TypeVar("Request")
Response = TypeVar("Response")


class CheckClient:
    """Connects as every client does, and reads certificates and the token once. Close it, or use it in a `with` statement."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._timeout = settings.timeout
        self._channel = _channel(settings.address, settings.tls)
        self._metadata = _metadata(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def check(self, query: d.AssumeRoleQuery, *, consistency: d.Consistency | None = None) -> d.CheckAssumeRoleResponse:
        """Return the decision of one query; raise `RolecallError`."""
        request = d.CheckAssumeRoleRequest(query=query, consistency=consistency)
        return self._called(decision_pb2_grpc.DecisionServiceStub(self._channel).CheckAssumeRole, request)

    def get_role(self, role: str) -> r.GetRoleResponse:
        """Return one role with its trust policy; raise `RolecallError`."""
        from rolecall_client.v1 import role_pb2

        return self._called(self._roles().GetRole, role_pb2.GetRoleRequest(role=role))

    def list_roles(self, request: r.ListRolesRequest) -> r.ListRolesResponse:
        """Return one page of the roles of an account; raise `RolecallError`."""
        return self._called(self._roles().ListRoles, request)

    def _roles(self) -> role_pb2_grpc.RoleServiceStub:
        from rolecall_client.v1 import role_pb2_grpc

        return role_pb2_grpc.RoleServiceStub(self._channel)

    def _called(self, method: Callable[..., Response], request: Request) -> Response:
        try:
            return method(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of_call(error) from error


def _channel(address: str, tls: TlsFiles | None) -> grpc.Channel:
    target, options = target_of(address), options_of(service_config({"service": name} for name in _RETRIED))
    if tls is None:
        return grpc.insecure_channel(target, options=options)
    from rolecall_client.connection.tls import ReloadingTls

    return grpc.secure_channel(
        target, ReloadingTls(tls).material.credentials(), options=with_server_name(options, tls.server_name)
    )


def _metadata(settings: ConnectionSettings) -> tuple[tuple[str, str | bytes], ...]:
    """Return the token as metadata; raise `TokenError`, and `ValueError` if others could read it on the way."""
    if settings.token is None:
        return ()
    from rolecall_client.connection.credential import Credential
    from rolecall_client.connection.endpoint import Endpoint

    # It refuses a token that would be sent in plain text to another machine.
    Endpoint(address=settings.address, tls=settings.tls, token=settings.token)
    return Credential(settings.token, (), None).metadata()
