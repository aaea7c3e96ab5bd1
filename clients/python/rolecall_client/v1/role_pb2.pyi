import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RoleView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_VIEW_UNSPECIFIED: _ClassVar[RoleView]
    ROLE_VIEW_BASIC: _ClassVar[RoleView]
    ROLE_VIEW_FULL: _ClassVar[RoleView]

class ChangeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_KIND_UNSPECIFIED: _ClassVar[ChangeKind]
    CHANGE_KIND_CREATED: _ClassVar[ChangeKind]
    CHANGE_KIND_UPDATED: _ClassVar[ChangeKind]
    CHANGE_KIND_UNCHANGED: _ClassVar[ChangeKind]
    CHANGE_KIND_DELETED: _ClassVar[ChangeKind]
ROLE_VIEW_UNSPECIFIED: RoleView
ROLE_VIEW_BASIC: RoleView
ROLE_VIEW_FULL: RoleView
CHANGE_KIND_UNSPECIFIED: ChangeKind
CHANGE_KIND_CREATED: ChangeKind
CHANGE_KIND_UPDATED: ChangeKind
CHANGE_KIND_UNCHANGED: ChangeKind
CHANGE_KIND_DELETED: ChangeKind

class Role(_message.Message):
    __slots__ = ("role_id", "role_name", "arn", "account_id", "description", "assume_role_policy_document", "max_session_duration_seconds", "tags", "create_time", "update_time", "etag", "revision")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ASSUME_ROLE_POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    role_id: str
    role_name: str
    arn: str
    account_id: str
    description: str
    assume_role_policy_document: str
    max_session_duration_seconds: int
    tags: _containers.ScalarMap[str, str]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    revision: int
    def __init__(self, role_id: _Optional[str] = ..., role_name: _Optional[str] = ..., arn: _Optional[str] = ..., account_id: _Optional[str] = ..., description: _Optional[str] = ..., assume_role_policy_document: _Optional[str] = ..., max_session_duration_seconds: _Optional[int] = ..., tags: _Optional[_Mapping[str, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class CreateRoleRequest(_message.Message):
    __slots__ = ("account_id", "role_name", "assume_role_policy_document", "description", "max_session_duration_seconds", "tags", "request_id", "change_reason", "validate_only")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ASSUME_ROLE_POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    role_name: str
    assume_role_policy_document: str
    description: str
    max_session_duration_seconds: int
    tags: _containers.ScalarMap[str, str]
    request_id: str
    change_reason: str
    validate_only: bool
    def __init__(self, account_id: _Optional[str] = ..., role_name: _Optional[str] = ..., assume_role_policy_document: _Optional[str] = ..., description: _Optional[str] = ..., max_session_duration_seconds: _Optional[int] = ..., tags: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class CreateRoleResponse(_message.Message):
    __slots__ = ("role", "consistency_token")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role: Role
    consistency_token: str
    def __init__(self, role: _Optional[_Union[Role, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class GetRoleRequest(_message.Message):
    __slots__ = ("role",)
    ROLE_FIELD_NUMBER: _ClassVar[int]
    role: str
    def __init__(self, role: _Optional[str] = ...) -> None: ...

class GetRoleResponse(_message.Message):
    __slots__ = ("role", "consistency_token")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role: Role
    consistency_token: str
    def __init__(self, role: _Optional[_Union[Role, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ListRolesRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token", "name_prefix", "tags", "view")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_PREFIX_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    page_size: int
    page_token: str
    name_prefix: str
    tags: _containers.ScalarMap[str, str]
    view: RoleView
    def __init__(self, account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., name_prefix: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., view: _Optional[_Union[RoleView, str]] = ...) -> None: ...

class ListRolesResponse(_message.Message):
    __slots__ = ("roles", "next_page_token", "consistency_token")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedCompositeFieldContainer[Role]
    next_page_token: str
    consistency_token: str
    def __init__(self, roles: _Optional[_Iterable[_Union[Role, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class UpdateRoleRequest(_message.Message):
    __slots__ = ("role", "assume_role_policy_document", "description", "max_session_duration_seconds", "tags", "update_mask", "etag", "request_id", "change_reason", "validate_only")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ASSUME_ROLE_POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    role: str
    assume_role_policy_document: str
    description: str
    max_session_duration_seconds: int
    tags: _containers.ScalarMap[str, str]
    update_mask: _field_mask_pb2.FieldMask
    etag: str
    request_id: str
    change_reason: str
    validate_only: bool
    def __init__(self, role: _Optional[str] = ..., assume_role_policy_document: _Optional[str] = ..., description: _Optional[str] = ..., max_session_duration_seconds: _Optional[int] = ..., tags: _Optional[_Mapping[str, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class UpdateRoleResponse(_message.Message):
    __slots__ = ("role", "consistency_token")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role: Role
    consistency_token: str
    def __init__(self, role: _Optional[_Union[Role, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class DeleteRoleRequest(_message.Message):
    __slots__ = ("role", "etag", "request_id", "change_reason", "validate_only")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    role: str
    etag: str
    request_id: str
    change_reason: str
    validate_only: bool
    def __init__(self, role: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class DeleteRoleResponse(_message.Message):
    __slots__ = ("consistency_token",)
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consistency_token: str
    def __init__(self, consistency_token: _Optional[str] = ...) -> None: ...

class UndeleteRoleRequest(_message.Message):
    __slots__ = ("role", "role_id", "request_id", "change_reason", "validate_only")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    role: str
    role_id: str
    request_id: str
    change_reason: str
    validate_only: bool
    def __init__(self, role: _Optional[str] = ..., role_id: _Optional[str] = ..., request_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class UndeleteRoleResponse(_message.Message):
    __slots__ = ("role", "consistency_token")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role: Role
    consistency_token: str
    def __init__(self, role: _Optional[_Union[Role, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ListRoleRevisionsRequest(_message.Message):
    __slots__ = ("role", "page_size", "page_token", "role_id")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    role: str
    page_size: int
    page_token: str
    role_id: str
    def __init__(self, role: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., role_id: _Optional[str] = ...) -> None: ...

class ListRoleRevisionsResponse(_message.Message):
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[RoleRevision]
    next_page_token: str
    def __init__(self, revisions: _Optional[_Iterable[_Union[RoleRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RoleRevision(_message.Message):
    __slots__ = ("revision", "change_time", "actor", "change_reason", "kind", "role")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    change_time: _timestamp_pb2.Timestamp
    actor: str
    change_reason: str
    kind: ChangeKind
    role: Role
    def __init__(self, revision: _Optional[int] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., change_reason: _Optional[str] = ..., kind: _Optional[_Union[ChangeKind, str]] = ..., role: _Optional[_Union[Role, _Mapping]] = ...) -> None: ...

class RollbackRoleRequest(_message.Message):
    __slots__ = ("role", "revision", "etag", "request_id", "change_reason")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    role: str
    revision: int
    etag: str
    request_id: str
    change_reason: str
    def __init__(self, role: _Optional[str] = ..., revision: _Optional[int] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., change_reason: _Optional[str] = ...) -> None: ...

class RollbackRoleResponse(_message.Message):
    __slots__ = ("role", "consistency_token")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role: Role
    consistency_token: str
    def __init__(self, role: _Optional[_Union[Role, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ApplyRolesRequest(_message.Message):
    __slots__ = ("options", "roles")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    options: ApplyRolesOptions
    roles: RoleChunk
    def __init__(self, options: _Optional[_Union[ApplyRolesOptions, _Mapping]] = ..., roles: _Optional[_Union[RoleChunk, _Mapping]] = ...) -> None: ...

class ApplyRolesOptions(_message.Message):
    __slots__ = ("prune_selector", "validate_only", "request_id", "change_reason", "source")
    PRUNE_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    prune_selector: PruneSelector
    validate_only: bool
    request_id: str
    change_reason: str
    source: str
    def __init__(self, prune_selector: _Optional[_Union[PruneSelector, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class PruneSelector(_message.Message):
    __slots__ = ("tags", "account_ids")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.ScalarMap[str, str]
    account_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, tags: _Optional[_Mapping[str, str]] = ..., account_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RoleChunk(_message.Message):
    __slots__ = ("roles",)
    ROLES_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedCompositeFieldContainer[RoleDeclaration]
    def __init__(self, roles: _Optional[_Iterable[_Union[RoleDeclaration, _Mapping]]] = ...) -> None: ...

class RoleDeclaration(_message.Message):
    __slots__ = ("account_id", "role_name", "assume_role_policy_document", "description", "max_session_duration_seconds", "tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ASSUME_ROLE_POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    role_name: str
    assume_role_policy_document: str
    description: str
    max_session_duration_seconds: int
    tags: _containers.ScalarMap[str, str]
    def __init__(self, account_id: _Optional[str] = ..., role_name: _Optional[str] = ..., assume_role_policy_document: _Optional[str] = ..., description: _Optional[str] = ..., max_session_duration_seconds: _Optional[int] = ..., tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ApplyRolesResponse(_message.Message):
    __slots__ = ("changes", "consistency_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[RoleChange]
    consistency_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[RoleChange, _Mapping]]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class RoleChange(_message.Message):
    __slots__ = ("kind", "role_arn", "diff")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    kind: ChangeKind
    role_arn: str
    diff: str
    def __init__(self, kind: _Optional[_Union[ChangeKind, str]] = ..., role_arn: _Optional[str] = ..., diff: _Optional[str] = ...) -> None: ...

class ListChangesRequest(_message.Message):
    __slots__ = ("start_revision", "account_ids", "name_prefix", "role", "kinds", "actor", "newest_first", "view", "page_size", "page_token")
    START_REVISION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    NAME_PREFIX_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    start_revision: int
    account_ids: _containers.RepeatedScalarFieldContainer[str]
    name_prefix: str
    role: str
    kinds: _containers.RepeatedScalarFieldContainer[ChangeKind]
    actor: str
    newest_first: bool
    view: RoleView
    page_size: int
    page_token: str
    def __init__(self, start_revision: _Optional[int] = ..., account_ids: _Optional[_Iterable[str]] = ..., name_prefix: _Optional[str] = ..., role: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[ChangeKind, str]]] = ..., actor: _Optional[str] = ..., newest_first: bool = ..., view: _Optional[_Union[RoleView, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token", "revision", "oldest_revision", "consistency_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OLDEST_REVISION_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[RecordedChange]
    next_page_token: str
    revision: int
    oldest_revision: int
    consistency_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[RecordedChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., oldest_revision: _Optional[int] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class RecordedChange(_message.Message):
    __slots__ = ("revision", "time", "actor", "reason", "kind", "role", "source")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    time: _timestamp_pb2.Timestamp
    actor: str
    reason: str
    kind: ChangeKind
    role: Role
    source: str
    def __init__(self, revision: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., kind: _Optional[_Union[ChangeKind, str]] = ..., role: _Optional[_Union[Role, _Mapping]] = ..., source: _Optional[str] = ...) -> None: ...
