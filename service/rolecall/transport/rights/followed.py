"""The rights of a question, and whether a process that follows a server can decide it.

1. A question that only the followed server can decide is put to it with the credential of this process. So the caller must have
   the rights that the question needs before it is: otherwise a caller could ask through this process what it may not ask.
2. What cannot be read without that server, such as a role that is named without an account, is judged as far as it can be read:
   the rest counts as everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rolecall.callers.caller import Caller
from rolecall.engine.errors import InvalidRequestError, UpstreamOnlyError
from rolecall.engine.request import AssumeRoleRequest, read_provider
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.keys import SOURCE_IDENTITY
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.actions import ASK_FOR, CHECK_ASSUME_ROLE
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rights.resources import identity_resource
from rolecall_client.v1 import decision_pb2 as pb

_PROVIDERS = (PrincipalKind.OIDC_PROVIDER, PrincipalKind.SAML_PROVIDER)
_SOME_ROLE = "acs:ram::0:role/any"
_LOCAL_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9.-]{1,64}", re.ASCII)
"""A role that is named without an id of an account: by its name alone, or with an alias."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a process knows of the server that it follows.

    `version_of` returns the version of a role, and `covers` whether all roles of its account are followed. `knows` returns
    whether this process verifies the identities of a provider itself. `source_identity` is whether the server's setting for
    requests with a source identity is known.
    """

    version_of: Callable[[str], RoleVersion | None]
    covers: Callable[[str], bool]
    knows: Callable[[Principal], bool]
    source_identity: bool


class FollowedRights:
    """Judges the rights of questions, and raises `UpstreamOnlyError` for those that only the followed server can decide."""

    def __init__(self, rights: CheckRights, decoder: QueryDecoder, accounts: Accounts, followed: Followed) -> None:
        self._rights, self._decoder, self._accounts, self._followed = rights, decoder, accounts, followed
        self.require, self.require_role = rights.require, rights.require_role

    def request(self, query: bytes, caller: Caller, now: int) -> AssumeRoleRequest:
        """Return the request of a query that the caller may ask, and that can be decided here.

        Raise `PermissionDeniedError`, `UpstreamOnlyError`, or what the decoder raises.
        """
        try:
            request = self._rights.request(query, caller, now)
        except UpstreamOnlyError:
            self._require_unread(pb.AssumeRoleQuery.FromString(query), caller)
            raise
        except InvalidRequestError:
            self._put_upstream(pb.AssumeRoleQuery.FromString(query), caller)
            raise
        if why := self._undecidable(request):
            raise UpstreamOnlyError(why)
        return request

    def known(self, queries: Iterable[bytes], caller: Caller, now: int) -> list[AssumeRoleRequest] | None:
        """Return what `request` returns for each query if nothing of it has to be read or judged; else None."""
        known = self._rights.known(queries, caller, now)
        return None if known is None or any(map(self._undecidable, known)) else known

    def _undecidable(self, request: AssumeRoleRequest) -> str:
        """Return why the request of a caller cannot be decided here; empty text if it can be."""
        followed, kind = self._followed, request.principal.kind
        if SOURCE_IDENTITY in request.keys and not followed.source_identity:
            return "its setting for requests with a source identity is not known here"
        if kind in _PROVIDERS and request.expires_at is None and not followed.knows(request.principal):
            return "the provider of the identity is not known here"
        if followed.version_of(request.role_key) is None and not followed.covers(request.role_key):
            return "the account of the role is not followed"
        return ""

    def _put_upstream(self, query: pb.AssumeRoleQuery, caller: Caller) -> None:
        """Raise `UpstreamOnlyError` for a query that is refused only because the account of its role is not known here."""
        try:
            self._accounts.role(query.role)
        except InvalidFieldsError:
            if _LOCAL_NAME.fullmatch(query.role):
                self._require_unread(query, caller)
                raise UpstreamOnlyError("the account of the role is named in a way that is not known here") from None

    def _require_unread(self, query: pb.AssumeRoleQuery, caller: Caller) -> None:
        """Require the rights of a query that only the followed server can read."""
        self._rights.require_role(CHECK_ASSUME_ROLE, query.role, caller)
        if query.WhichOneof("identity") == "oidc":
            resource = identity_resource(read_provider(query.oidc.provider_arn, "oidc.provider_arn"))
            if not caller.allows(ASK_FOR, resource):
                raise PermissionDeniedError(ASK_FOR, resource)
            return
        query.role = _SOME_ROLE
        self._rights.require_identity(self._decoder.read(query), "", caller)
