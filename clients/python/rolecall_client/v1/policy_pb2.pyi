from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PolicyProfile(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_PROFILE_UNSPECIFIED: _ClassVar[PolicyProfile]
    POLICY_PROFILE_ROLECALL: _ClassVar[PolicyProfile]
    POLICY_PROFILE_RAM: _ClassVar[PolicyProfile]
POLICY_PROFILE_UNSPECIFIED: PolicyProfile
POLICY_PROFILE_ROLECALL: PolicyProfile
POLICY_PROFILE_RAM: PolicyProfile

class ValidateTrustPolicyRequest(_message.Message):
    __slots__ = ("document", "profile")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    document: str
    profile: PolicyProfile
    def __init__(self, document: _Optional[str] = ..., profile: _Optional[_Union[PolicyProfile, str]] = ...) -> None: ...

class ValidateTrustPolicyResponse(_message.Message):
    __slots__ = ("valid", "violations", "findings", "canonical_document", "principals", "condition_keys")
    VALID_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    CONDITION_KEYS_FIELD_NUMBER: _ClassVar[int]
    valid: bool
    violations: _containers.RepeatedCompositeFieldContainer[PolicyViolation]
    findings: _containers.RepeatedCompositeFieldContainer[LintFinding]
    canonical_document: str
    principals: _containers.RepeatedScalarFieldContainer[str]
    condition_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, valid: bool = ..., violations: _Optional[_Iterable[_Union[PolicyViolation, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[LintFinding, _Mapping]]] = ..., canonical_document: _Optional[str] = ..., principals: _Optional[_Iterable[str]] = ..., condition_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class ValidatePermissionPolicyRequest(_message.Message):
    __slots__ = ("document", "profile", "session_policy")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    SESSION_POLICY_FIELD_NUMBER: _ClassVar[int]
    document: str
    profile: PolicyProfile
    session_policy: bool
    def __init__(self, document: _Optional[str] = ..., profile: _Optional[_Union[PolicyProfile, str]] = ..., session_policy: bool = ...) -> None: ...

class ValidatePermissionPolicyResponse(_message.Message):
    __slots__ = ("valid", "violations", "findings", "canonical_document", "actions", "resources", "condition_keys")
    VALID_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CONDITION_KEYS_FIELD_NUMBER: _ClassVar[int]
    valid: bool
    violations: _containers.RepeatedCompositeFieldContainer[PolicyViolation]
    findings: _containers.RepeatedCompositeFieldContainer[LintFinding]
    canonical_document: str
    actions: _containers.RepeatedScalarFieldContainer[str]
    resources: _containers.RepeatedScalarFieldContainer[str]
    condition_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, valid: bool = ..., violations: _Optional[_Iterable[_Union[PolicyViolation, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[LintFinding, _Mapping]]] = ..., canonical_document: _Optional[str] = ..., actions: _Optional[_Iterable[str]] = ..., resources: _Optional[_Iterable[str]] = ..., condition_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class PolicyViolation(_message.Message):
    __slots__ = ("pointer", "line", "column", "reason", "message", "suggestion")
    POINTER_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    pointer: str
    line: int
    column: int
    reason: str
    message: str
    suggestion: str
    def __init__(self, pointer: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., suggestion: _Optional[str] = ...) -> None: ...

class LintFinding(_message.Message):
    __slots__ = ("id", "severity", "pointer", "message", "fix", "line", "column", "changes_meaning")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    CHANGES_MEANING_FIELD_NUMBER: _ClassVar[int]
    id: str
    severity: str
    pointer: str
    message: str
    fix: str
    line: int
    column: int
    changes_meaning: bool
    def __init__(self, id: _Optional[str] = ..., severity: _Optional[str] = ..., pointer: _Optional[str] = ..., message: _Optional[str] = ..., fix: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., changes_meaning: bool = ...) -> None: ...
