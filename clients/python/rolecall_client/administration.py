"""The methods of the client beside decisions: roles, policies, and what the caller may do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from rolecall_client.calls import Calls
from rolecall_client.checks import CallOptions, Metadata
from rolecall_client.methods import (
    APPLY_ROLES,
    CAN_I,
    CREATE_ROLE,
    DELETE_ROLE,
    GET_ROLE,
    LIST_CHANGES,
    LIST_ROLE_REVISIONS,
    LIST_ROLES,
    ROLLBACK_ROLE,
    UNDELETE_ROLE,
    UPDATE_ROLE,
    VALIDATE_PERMISSION_POLICY,
    VALIDATE_TRUST_POLICY,
    WHO_AM_I,
)
from rolecall_client.requests import (
    apply_options,
    apply_stream,
    can_i_request,
    copied,
    declaration_of,
    export_request,
    identified,
    profile_of,
)
from rolecall_client.v1 import caller_pb2 as c, policy_pb2 as p, role_pb2 as r
from rolecall_client.values import Values

APPLY_TIMEOUT_SECONDS = 300.0


class ListsRoles(Protocol):
    """What lists roles page by page: a client."""

    def list_roles(self, request: r.ListRolesRequest) -> r.ListRolesResponse:
        """Return one page."""
        ...


class ListsChanges(Protocol):
    """What lists changes page by page: a client."""

    def list_changes(self, request: r.ListChangesRequest) -> r.ListChangesResponse:
        """Return one page."""
        ...


class Administration:
    """Administration of roles and policies, and the rights of the caller: a part of `RolecallClient`."""

    _calls: Calls

    def _options(self, timeout: float | None, metadata: Metadata) -> CallOptions:
        raise NotImplementedError

    def create_role(
        self, request: r.CreateRoleRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.CreateRoleResponse:
        """Create a role."""
        return self._calls.unary(CREATE_ROLE, identified(request), self._options(timeout, metadata))

    def get_role(self, role: str, *, timeout: float | None = None, metadata: Metadata = ()) -> r.GetRoleResponse:
        """Return one role with its trust policy."""
        return self._calls.unary(GET_ROLE, r.GetRoleRequest(role=role), self._options(timeout, metadata))

    def list_roles(
        self, request: r.ListRolesRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.ListRolesResponse:
        """Return one page of the roles of an account."""
        return self._calls.unary(LIST_ROLES, request, self._options(timeout, metadata))

    def export_roles(
        self,
        account_id: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Iterator[r.RoleDeclaration]:
        """Yield the roles of an account that have all of `tags`, page by page, in the form that `apply_roles` accepts."""
        page, options = export_request(account_id, tags), self._options(timeout, metadata)
        while True:
            answer = self._calls.unary(LIST_ROLES, page, options)
            yield from map(declaration_of, answer.roles)
            if not answer.next_page_token:
                return
            page.page_token = answer.next_page_token

    def update_role(
        self, request: r.UpdateRoleRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.UpdateRoleResponse:
        """Change a role."""
        return self._calls.unary(UPDATE_ROLE, identified(request), self._options(timeout, metadata))

    def delete_role(
        self, request: r.DeleteRoleRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.DeleteRoleResponse:
        """Delete a role."""
        return self._calls.unary(DELETE_ROLE, identified(request), self._options(timeout, metadata))

    def list_role_revisions(
        self, request: r.ListRoleRevisionsRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.ListRoleRevisionsResponse:
        """Return one page of a role's history, the newest first."""
        return self._calls.unary(LIST_ROLE_REVISIONS, request, self._options(timeout, metadata))

    def list_changes(
        self, request: r.ListChangesRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.ListChangesResponse:
        """Return one page of the changes of roles: what was changed when, by whom and why. A page may be empty and not the last."""
        return self._calls.unary(LIST_CHANGES, request, self._options(timeout, metadata))

    def undelete_role(
        self, request: r.UndeleteRoleRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.UndeleteRoleResponse:
        """Restore a deleted role as it was when it was deleted."""
        return self._calls.unary(UNDELETE_ROLE, identified(request), self._options(timeout, metadata))

    def rollback_role(
        self, request: r.RollbackRoleRequest, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> r.RollbackRoleResponse:
        """Restore a role as it was at one of its revisions."""
        return self._calls.unary(ROLLBACK_ROLE, identified(request), self._options(timeout, metadata))

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
        timeout: float | None = APPLY_TIMEOUT_SECONDS,
        metadata: Metadata = (),
    ) -> r.ApplyRolesResponse:
        """Make the roles match their declarations in one atomic write.

        Roles that are not declared are deleted only if they have all of `prune_tags`, in `prune_account_ids`, or by default
        in the accounts of the declared roles.
        """
        options = apply_options(
            prune_tags=prune_tags,
            prune_account_ids=prune_account_ids,
            validate_only=validate_only,
            request_id=request_id,
            change_reason=change_reason,
            source=source,
        )
        return self._calls.upload(APPLY_ROLES, apply_stream(options, roles), self._options(timeout, metadata))

    def who_am_i(self, *, timeout: float | None = None, metadata: Metadata = ()) -> c.WhoAmIResponse:
        """Return how the server recognises this client."""
        return self._calls.unary(WHO_AM_I, c.WhoAmIRequest(), self._options(timeout, metadata))

    def can_i(
        self,
        action: str,
        resource: str = "",
        context: Values | None = None,
        *,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> c.CanIResponse:
        """Return whether this client may do `action` on `resource` (an ARN; empty: the action names none)."""
        return self._calls.unary(CAN_I, can_i_request(action, resource, context), self._options(timeout, metadata))

    def validate(
        self, document: str, *, ram: bool = False, timeout: float | None = None, metadata: Metadata = ()
    ) -> p.ValidateTrustPolicyResponse:
        """Validate a trust policy; with `ram` against the language of RAM, without the extensions of Rolecall."""
        request = p.ValidateTrustPolicyRequest(document=document, profile=profile_of(ram=ram))
        return self._calls.unary(VALIDATE_TRUST_POLICY, request, self._options(timeout, metadata))

    def validate_permission_policy(
        self,
        document: str,
        *,
        ram: bool = False,
        session_policy: bool = False,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> p.ValidatePermissionPolicyResponse:
        """Validate a permission policy, with `session_policy` one that a session is created with; `ram` as in `validate`."""
        request = p.ValidatePermissionPolicyRequest(
            document=document, profile=profile_of(ram=ram), session_policy=session_policy
        )
        return self._calls.unary(VALIDATE_PERMISSION_POLICY, request, self._options(timeout, metadata))


def list_all_roles(client: ListsRoles, request: r.ListRolesRequest) -> Iterator[r.Role]:
    """Yield every role that a request lists, page by page."""
    page = copied(request)
    while True:
        answer = client.list_roles(page)
        yield from answer.roles
        if not answer.next_page_token:
            return
        page.page_token = answer.next_page_token


def list_all_changes(client: ListsChanges, request: r.ListChangesRequest) -> Iterator[r.RecordedChange]:
    """Yield every change that a request lists, page by page."""
    page = copied(request)
    while True:
        answer = client.list_changes(page)
        yield from answer.changes
        if not answer.next_page_token:
            return
        page.page_token = answer.next_page_token
