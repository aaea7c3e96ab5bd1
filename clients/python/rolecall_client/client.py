"""The client: one method for each method of the contract."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import grpc

from rolecall_client.bearer import TokenSource
from rolecall_client.channel import open_channel
from rolecall_client.errors import error_of_call
from rolecall_client.stream import DEFAULT_IN_FLIGHT, Pipeline
from rolecall_client.v1 import (
    caller_pb2 as c,
    caller_pb2_grpc,
    decision_pb2 as d,
    decision_pb2_grpc,
    policy_pb2 as p,
    policy_pb2_grpc,
    role_pb2 as r,
    role_pb2_grpc,
    watch_pb2 as w,
    watch_pb2_grpc,
)
from rolecall_client.watch import GIVE_UP_SECONDS, Opened, Resumed, RoleWatchEvent, Watch

DEFAULT_TIMEOUT_SECONDS = 10.0
APPLY_TIMEOUT_SECONDS = 300.0

PAGE_SIZE = 1_000
EXPORT_PAGE_SIZE = 500
"""The roles of one page with their trust policies: 8 MB, if each has the longest that a server accepts by default."""

_CHUNK_BYTES = 512 * 1024

T = TypeVar("T")


class RolecallClient:
    """A client of one Rolecall service. Safe to share between threads; close it, or use it in a `with` statement.

    Methods return the responses of `rolecall.v1` and raise `RolecallError` when a call fails; a deny is a response. Every
    write has a `request_id`, generated if none is given, so it is safe to retry. `timeout` is in seconds, for one call with
    its retries. `token` is sent with each call, or what it returns if it is a function; without TLS to this machine only, else
    `ValueError` is raised.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        token: str | TokenSource | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        self._timeout = timeout
        self._channel = open_channel(address, credentials, token)
        self._decisions = decision_pb2_grpc.DecisionServiceStub(self._channel)
        self._policies = policy_pb2_grpc.PolicyServiceStub(self._channel)
        self._roles = role_pb2_grpc.RoleServiceStub(self._channel)
        self._callers = caller_pb2_grpc.CallerServiceStub(self._channel)
        self._watches = watch_pb2_grpc.WatchServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; calls in progress fail."""
        self._channel.close()

    def check(self, query: d.AssumeRoleQuery, *, consistency: d.Consistency | None = None) -> d.CheckAssumeRoleResponse:
        """Return the decision of one query."""
        request = d.CheckAssumeRoleRequest(query=query, consistency=consistency)
        return self._call(self._decisions.CheckAssumeRole, request)

    def batch_check(
        self, queries: Iterable[d.AssumeRoleQuery], *, consistency: d.Consistency | None = None
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions of many queries at one revision, in order; a malformed query has an `error` instead."""
        request = d.BatchCheckAssumeRoleRequest(queries=queries, consistency=consistency)
        return self._call(self._decisions.BatchCheckAssumeRole, request)

    def stream(
        self, queries: Iterable[d.AssumeRoleQuery], *, in_flight: int = DEFAULT_IN_FLIGHT
    ) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Yield the decisions of queries as they arrive, in order; `sequence` is the index of the query, from 0.

        At most `in_flight` queries are read ahead of the decisions, so any number of them needs little memory. When the server
        ends the stream, because it stops for example, the unanswered queries are sent again on a new one.
        """
        return Pipeline(self._decisions.StreamCheckAssumeRole, queries, in_flight).answers()

    def what_can(
        self, asked: d.AssumeRoleQuery, *, account_id: str = "", page_size: int = PAGE_SIZE
    ) -> Iterator[d.AssumableRole]:
        """Yield every role that the identity of `asked` can assume, or could with further condition keys, page by page.

        `asked` is a query without a role; `account_id` restricts the roles to one account.
        """
        page = _list_request(asked, account_id, page_size)
        while True:
            answer = self._call(self._decisions.ListAssumableRoles, page)
            yield from answer.roles
            if not answer.next_page_token:
                return
            page.page_token = answer.next_page_token

    def who_am_i(self) -> c.WhoAmIResponse:
        """Return how the server recognises this client."""
        return self._call(self._callers.WhoAmI, c.WhoAmIRequest())

    def can_i(
        self, action: str, resource: str = "", context: Mapping[str, Sequence[str]] | None = None
    ) -> c.CanIResponse:
        """Return whether this client may do `action` on `resource` (an ARN; empty: the action names none)."""
        keys = {key: d.ConditionValues(values=values) for key, values in (context or {}).items()}
        return self._call(self._callers.CanI, c.CanIRequest(action=action, resource=resource, context=keys))

    def who_can(self, role: str) -> d.ListTrustedPrincipalsResponse:
        """Return the principals that the trust policy of a role names, statement by statement."""
        request = d.ListTrustedPrincipalsRequest(role=role)
        return self._call(self._decisions.ListTrustedPrincipals, request)

    def explain(
        self,
        query: d.AssumeRoleQuery,
        *,
        consistency: d.Consistency | None = None,
        at_revision: int | None = None,
        assume_time: datetime | None = None,
    ) -> d.ExplainAssumeRoleResponse:
        """Return the decision of one query with an explanation.

        `assume_time` is the time that the decision assumes, UTC if it has no zone. `at_revision` selects the revision of the
        role that decides.
        """
        request = d.ExplainAssumeRoleRequest(query=query, consistency=consistency, at_revision=at_revision)
        if assume_time is not None:
            request.assume_time.FromDatetime(assume_time)
        return self._call(self._decisions.ExplainAssumeRole, request)

    def validate(self, document: str, *, ram: bool = False) -> p.ValidateTrustPolicyResponse:
        """Validate a trust policy; with `ram` against the language of RAM, without the extensions of Rolecall."""
        profile = p.POLICY_PROFILE_RAM if ram else p.POLICY_PROFILE_ROLECALL
        request = p.ValidateTrustPolicyRequest(document=document, profile=profile)
        return self._call(self._policies.ValidateTrustPolicy, request)

    def validate_permission_policy(
        self, document: str, *, ram: bool = False, session_policy: bool = False
    ) -> p.ValidatePermissionPolicyResponse:
        """Validate a permission policy, with `session_policy` one that a session is created with; `ram` as in `validate`."""
        profile = p.POLICY_PROFILE_RAM if ram else p.POLICY_PROFILE_ROLECALL
        request = p.ValidatePermissionPolicyRequest(document=document, profile=profile, session_policy=session_policy)
        return self._call(self._policies.ValidatePermissionPolicy, request)

    def create_role(self, request: r.CreateRoleRequest) -> r.CreateRoleResponse:
        """Create a role."""
        return self._call(self._roles.CreateRole, _identified(request))

    def get_role(self, role: str) -> r.GetRoleResponse:
        """Return one role with its trust policy."""
        return self._call(self._roles.GetRole, r.GetRoleRequest(role=role))

    def list_roles(self, request: r.ListRolesRequest) -> r.ListRolesResponse:
        """Return one page of the roles of an account."""
        return self._call(self._roles.ListRoles, request)

    def export_roles(
        self, account_id: str = "", *, tags: Mapping[str, str] | None = None
    ) -> Iterator[r.RoleDeclaration]:
        """Yield the roles of an account that have all of `tags`, page by page, in the form that `apply_roles` accepts."""
        request = r.ListRolesRequest(
            account_id=account_id, page_size=EXPORT_PAGE_SIZE, tags=tags, view=r.ROLE_VIEW_FULL
        )
        return map(_declaration, list_all_roles(self, request))

    def update_role(self, request: r.UpdateRoleRequest) -> r.UpdateRoleResponse:
        """Change a role."""
        return self._call(self._roles.UpdateRole, _identified(request))

    def delete_role(self, request: r.DeleteRoleRequest) -> r.DeleteRoleResponse:
        """Delete a role."""
        return self._call(self._roles.DeleteRole, _identified(request))

    def list_role_revisions(self, request: r.ListRoleRevisionsRequest) -> r.ListRoleRevisionsResponse:
        """Return one page of a role's history, the newest first."""
        return self._call(self._roles.ListRoleRevisions, request)

    def rollback_role(self, request: r.RollbackRoleRequest) -> r.RollbackRoleResponse:
        """Restore a role as it was at one of its revisions."""
        return self._call(self._roles.RollbackRole, _identified(request))

    def apply_roles(
        self,
        roles: Iterable[r.RoleDeclaration],
        *,
        prune_tags: Mapping[str, str] | None = None,
        prune_account_ids: Sequence[str] = (),
        validate_only: bool = False,
        request_id: str = "",
        change_reason: str = "",
        source: str = "",
        timeout: float = APPLY_TIMEOUT_SECONDS,
    ) -> r.ApplyRolesResponse:
        """Make the roles match their declarations in one atomic write.

        Roles that are not declared are deleted only if they have all of `prune_tags`, in `prune_account_ids`, or by default
        in the accounts of the declared roles.
        """
        selector = None if prune_tags is None else r.PruneSelector(tags=prune_tags, account_ids=prune_account_ids)
        options = r.ApplyRolesOptions(
            prune_selector=selector,
            validate_only=validate_only,
            request_id=request_id or str(uuid.uuid4()),
            change_reason=change_reason,
            source=source,
        )
        return self._call(self._roles.ApplyRoles, _apply_stream(options, roles), timeout)

    def watch_roles(
        self,
        *,
        start_token: str = "",
        account_ids: Iterable[str] = (),
        include_initial_state: bool = False,
        give_up_after: float = GIVE_UP_SECONDS,
        resumed: Resumed = lambda _error: None,
        opened: Opened = lambda _at: None,
    ) -> Generator[RoleWatchEvent, None, None]:
        """Yield each change of a role, in order and once, and checkpoints, until the caller closes the generator.

        The watch starts now, or after `start_token` (of a checkpoint or of a write), or with `include_initial_state`: then every
        role comes first as a change of kind CREATED, up to the first checkpoint. A stream that breaks is resumed, after `resumed`
        was called with the error; `opened` is called just before each stream is opened, with the time by `boottime`. When no
        message arrives for `give_up_after` seconds (for the first message: `timeout`) the error is raised. Raise
        `ResyncRequiredError` when changes are lost: discard what was built from the changes, and start a new watch with the
        initial state.
        """
        request = w.WatchRolesRequest(
            start_token=start_token, account_ids=account_ids, include_initial_state=include_initial_state
        )
        watch = Watch(
            self._watches.WatchRoles,
            request,
            timeout=self._timeout,
            give_up_after=give_up_after,
            resumed=resumed,
            opened=opened,
        )
        return watch.events()

    def _call(self, method: Callable[..., T], request: object, timeout: float | None = None) -> T:
        try:
            return method(request, timeout=self._timeout if timeout is None else timeout)
        except grpc.RpcError as error:
            raise error_of_call(error) from error


def list_all_roles(client: RolecallClient, request: r.ListRolesRequest) -> Iterator[r.Role]:
    """Yield every role that a request lists, page by page."""
    page = r.ListRolesRequest()
    page.CopyFrom(request)
    while True:
        answer = client.list_roles(page)
        yield from answer.roles
        if not answer.next_page_token:
            return
        page.page_token = answer.next_page_token


Write = TypeVar("Write", r.CreateRoleRequest, r.UpdateRoleRequest, r.DeleteRoleRequest, r.RollbackRoleRequest)


def _identified(request: Write) -> Write:
    if request.request_id:
        return request
    identified = type(request)()
    identified.CopyFrom(request)
    identified.request_id = str(uuid.uuid4())
    return identified


def _apply_stream(options: r.ApplyRolesOptions, roles: Iterable[r.RoleDeclaration]) -> Iterator[r.ApplyRolesRequest]:
    yield r.ApplyRolesRequest(options=options)
    chunk: list[r.RoleDeclaration] = []
    size = 0
    for role in roles:
        chunk.append(role)
        size += role.ByteSize()
        if size >= _CHUNK_BYTES:
            yield _chunk_of(chunk)
            chunk, size = [], 0
    if chunk:
        yield _chunk_of(chunk)


def _chunk_of(roles: Sequence[r.RoleDeclaration]) -> r.ApplyRolesRequest:
    return r.ApplyRolesRequest(roles=r.RoleChunk(roles=roles))


def _list_request(asked: d.AssumeRoleQuery, account_id: str, page_size: int) -> d.ListAssumableRolesRequest:
    kind = asked.WhichOneof("identity")
    return d.ListAssumableRolesRequest(
        principal=asked.principal if kind == "principal" else None,
        federated=asked.federated if kind == "federated" else None,
        oidc=asked.oidc if kind == "oidc" else None,
        oidc_token=asked.oidc_token if kind == "oidc_token" else None,
        context=asked.context,
        duration_seconds=asked.duration_seconds,
        role_session_name=asked.role_session_name,
        external_id=asked.external_id,
        source_identity=asked.source_identity,
        account_id=account_id,
        page_size=page_size,
    )


def _declaration(role: r.Role) -> r.RoleDeclaration:
    return r.RoleDeclaration(
        account_id=role.account_id,
        role_name=role.role_name,
        assume_role_policy_document=role.assume_role_policy_document,
        description=role.description,
        max_session_duration_seconds=role.max_session_duration_seconds,
        tags=role.tags,
    )
