import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from rolecall_client.v1 import role_pb2 as _role_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WatchRolesRequest(_message.Message):
    __slots__ = ("start_token", "account_ids", "include_initial_state", "batched")
    START_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_INITIAL_STATE_FIELD_NUMBER: _ClassVar[int]
    BATCHED_FIELD_NUMBER: _ClassVar[int]
    start_token: str
    account_ids: _containers.RepeatedScalarFieldContainer[str]
    include_initial_state: bool
    batched: bool
    def __init__(self, start_token: _Optional[str] = ..., account_ids: _Optional[_Iterable[str]] = ..., include_initial_state: bool = ..., batched: bool = ...) -> None: ...

class WatchRolesResponse(_message.Message):
    __slots__ = ("change", "checkpoint", "resync_required", "batch")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    RESYNC_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    change: RoleWatchChange
    checkpoint: WatchCheckpoint
    resync_required: ResyncRequired
    batch: WatchBatch
    def __init__(self, change: _Optional[_Union[RoleWatchChange, _Mapping]] = ..., checkpoint: _Optional[_Union[WatchCheckpoint, _Mapping]] = ..., resync_required: _Optional[_Union[ResyncRequired, _Mapping]] = ..., batch: _Optional[_Union[WatchBatch, _Mapping]] = ...) -> None: ...

class RoleWatchChange(_message.Message):
    __slots__ = ("revision", "kind", "role")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    kind: _role_pb2.ChangeKind
    role: _role_pb2.Role
    def __init__(self, revision: _Optional[int] = ..., kind: _Optional[_Union[_role_pb2.ChangeKind, str]] = ..., role: _Optional[_Union[_role_pb2.Role, _Mapping]] = ...) -> None: ...

class WatchBatch(_message.Message):
    __slots__ = ("changes", "checkpoint")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[RoleWatchChange]
    checkpoint: WatchCheckpoint
    def __init__(self, changes: _Optional[_Iterable[_Union[RoleWatchChange, _Mapping]]] = ..., checkpoint: _Optional[_Union[WatchCheckpoint, _Mapping]] = ...) -> None: ...

class WatchCheckpoint(_message.Message):
    __slots__ = ("revision", "token", "staleness", "stream_age")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    STALENESS_FIELD_NUMBER: _ClassVar[int]
    STREAM_AGE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    token: str
    staleness: _duration_pb2.Duration
    stream_age: _duration_pb2.Duration
    def __init__(self, revision: _Optional[int] = ..., token: _Optional[str] = ..., staleness: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stream_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ResyncRequired(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...
