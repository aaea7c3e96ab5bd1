import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rolecall_client.v1 import decision_pb2 as _decision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_KIND_UNSPECIFIED: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_SPIFFE: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_DNS: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_OIDC: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_TOKEN: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_UID: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_LOCAL: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_LOCAL_ADMIN: _ClassVar[CredentialKind]
    CREDENTIAL_KIND_ANONYMOUS: _ClassVar[CredentialKind]
CREDENTIAL_KIND_UNSPECIFIED: CredentialKind
CREDENTIAL_KIND_SPIFFE: CredentialKind
CREDENTIAL_KIND_DNS: CredentialKind
CREDENTIAL_KIND_OIDC: CredentialKind
CREDENTIAL_KIND_TOKEN: CredentialKind
CREDENTIAL_KIND_UID: CredentialKind
CREDENTIAL_KIND_LOCAL: CredentialKind
CREDENTIAL_KIND_LOCAL_ADMIN: CredentialKind
CREDENTIAL_KIND_ANONYMOUS: CredentialKind

class WhoAmIRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhoAmIResponse(_message.Message):
    __slots__ = ("identity", "credential_kind", "entries", "principal", "policies", "generation", "expire_time")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_KIND_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    identity: str
    credential_kind: CredentialKind
    entries: _containers.RepeatedScalarFieldContainer[str]
    principal: str
    policies: _containers.RepeatedScalarFieldContainer[str]
    generation: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, identity: _Optional[str] = ..., credential_kind: _Optional[_Union[CredentialKind, str]] = ..., entries: _Optional[_Iterable[str]] = ..., principal: _Optional[str] = ..., policies: _Optional[_Iterable[str]] = ..., generation: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CanIRequest(_message.Message):
    __slots__ = ("action", "resource", "context")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _decision_pb2.ConditionValues
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_decision_pb2.ConditionValues, _Mapping]] = ...) -> None: ...
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    action: str
    resource: str
    context: _containers.MessageMap[str, _decision_pb2.ConditionValues]
    def __init__(self, action: _Optional[str] = ..., resource: _Optional[str] = ..., context: _Optional[_Mapping[str, _decision_pb2.ConditionValues]] = ...) -> None: ...

class CanIResponse(_message.Message):
    __slots__ = ("allowed", "explanation")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    explanation: AccessExplanation
    def __init__(self, allowed: bool = ..., explanation: _Optional[_Union[AccessExplanation, _Mapping]] = ...) -> None: ...

class AccessExplanation(_message.Message):
    __slots__ = ("outcome", "determining_statements", "missing_keys")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DETERMINING_STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_KEYS_FIELD_NUMBER: _ClassVar[int]
    outcome: _decision_pb2.SideOutcome
    determining_statements: _containers.RepeatedCompositeFieldContainer[AccessStatement]
    missing_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, outcome: _Optional[_Union[_decision_pb2.SideOutcome, str]] = ..., determining_statements: _Optional[_Iterable[_Union[AccessStatement, _Mapping]]] = ..., missing_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class AccessStatement(_message.Message):
    __slots__ = ("policy", "index", "sid")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    policy: str
    index: int
    sid: str
    def __init__(self, policy: _Optional[str] = ..., index: _Optional[int] = ..., sid: _Optional[str] = ...) -> None: ...
