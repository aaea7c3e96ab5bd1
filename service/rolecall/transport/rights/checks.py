"""The rights of a check: to ask about the role, for the identity, and to assert claims.

A right is remembered with the request, by the number of the caller's rights, until time may end it. Each generation of the callers
file has other numbers, so nothing that was remembered under the one before is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from google.protobuf.message import DecodeError

from rolecall.callers.caller import FOREVER, NO_ACCESS_KEYS, AccessKeys, Caller
from rolecall.engine.errors import EngineError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.principal import PrincipalKind
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Role, RoleRef
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.actions import ASK_FOR, ASSERT_FEDERATED, CHECK_ASSUME_ROLE
from rolecall.transport.rights.reads import RoleRights
from rolecall.transport.rights.resources import ANY, identity_resource, is_own, keys_of_role, named_role, role_resource
from rolecall_client.v1 import decision_pb2 as pb

MAX_REMEMBERED = 4
"""The rights of how many callers a request remembers; callers with the same rights count once."""

_PROVIDERS = (PrincipalKind.OIDC_PROVIDER, PrincipalKind.SAML_PROVIDER)

_Question = tuple[str, str, AccessKeys]


def require_any_policy(caller: Caller) -> None:
    """Raise `PermissionDeniedError` if the callers file gives the caller no right at all any more."""
    # Of a stream each message is judged by itself; one on which nothing can be answered does not stay open.
    if caller.generation and not caller.policies:
        raise PermissionDeniedError(CHECK_ASSUME_ROLE, ANY)


class QuestionRights(Protocol):
    """Judges who may ask about a role."""

    def request(self, query: bytes, caller: Caller, now: int) -> AssumeRoleRequest:
        """Return the request of a query that the caller may ask at the time `now`, in microseconds."""
        ...

    def known(self, queries: Iterable[bytes], caller: Caller, now: int) -> list[AssumeRoleRequest] | None:
        """Return what `request` returns for each query if nothing of it has to be read or judged; else None."""
        ...

    def require(self, action: str, role: str, request: AssumeRoleRequest, caller: Caller) -> None:
        """Require the rights of a question about a role, of which `role` is the name as given."""
        ...

    def require_role(self, action: str, text: str, caller: Caller) -> None:
        """Require a right on a role that is named by a text."""
        ...


class CheckRights:
    """Judges the rights of checks by the roles of a snapshot. For one event loop."""

    def __init__(
        self, decoder: QueryDecoder, accounts: Accounts, version_of: Callable[[str], RoleVersion | None]
    ) -> None:
        self._decoded, self._requests = decoder.request, decoder.cache
        self._accounts, self._version_of = accounts, version_of
        self.require_role = RoleRights(accounts, version_of).require_role
        """Requires a right on a role that is named by a text, as `RoleRights` does."""

    def request(self, query: bytes, caller: Caller, now: int) -> AssumeRoleRequest:
        """Return the request of a query that the caller may ask at the time `now`, in microseconds.

        Raise `PermissionDeniedError`, or what the decoder raises to a caller that may ask about the role.
        """
        # The path of every check. A right that time has ended, or that was never judged, is judged first.
        try:
            request = self._decoded(query)
        except (EngineError, DecodeError):
            self._require_unread(query, caller)
            raise
        rights = request.rights
        if rights is None or now >= rights.get(caller.number, 0):
            self._judge(query, request, caller, now)
        return request

    def known(self, queries: Iterable[bytes], caller: Caller, now: int) -> list[AssumeRoleRequest] | None:
        """Return what `request` returns for each query if all are recent and the rights are remembered; else None."""
        # The path of the items of batches: two calls for each would cost twice as much.
        recent, number = self._requests.recent, caller.number
        found: list[AssumeRoleRequest] = []
        for query in queries:
            request = recent(query)
            if request is None or request.rights is None or now >= request.rights.get(number, 0):
                return None
            found.append(request)
        return found

    def require(self, action: str, role: str, request: AssumeRoleRequest, caller: Caller) -> None:
        """Require the rights of a question about a role, of which `role` is the name as given."""
        self._allowed_until(action, named_role(self._accounts, role), request, caller)

    def require_identity(self, request: AssumeRoleRequest, account_id: str, caller: Caller) -> None:
        """Require the rights to ask for the identity of a request, about roles of an account (empty: of all)."""
        for action, resource, _ in _of_identity(request, account_id, caller):
            if not caller.allows(action, resource):
                raise PermissionDeniedError(action, resource)

    def may_check(self, request: AssumeRoleRequest, role: Role, caller: Caller) -> bool:
        """Return whether the caller may check whether the identity of a request can assume a role that exists."""
        if not caller.allows(CHECK_ASSUME_ROLE, role.arn, keys_of_role(caller, role)):
            return False
        questions = _of_identity(request, role.account_id, caller)
        return all(caller.allows(action, resource) for action, resource, _ in questions)

    def _judge(self, query: bytes, request: AssumeRoleRequest, caller: Caller, now: int) -> None:
        ref = named_role(self._accounts, pb.AssumeRoleQuery.FromString(query).role)
        until = self._allowed_until(CHECK_ASSUME_ROLE, ref, request, caller)
        # A right that depends on the role's tags is judged each time, since they change.
        if not caller.reads_tags:
            _remember(request, caller, until)

    def _allowed_until(self, action: str, ref: RoleRef | None, request: AssumeRoleRequest, caller: Caller) -> int:
        account_id, until = request.role_key.partition("/")[0], FOREVER
        version = self._version_of(request.role_key) if caller.reads_tags else None
        keys = keys_of_role(caller, version.role if version else None)
        role: _Question = (action, role_resource(ref), keys)
        for needed, resource, having in (role, *_of_identity(request, account_id, caller)):
            allowed_until = caller.allowed_until(needed, resource, having)
            if allowed_until is None:
                raise PermissionDeniedError(needed, resource)
            until = min(until, allowed_until)
        return until

    def _require_unread(self, query: bytes, caller: Caller) -> None:
        """Require the right of a check whose query is invalid, before the caller learns why."""
        try:
            text = pb.AssumeRoleQuery.FromString(query).role
        except DecodeError:
            text = ""
        self.require_role(CHECK_ASSUME_ROLE, text, caller)


def _of_identity(request: AssumeRoleRequest, account_id: str, caller: Caller) -> Iterator[_Question]:
    principal = request.principal
    if not is_own(principal, caller, account_id):
        yield ASK_FOR, identity_resource(principal, account_id), NO_ACCESS_KEYS
    # A token that was verified asserts nothing.
    if principal.kind in _PROVIDERS and request.expires_at is None:
        yield ASSERT_FEDERATED, identity_resource(principal), NO_ACCESS_KEYS


def _remember(request: AssumeRoleRequest, caller: Caller, until: int) -> None:
    if request.rights is None or len(request.rights) >= MAX_REMEMBERED:
        request.rights = {}
    request.rights[caller.number] = until
