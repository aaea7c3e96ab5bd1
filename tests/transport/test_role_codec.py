"""Every field of a write request reaches its command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from rolecall.roles.errors import InvalidFieldsError
from rolecall.transport.codecs import role as codec
from rolecall.transport.services.uploads import Upload
from rolecall_client.v1 import role_pb2 as pb

ELSEWHERE = {"request_id", "change_reason", "page_size", "page_token", "view"}
"""Fields that belong to the author of a write, or to a page, and not to the command."""

WRITES: dict[type[Message], Callable[[Any], object]] = {
    pb.CreateRoleRequest: codec.create_role,
    pb.UpdateRoleRequest: codec.update_role,
    pb.DeleteRoleRequest: codec.delete_role,
    pb.RollbackRoleRequest: codec.rollback_role,
    pb.UndeleteRoleRequest: codec.undelete_role,
    pb.ListChangesRequest: codec.change_filters,
}


def complete(kind: type[Message]) -> Any:
    """Return a message in which every field has a value."""
    message: Any = kind()
    for field in kind.DESCRIPTOR.fields:
        match field:
            case FieldDescriptor(message_type=entry) if entry is not None and entry.GetOptions().map_entry:
                getattr(message, field.name)["key"] = "value"
            case FieldDescriptor(message_type=inner) if inner is not None:
                getattr(message, field.name).paths.extend(codec.UPDATE_PATHS)
            case FieldDescriptor(is_repeated=True):
                values = [pb.CHANGE_KIND_CREATED, pb.CHANGE_KIND_DELETED] if field.enum_type else [field.name, "b"]
                getattr(message, field.name).extend(values)
            case FieldDescriptor(cpp_type=FieldDescriptor.CPPTYPE_STRING):
                setattr(message, field.name, field.name)
            case FieldDescriptor(cpp_type=FieldDescriptor.CPPTYPE_BOOL):
                setattr(message, field.name, True)
            case FieldDescriptor(enum_type=None):
                setattr(message, field.name, 5_000)
    return message


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, field.name, id=f"{kind.DESCRIPTOR.name}-{field.name}")
        for kind in WRITES
        for field in kind.DESCRIPTOR.fields
        if field.name not in ELSEWHERE
    ],
)
def test_a_field_of_a_request_reaches_the_command(kind: type[Message], field: str) -> None:
    message, other = complete(kind), complete(kind)
    if field == "update_mask":
        other.update_mask.paths.remove("description")
    else:
        other.ClearField(field)

    assert WRITES[kind](other) != WRITES[kind](message)


def upload(*declared: pb.RoleDeclaration, **options: Any) -> Upload:
    return Upload(pb.ApplyRolesOptions(**options), list(declared))


def test_every_field_of_an_upload_reaches_its_command() -> None:
    declared: pb.RoleDeclaration = complete(pb.RoleDeclaration)
    selector = pb.PruneSelector(tags={"a": "b"}, account_ids=["1", "2"])

    full = codec.apply_roles(upload(declared, declared, prune_selector=selector, validate_only=True))
    empty = codec.apply_roles(upload())

    assert [(one.account_id, one.role_name, one.document) for one in full.declarations] == [
        ("account_id", "role_name", "assume_role_policy_document")
    ] * 2
    (one, _) = full.declarations
    assert (one.description, one.max_session_duration_seconds, one.tags) == ("description", 5_000, {"key": "value"})
    assert (full.prune_tags, full.prune_accounts, full.validate_only) == ({"a": "b"}, ("1", "2"), True)
    assert (empty.declarations, empty.prune_tags, empty.prune_accounts, empty.validate_only) == ((), None, (), False)


@pytest.mark.parametrize(
    ("read", "violation"),
    [
        (
            lambda: codec.apply_roles(upload(prune_selector=pb.PruneSelector(account_ids=["1"]))),
            (
                "prune_selector.tags",
                "REQUIRED",
                "must have at least one tag; leave the selector out to prune nothing",
            ),
        ),
        (
            lambda: codec.known_view(9),  # type: ignore[arg-type]
            ("view", "UNKNOWN_ENUM_VALUE", "9 is not a view; leave it out, or use BASIC or FULL"),
        ),
        (
            lambda: codec.change_filters(
                pb.ListChangesRequest(kinds=[pb.CHANGE_KIND_CREATED, pb.CHANGE_KIND_UNCHANGED])
            ),
            (
                "kinds[1]",
                "UNKNOWN_ENUM_VALUE",
                "3 is not a kind of recorded change; use CREATED, UPDATED or DELETED",
            ),
        ),
        (
            lambda: codec.update_role(pb.UpdateRoleRequest(update_mask=FieldMask(paths=["tags", "x" * 65]))),
            (
                "update_mask",
                "UNKNOWN_FIELD_PATH",
                (
                    f"`{'x' * 64}` is not a field that can be updated; use one of `assume_role_policy_document`,"
                    " `description`, `max_session_duration_seconds`, `tags`"
                ),
            ),
        ),
    ],
    ids=["prune", "view", "kind", "mask"],
)
def test_a_request_that_cannot_be_read_has_one_violation_with_a_hint(
    read: Callable[[], object], violation: tuple[str, str, str]
) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        read()

    assert [(one.field, one.reason, one.message) for one in refused.value.violations] == [violation]


def test_every_unknown_path_of_a_mask_is_a_violation() -> None:
    mask = FieldMask(paths=["a", "description", "b"])

    with pytest.raises(InvalidFieldsError) as refused:
        codec.update_role(pb.UpdateRoleRequest(update_mask=mask))

    assert [one.message.split("`")[1] for one in refused.value.violations] == ["a", "b"]


@pytest.mark.parametrize("view", pb.RoleView.values())
def test_every_view_of_the_contract_is_known(view: Any) -> None:
    assert codec.known_view(view) == view
