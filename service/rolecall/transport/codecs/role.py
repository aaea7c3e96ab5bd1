"""Decode the requests of RoleService to commands; encode roles, their history and their changes."""

from __future__ import annotations

from collections.abc import Iterable

from rolecall.roles.change import ChangeKind, LoggedChange, RoleRevision
from rolecall.roles.change_pages import ChangeFilters, ChangesPage
from rolecall.roles.commands import (
    ApplyRoles,
    CreateRole,
    DeleteRole,
    Page,
    RoleDeclaration,
    RoleDifference,
    RollbackRole,
    UndeleteRole,
    UpdateRole,
    Written,
)
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.role import DEFAULT_SESSION_SECONDS, Role
from rolecall.transport.codecs.decision import timestamp
from rolecall.transport.services.uploads import Upload
from rolecall_client.v1 import role_pb2 as pb

KINDS = {
    ChangeKind.CREATED: pb.CHANGE_KIND_CREATED,
    ChangeKind.UPDATED: pb.CHANGE_KIND_UPDATED,
    ChangeKind.UNCHANGED: pb.CHANGE_KIND_UNCHANGED,
    ChangeKind.DELETED: pb.CHANGE_KIND_DELETED,
}
"""The kinds of change in the contract."""

_LOGGED_KINDS = {number: kind for kind, number in KINDS.items() if kind is not ChangeKind.UNCHANGED}

_DOCUMENT, _DESCRIPTION, _SECONDS, _TAGS = UPDATE_PATHS = (
    "assume_role_policy_document",
    "description",
    "max_session_duration_seconds",
    "tags",
)


def create_role(message: pb.CreateRoleRequest) -> CreateRole:
    """Return the command of a message."""
    return CreateRole(
        account_id=message.account_id,
        role_name=message.role_name,
        document=message.assume_role_policy_document,
        description=message.description,
        max_session_duration_seconds=message.max_session_duration_seconds,
        tags=dict(message.tags),
        validate_only=message.validate_only,
    )


def update_role(message: pb.UpdateRoleRequest) -> UpdateRole:
    """Return the command of a message. It changes the fields of the update mask, or without a mask those that are set.

    A field that the mask names but the message does not set is reset to its default. Raise `InvalidFieldsError` for an
    unknown path.
    """
    paths = _paths(message)
    seconds = message.max_session_duration_seconds if _present(message, _SECONDS) else DEFAULT_SESSION_SECONDS
    return UpdateRole(
        role=message.role,
        document=message.assume_role_policy_document if _DOCUMENT in paths else None,
        description=message.description if _DESCRIPTION in paths else None,
        max_session_duration_seconds=seconds if _SECONDS in paths else None,
        tags=dict(message.tags) if _TAGS in paths else None,
        etag=message.etag,
        validate_only=message.validate_only,
    )


def delete_role(message: pb.DeleteRoleRequest) -> DeleteRole:
    """Return the command of a message."""
    return DeleteRole(role=message.role, etag=message.etag, validate_only=message.validate_only)


def undelete_role(message: pb.UndeleteRoleRequest) -> UndeleteRole:
    """Return the command of a message."""
    return UndeleteRole(role=message.role, role_id=message.role_id, validate_only=message.validate_only)


def rollback_role(message: pb.RollbackRoleRequest) -> RollbackRole:
    """Return the command of a message."""
    return RollbackRole(role=message.role, revision=message.revision, etag=message.etag)


def apply_roles(upload: Upload) -> ApplyRoles:
    """Return the command of an upload; raise `InvalidFieldsError` for a prune selector without tags, which matches every role."""
    options = upload.options
    pruning = options.HasField("prune_selector")
    if pruning and not options.prune_selector.tags:
        raise _violation(
            "prune_selector.tags", "REQUIRED", "must have at least one tag; leave the selector out to prune nothing"
        )
    return ApplyRoles(
        declarations=tuple(map(_declaration, upload.roles)),
        prune_tags=dict(options.prune_selector.tags) if pruning else None,
        prune_accounts=tuple(options.prune_selector.account_ids),
        validate_only=options.validate_only,
    )


def role(value: Role, *, with_document: bool = True) -> pb.Role:
    """Return the message of a role."""
    return pb.Role(
        role_id=value.role_id,
        role_name=value.role_name,
        arn=value.arn,
        account_id=value.account_id,
        description=value.description,
        assume_role_policy_document=value.document if with_document else "",
        max_session_duration_seconds=value.max_session_duration_seconds,
        tags=value.tags,
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        etag=value.etag,
        revision=value.revision,
    )


def role_name(value: Role) -> pb.Role:
    """Return the message of a role without its content: which role and which version of it it is."""
    return pb.Role(
        role_id=value.role_id,
        role_name=value.role_name,
        arn=value.arn,
        account_id=value.account_id,
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        etag=value.etag,
        revision=value.revision,
    )


def list_response(page: Page[Role], view: pb.RoleView, token: str) -> pb.ListRolesResponse:
    """Return the message of a page of roles."""
    with_document = view == pb.ROLE_VIEW_FULL
    roles = [role(value, with_document=with_document) for value in page.items]
    return pb.ListRolesResponse(roles=roles, next_page_token=page.next_page_token, consistency_token=token)


def revisions_response(page: Page[RoleRevision]) -> pb.ListRoleRevisionsResponse:
    """Return the message of a page of a role's history."""
    return pb.ListRoleRevisionsResponse(revisions=map(_revision, page.items), next_page_token=page.next_page_token)


def change_filters(message: pb.ListChangesRequest) -> ChangeFilters:
    """Return the filters of a message; raise `InvalidFieldsError` for a kind of change that no log has."""
    return ChangeFilters(
        start_revision=message.start_revision,
        account_ids=tuple(message.account_ids),
        name_prefix=message.name_prefix,
        role=message.role,
        kinds=frozenset(_logged_kind(number, kind) for number, kind in enumerate(message.kinds)),
        actor=message.actor,
        newest_first=message.newest_first,
    )


def changes_response(page: ChangesPage, view: pb.RoleView, token: str) -> pb.ListChangesResponse:
    """Return the message of a page of changes."""
    with_document = view == pb.ROLE_VIEW_FULL
    return pb.ListChangesResponse(
        changes=[_logged(value, with_document=with_document) for value in page.items],
        next_page_token=page.next_page_token,
        revision=page.revision,
        oldest_revision=page.oldest,
        consistency_token=token,
    )


def apply_response(written: Written[tuple[RoleDifference, ...]], token: str) -> pb.ApplyRolesResponse:
    """Return the message of the changes that an apply made."""
    return pb.ApplyRolesResponse(changes=_changes(written.result), consistency_token=token)


def known_view(view: pb.RoleView) -> pb.RoleView:
    """Return the view; raise `InvalidFieldsError` if it is not a value of the enum."""
    if view not in pb.RoleView.values():
        raise _violation("view", "UNKNOWN_ENUM_VALUE", f"{int(view)} is not a view; leave it out, or use BASIC or FULL")
    return view


def _changes(differences: Iterable[RoleDifference]) -> list[pb.RoleChange]:
    return [pb.RoleChange(kind=KINDS[d.kind], role_arn=d.role_arn, diff=d.diff) for d in differences]


def _revision(value: RoleRevision) -> pb.RoleRevision:
    return pb.RoleRevision(
        revision=value.revision,
        change_time=timestamp(value.author.time),
        actor=value.author.actor,
        change_reason=value.author.change_reason,
        kind=KINDS[value.change.kind],
        role=role(value.change.role),
    )


def _logged(value: LoggedChange, *, with_document: bool) -> pb.RecordedChange:
    author, change = value.author, value.change
    return pb.RecordedChange(
        revision=value.position.revision,
        time=timestamp(author.time),
        actor=author.actor,
        reason=author.change_reason,
        kind=KINDS[change.kind],
        role=role(change.role, with_document=with_document),
        source=author.source,
    )


def _logged_kind(number: int, kind: pb.ChangeKind) -> ChangeKind:
    if known := _LOGGED_KINDS.get(kind):
        return known
    text = f"{int(kind)} is not a kind of recorded change; use CREATED, UPDATED or DELETED"
    raise _violation(f"kinds[{number}]", "UNKNOWN_ENUM_VALUE", text)


def _declaration(message: pb.RoleDeclaration) -> RoleDeclaration:
    return RoleDeclaration(
        account_id=message.account_id,
        role_name=message.role_name,
        document=message.assume_role_policy_document,
        description=message.description,
        max_session_duration_seconds=message.max_session_duration_seconds,
        tags=dict(message.tags),
    )


def _paths(message: pb.UpdateRoleRequest) -> frozenset[str]:
    if not message.HasField("update_mask"):
        return frozenset(path for path in UPDATE_PATHS if _present(message, path))
    unknown = [path for path in message.update_mask.paths if path not in UPDATE_PATHS]
    if unknown:
        raise InvalidFieldsError(_unknown_path(path) for path in unknown)
    return frozenset(message.update_mask.paths)


def _present(message: pb.UpdateRoleRequest, path: str) -> bool:
    return bool(message.tags) if path == _TAGS else any(field.name == path for field, _ in message.ListFields())


def _unknown_path(path: str) -> FieldViolation:
    known = ", ".join(f"`{known}`" for known in UPDATE_PATHS)
    text = f"`{path[:64]}` is not a field that can be updated; use one of {known}"
    return FieldViolation(field="update_mask", reason="UNKNOWN_FIELD_PATH", message=text)


def _violation(field: str, reason: str, message: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldViolation(field=field, reason=reason, message=message)])
