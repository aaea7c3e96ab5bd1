"""The requests of both clients, and what they read from the responses."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from rolecall_client.v1 import caller_pb2 as c, decision_pb2 as d, policy_pb2 as p, role_pb2 as r, watch_pb2 as w
from rolecall_client.values import Values, condition_values

PAGE_SIZE = 1_000
EXPORT_PAGE_SIZE = 500
"""The roles of one page with their trust policies: 8 MB, if each has the longest that a server accepts by default."""

_CHUNK_BYTES = 512 * 1024

Tags = Mapping[str, str]
Write = TypeVar(
    "Write",
    r.CreateRoleRequest,
    r.UpdateRoleRequest,
    r.DeleteRoleRequest,
    r.UndeleteRoleRequest,
    r.RollbackRoleRequest,
)
Listing = TypeVar("Listing", r.ListRolesRequest, r.ListChangesRequest)


def explain_request(
    query: d.AssumeRoleQuery,
    consistency: d.Consistency | None,
    at_revision: int | None,
    assume_time: datetime | None,
) -> d.ExplainAssumeRoleRequest:
    """Return the request of an explanation."""
    request = d.ExplainAssumeRoleRequest(query=query, consistency=consistency, at_revision=at_revision)
    if assume_time is not None:
        request.assume_time.FromDatetime(assume_time)
    return request


def assumable_roles_request(asked: d.AssumeRoleQuery, account_id: str, page_size: int) -> d.ListAssumableRolesRequest:
    """Return the request of the first page of a reverse query."""
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


def can_i_request(action: str, resource: str, context: Values | None) -> c.CanIRequest:
    """Return the question whether the caller may do `action`."""
    return c.CanIRequest(action=action, resource=resource, context=condition_values(context or {}))


def profile_of(*, ram: bool) -> p.PolicyProfile:
    """Return the language that a policy is validated against."""
    return p.POLICY_PROFILE_RAM if ram else p.POLICY_PROFILE_ROLECALL


def identified(request: Write) -> Write:
    """Return the request of a write with a request id, so that a repeat is harmless."""
    if request.request_id:
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = str(uuid.uuid4())
    return copy


def apply_options(
    *,
    prune_tags: Tags | None,
    prune_account_ids: Sequence[str],
    validate_only: bool,
    request_id: str,
    change_reason: str,
    source: str,
) -> r.ApplyRolesOptions:
    """Return the options of an apply."""
    selector = None if prune_tags is None else r.PruneSelector(tags=prune_tags, account_ids=prune_account_ids)
    return r.ApplyRolesOptions(
        prune_selector=selector,
        validate_only=validate_only,
        request_id=request_id or str(uuid.uuid4()),
        change_reason=change_reason,
        source=source,
    )


def apply_stream(options: r.ApplyRolesOptions, roles: Iterable[r.RoleDeclaration]) -> Iterator[r.ApplyRolesRequest]:
    """Yield the messages of an apply: the options, then the roles in chunks."""
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


def export_request(account_id: str, tags: Tags | None) -> r.ListRolesRequest:
    """Return the request of the first page of an export."""
    return r.ListRolesRequest(account_id=account_id, page_size=EXPORT_PAGE_SIZE, tags=tags, view=r.ROLE_VIEW_FULL)


def declaration_of(role: r.Role) -> r.RoleDeclaration:
    """Return a role in the form that an apply accepts."""
    return r.RoleDeclaration(
        account_id=role.account_id,
        role_name=role.role_name,
        assume_role_policy_document=role.assume_role_policy_document,
        description=role.description,
        max_session_duration_seconds=role.max_session_duration_seconds,
        tags=role.tags,
    )


def copied(request: Listing) -> Listing:
    """Return a copy, whose page token may change."""
    copy = type(request)()
    copy.CopyFrom(request)
    return copy


def watch_request(start_token: str, account_ids: Iterable[str], include_initial_state: bool) -> w.WatchRolesRequest:  # noqa: FBT001
    """Return the request of a watch."""
    return w.WatchRolesRequest(
        start_token=start_token, account_ids=account_ids, include_initial_state=include_initial_state
    )


def _chunk_of(roles: Sequence[r.RoleDeclaration]) -> r.ApplyRolesRequest:
    return r.ApplyRolesRequest(roles=r.RoleChunk(roles=roles))
