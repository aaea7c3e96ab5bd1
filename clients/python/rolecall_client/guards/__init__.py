"""Guards protect the methods of a service with roles: a call passes if its caller may assume the role of its method.

`Guard` (threads) and `AsyncGuard` (event loop) decide, with a `RoleMap` for gRPC or a `RouteMap` for HTTP, and something that
says who calls, such as `SpiffePrincipals`. `GrpcGuard`, `AioGrpcGuard` and `AsgiGuard` place them in front of a service, and
`requires_role` in front of a function. Guards fail closed: what is not allowed is refused.
"""

from __future__ import annotations

from rolecall_client.guards.access import AccessMap, MethodAccess
from rolecall_client.guards.aio_guard import AioGrpcGuard
from rolecall_client.guards.asgi_guard import AsgiGuard
from rolecall_client.guards.async_guard import AsyncGuard
from rolecall_client.guards.counts import GuardCounts
from rolecall_client.guards.decision import GuardDecision, GuardMode, GuardOutcome
from rolecall_client.guards.decorator import requires_role
from rolecall_client.guards.errors import GuardError, NotAllowedError, NotDecidedError
from rolecall_client.guards.grpc_guard import GrpcGuard
from rolecall_client.guards.guard import Guard
from rolecall_client.guards.identities import (
    CallerIdentity,
    DnsPrincipals,
    Identify,
    OidcBearer,
    SpiffePrincipals,
    SpiffeServiceAccounts,
)
from rolecall_client.guards.peer import PeerFacts, UnknownCallerError
from rolecall_client.guards.proxy import TrustedProxy
from rolecall_client.guards.role_map import RoleMap
from rolecall_client.guards.route_map import RouteMap

__all__ = [
    "AccessMap",
    "AioGrpcGuard",
    "AsgiGuard",
    "AsyncGuard",
    "CallerIdentity",
    "DnsPrincipals",
    "GrpcGuard",
    "Guard",
    "GuardCounts",
    "GuardDecision",
    "GuardError",
    "GuardMode",
    "GuardOutcome",
    "Identify",
    "MethodAccess",
    "NotAllowedError",
    "NotDecidedError",
    "OidcBearer",
    "PeerFacts",
    "RoleMap",
    "RouteMap",
    "SpiffePrincipals",
    "SpiffeServiceAccounts",
    "TrustedProxy",
    "UnknownCallerError",
    "requires_role",
]
