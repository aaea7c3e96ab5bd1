import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_REASON_UNSPECIFIED: _ClassVar[DecisionReason]
    DECISION_REASON_ALLOW: _ClassVar[DecisionReason]
    DECISION_REASON_EXPLICIT_DENY: _ClassVar[DecisionReason]
    DECISION_REASON_IMPLICIT_DENY: _ClassVar[DecisionReason]
    DECISION_REASON_ROLE_NOT_FOUND: _ClassVar[DecisionReason]
    DECISION_REASON_ROOT_NOT_ALLOWED: _ClassVar[DecisionReason]

class SideOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_OUTCOME_UNSPECIFIED: _ClassVar[SideOutcome]
    SIDE_OUTCOME_ALLOW: _ClassVar[SideOutcome]
    SIDE_OUTCOME_EXPLICIT_DENY: _ClassVar[SideOutcome]
    SIDE_OUTCOME_IMPLICIT_DENY: _ClassVar[SideOutcome]
    SIDE_OUTCOME_NOT_EVALUATED: _ClassVar[SideOutcome]

class ServedFrom(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVED_FROM_UNSPECIFIED: _ClassVar[ServedFrom]
    SERVED_FROM_EVALUATED: _ClassVar[ServedFrom]
    SERVED_FROM_CACHED: _ClassVar[ServedFrom]
    SERVED_FROM_RESTORED: _ClassVar[ServedFrom]

class Assumability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSUMABILITY_UNSPECIFIED: _ClassVar[Assumability]
    ASSUMABILITY_ALLOW: _ClassVar[Assumability]
    ASSUMABILITY_CONDITIONAL: _ClassVar[Assumability]
DECISION_REASON_UNSPECIFIED: DecisionReason
DECISION_REASON_ALLOW: DecisionReason
DECISION_REASON_EXPLICIT_DENY: DecisionReason
DECISION_REASON_IMPLICIT_DENY: DecisionReason
DECISION_REASON_ROLE_NOT_FOUND: DecisionReason
DECISION_REASON_ROOT_NOT_ALLOWED: DecisionReason
SIDE_OUTCOME_UNSPECIFIED: SideOutcome
SIDE_OUTCOME_ALLOW: SideOutcome
SIDE_OUTCOME_EXPLICIT_DENY: SideOutcome
SIDE_OUTCOME_IMPLICIT_DENY: SideOutcome
SIDE_OUTCOME_NOT_EVALUATED: SideOutcome
SERVED_FROM_UNSPECIFIED: ServedFrom
SERVED_FROM_EVALUATED: ServedFrom
SERVED_FROM_CACHED: ServedFrom
SERVED_FROM_RESTORED: ServedFrom
ASSUMABILITY_UNSPECIFIED: Assumability
ASSUMABILITY_ALLOW: Assumability
ASSUMABILITY_CONDITIONAL: Assumability

class ConditionValues(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class FederatedIdentity(_message.Message):
    __slots__ = ("provider_arn", "claims")
    class ClaimsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ConditionValues
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ConditionValues, _Mapping]] = ...) -> None: ...
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    claims: _containers.MessageMap[str, ConditionValues]
    def __init__(self, provider_arn: _Optional[str] = ..., claims: _Optional[_Mapping[str, ConditionValues]] = ...) -> None: ...

class OidcIdentity(_message.Message):
    __slots__ = ("provider_arn", "token")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    token: str
    def __init__(self, provider_arn: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class AssumeRoleQuery(_message.Message):
    __slots__ = ("principal", "federated", "oidc_token", "oidc", "role", "context", "duration_seconds", "role_session_name", "external_id", "source_identity")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ConditionValues
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ConditionValues, _Mapping]] = ...) -> None: ...
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_FIELD_NUMBER: _ClassVar[int]
    OIDC_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OIDC_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    principal: str
    federated: FederatedIdentity
    oidc_token: str
    oidc: OidcIdentity
    role: str
    context: _containers.MessageMap[str, ConditionValues]
    duration_seconds: int
    role_session_name: str
    external_id: str
    source_identity: str
    def __init__(self, principal: _Optional[str] = ..., federated: _Optional[_Union[FederatedIdentity, _Mapping]] = ..., oidc_token: _Optional[str] = ..., oidc: _Optional[_Union[OidcIdentity, _Mapping]] = ..., role: _Optional[str] = ..., context: _Optional[_Mapping[str, ConditionValues]] = ..., duration_seconds: _Optional[int] = ..., role_session_name: _Optional[str] = ..., external_id: _Optional[str] = ..., source_identity: _Optional[str] = ...) -> None: ...

class Consistency(_message.Message):
    __slots__ = ("minimize_latency", "at_least_as_fresh", "fully_consistent")
    MINIMIZE_LATENCY_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_AS_FRESH_FIELD_NUMBER: _ClassVar[int]
    FULLY_CONSISTENT_FIELD_NUMBER: _ClassVar[int]
    minimize_latency: bool
    at_least_as_fresh: str
    fully_consistent: bool
    def __init__(self, minimize_latency: bool = ..., at_least_as_fresh: _Optional[str] = ..., fully_consistent: bool = ...) -> None: ...

class DeterminingStatement(_message.Message):
    __slots__ = ("index", "sid", "pointer")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    index: int
    sid: str
    pointer: str
    def __init__(self, index: _Optional[int] = ..., sid: _Optional[str] = ..., pointer: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("allowed", "reason", "trust_side", "identity_side", "determining_statements", "missing_keys", "role_id", "max_session_duration_seconds", "decision_id", "revision", "valid_until", "vary_keys", "served_from", "staleness", "valid_for")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRUST_SIDE_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_SIDE_FIELD_NUMBER: _ClassVar[int]
    DETERMINING_STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_KEYS_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    VARY_KEYS_FIELD_NUMBER: _ClassVar[int]
    SERVED_FROM_FIELD_NUMBER: _ClassVar[int]
    STALENESS_FIELD_NUMBER: _ClassVar[int]
    VALID_FOR_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    reason: DecisionReason
    trust_side: SideOutcome
    identity_side: SideOutcome
    determining_statements: _containers.RepeatedCompositeFieldContainer[DeterminingStatement]
    missing_keys: _containers.RepeatedScalarFieldContainer[str]
    role_id: str
    max_session_duration_seconds: int
    decision_id: str
    revision: int
    valid_until: _timestamp_pb2.Timestamp
    vary_keys: _containers.RepeatedScalarFieldContainer[str]
    served_from: ServedFrom
    staleness: _duration_pb2.Duration
    valid_for: _duration_pb2.Duration
    def __init__(self, allowed: bool = ..., reason: _Optional[_Union[DecisionReason, str]] = ..., trust_side: _Optional[_Union[SideOutcome, str]] = ..., identity_side: _Optional[_Union[SideOutcome, str]] = ..., determining_statements: _Optional[_Iterable[_Union[DeterminingStatement, _Mapping]]] = ..., missing_keys: _Optional[_Iterable[str]] = ..., role_id: _Optional[str] = ..., max_session_duration_seconds: _Optional[int] = ..., decision_id: _Optional[str] = ..., revision: _Optional[int] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., vary_keys: _Optional[_Iterable[str]] = ..., served_from: _Optional[_Union[ServedFrom, str]] = ..., staleness: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., valid_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CheckAssumeRoleRequest(_message.Message):
    __slots__ = ("query", "consistency")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    query: AssumeRoleQuery
    consistency: Consistency
    def __init__(self, query: _Optional[_Union[AssumeRoleQuery, _Mapping]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class CheckAssumeRoleResponse(_message.Message):
    __slots__ = ("decision", "consistency_token")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    consistency_token: str
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class BatchCheckAssumeRoleRequest(_message.Message):
    __slots__ = ("queries", "consistency")
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    queries: _containers.RepeatedCompositeFieldContainer[AssumeRoleQuery]
    consistency: Consistency
    def __init__(self, queries: _Optional[_Iterable[_Union[AssumeRoleQuery, _Mapping]]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class BatchCheckAssumeRoleResponse(_message.Message):
    __slots__ = ("results", "consistency_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchCheckResult]
    consistency_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[BatchCheckResult, _Mapping]]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class BatchCheckResult(_message.Message):
    __slots__ = ("decision", "error")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    error: _status_pb2.Status
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class StreamCheckAssumeRoleRequest(_message.Message):
    __slots__ = ("sequence", "query")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    query: AssumeRoleQuery
    def __init__(self, sequence: _Optional[int] = ..., query: _Optional[_Union[AssumeRoleQuery, _Mapping]] = ...) -> None: ...

class StreamCheckAssumeRoleResponse(_message.Message):
    __slots__ = ("sequence", "decision", "error")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    decision: Decision
    error: _status_pb2.Status
    def __init__(self, sequence: _Optional[int] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ExplainAssumeRoleRequest(_message.Message):
    __slots__ = ("query", "consistency", "at_revision", "assume_time")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    AT_REVISION_FIELD_NUMBER: _ClassVar[int]
    ASSUME_TIME_FIELD_NUMBER: _ClassVar[int]
    query: AssumeRoleQuery
    consistency: Consistency
    at_revision: int
    assume_time: _timestamp_pb2.Timestamp
    def __init__(self, query: _Optional[_Union[AssumeRoleQuery, _Mapping]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., at_revision: _Optional[int] = ..., assume_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExplainAssumeRoleResponse(_message.Message):
    __slots__ = ("decision", "statements", "near_misses", "consistency_token", "role_revision")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEAR_MISSES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ROLE_REVISION_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    statements: _containers.RepeatedCompositeFieldContainer[StatementTrace]
    near_misses: _containers.RepeatedCompositeFieldContainer[NearMiss]
    consistency_token: str
    role_revision: int
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., statements: _Optional[_Iterable[_Union[StatementTrace, _Mapping]]] = ..., near_misses: _Optional[_Iterable[_Union[NearMiss, _Mapping]]] = ..., consistency_token: _Optional[str] = ..., role_revision: _Optional[int] = ...) -> None: ...

class StatementTrace(_message.Message):
    __slots__ = ("index", "sid", "effect", "applies", "principal_matched", "matched_principal", "conditions", "pointer", "principals")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    APPLIES_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_MATCHED_FIELD_NUMBER: _ClassVar[int]
    MATCHED_PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    index: int
    sid: str
    effect: str
    applies: bool
    principal_matched: bool
    matched_principal: str
    conditions: _containers.RepeatedCompositeFieldContainer[ConditionTrace]
    pointer: str
    principals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, index: _Optional[int] = ..., sid: _Optional[str] = ..., effect: _Optional[str] = ..., applies: bool = ..., principal_matched: bool = ..., matched_principal: _Optional[str] = ..., conditions: _Optional[_Iterable[_Union[ConditionTrace, _Mapping]]] = ..., pointer: _Optional[str] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class ConditionTrace(_message.Message):
    __slots__ = ("operator", "key", "expected", "actual", "present", "holds", "unreadable", "pointer")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    operator: str
    key: str
    expected: _containers.RepeatedScalarFieldContainer[str]
    actual: _containers.RepeatedScalarFieldContainer[str]
    present: bool
    holds: bool
    unreadable: bool
    pointer: str
    def __init__(self, operator: _Optional[str] = ..., key: _Optional[str] = ..., expected: _Optional[_Iterable[str]] = ..., actual: _Optional[_Iterable[str]] = ..., present: bool = ..., holds: bool = ..., unreadable: bool = ..., pointer: _Optional[str] = ...) -> None: ...

class NearMiss(_message.Message):
    __slots__ = ("index", "sid", "pointer", "effect", "elements", "suggestion")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    index: int
    sid: str
    pointer: str
    effect: str
    elements: _containers.RepeatedScalarFieldContainer[str]
    suggestion: str
    def __init__(self, index: _Optional[int] = ..., sid: _Optional[str] = ..., pointer: _Optional[str] = ..., effect: _Optional[str] = ..., elements: _Optional[_Iterable[str]] = ..., suggestion: _Optional[str] = ...) -> None: ...

class ListAssumableRolesRequest(_message.Message):
    __slots__ = ("principal", "federated", "oidc_token", "oidc", "context", "duration_seconds", "role_session_name", "external_id", "source_identity", "account_id", "page_size", "page_token")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ConditionValues
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ConditionValues, _Mapping]] = ...) -> None: ...
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_FIELD_NUMBER: _ClassVar[int]
    OIDC_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OIDC_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    principal: str
    federated: FederatedIdentity
    oidc_token: str
    oidc: OidcIdentity
    context: _containers.MessageMap[str, ConditionValues]
    duration_seconds: int
    role_session_name: str
    external_id: str
    source_identity: str
    account_id: str
    page_size: int
    page_token: str
    def __init__(self, principal: _Optional[str] = ..., federated: _Optional[_Union[FederatedIdentity, _Mapping]] = ..., oidc_token: _Optional[str] = ..., oidc: _Optional[_Union[OidcIdentity, _Mapping]] = ..., context: _Optional[_Mapping[str, ConditionValues]] = ..., duration_seconds: _Optional[int] = ..., role_session_name: _Optional[str] = ..., external_id: _Optional[str] = ..., source_identity: _Optional[str] = ..., account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAssumableRolesResponse(_message.Message):
    __slots__ = ("roles", "next_page_token")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedCompositeFieldContainer[AssumableRole]
    next_page_token: str
    def __init__(self, roles: _Optional[_Iterable[_Union[AssumableRole, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AssumableRole(_message.Message):
    __slots__ = ("role_arn", "outcome", "missing_keys")
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MISSING_KEYS_FIELD_NUMBER: _ClassVar[int]
    role_arn: str
    outcome: Assumability
    missing_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, role_arn: _Optional[str] = ..., outcome: _Optional[_Union[Assumability, str]] = ..., missing_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class ListTrustedPrincipalsRequest(_message.Message):
    __slots__ = ("role",)
    ROLE_FIELD_NUMBER: _ClassVar[int]
    role: str
    def __init__(self, role: _Optional[str] = ...) -> None: ...

class ListTrustedPrincipalsResponse(_message.Message):
    __slots__ = ("grants",)
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[TrustGrant]
    def __init__(self, grants: _Optional[_Iterable[_Union[TrustGrant, _Mapping]]] = ...) -> None: ...

class TrustGrant(_message.Message):
    __slots__ = ("principal_pattern", "type", "effect", "conditions", "statement_pointer")
    PRINCIPAL_PATTERN_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_POINTER_FIELD_NUMBER: _ClassVar[int]
    principal_pattern: str
    type: str
    effect: str
    conditions: _containers.RepeatedScalarFieldContainer[str]
    statement_pointer: str
    def __init__(self, principal_pattern: _Optional[str] = ..., type: _Optional[str] = ..., effect: _Optional[str] = ..., conditions: _Optional[_Iterable[str]] = ..., statement_pointer: _Optional[str] = ...) -> None: ...
