"""Map every error to what its caller sees: a code, a stable reason, and the facts that help."""

# ruff: noqa: ARG001  (of some errors only the type is reported)

from __future__ import annotations

from functools import singledispatch

from google.protobuf.message import DecodeError
from google.rpc import code_pb2

from rolecall.engine import errors as engine
from rolecall.policy import errors as policy
from rolecall.roles import errors as roles
from rolecall.roles.documents import document_violations
from rolecall.transport import errors as transport
from rolecall.transport.fault import Fault, field_fault, invalid_fault, plain_fault, violated_field, with_facts

RETRY_SECONDS = 1.0


@singledispatch
def fault_of(error: Exception) -> Fault:
    """Return the fault of an error. An unexpected error reveals nothing about itself."""
    return Fault(code=code_pb2.INTERNAL, reason="INTERNAL", message="internal error", expected=False)


# --- a request that breaks a rule ------------------------------------------------------------------------------------


@fault_of.register
def _(error: policy.InvalidPolicyError) -> Fault:
    too_large = any(v.reason == "DOCUMENT_TOO_LARGE" for v in error.violations)
    ram_code = "InvalidParameter.AssumeRolePolicyDocument.Length" if too_large else "MalformedPolicyDocument"
    return invalid_fault("the trust policy", map(violated_field, document_violations(error)), ram_code)


@fault_of.register
def _(error: policy.InvalidPrincipalError) -> Fault:
    return invalid_fault("the request", [field_fault("principal", error.reason, error.message, error.suggestion)])


@fault_of.register(roles.InvalidFieldsError)
@fault_of.register(engine.InvalidRequestError)
def _(error: roles.InvalidFieldsError | engine.InvalidRequestError) -> Fault:
    ram_code = next((v.ram_code for v in error.violations if v.ram_code), "")
    return invalid_fault("the request", map(violated_field, error.violations), ram_code)


@fault_of.register
def _(error: roles.InvalidTokenError) -> Fault:
    return invalid_fault("the request", [field_fault(error.kind, "INVALID_TOKEN", str(error))])


@fault_of.register
def _(error: engine.BatchSizeError) -> Fault:
    fault = invalid_fault("the request", [field_fault("queries", "BATCH_SIZE", str(error))])
    return with_facts(fault, limit=error.limit)


@fault_of.register
def _(error: DecodeError) -> Fault:
    return plain_fault(
        code_pb2.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "the bytes are not a message of the method's request type"
    )


@fault_of.register
def _(error: transport.MissingMessageError) -> Fault:
    return plain_fault(code_pb2.INVALID_ARGUMENT, "MISSING_MESSAGE", error)


@fault_of.register
def _(error: transport.UploadOrderError) -> Fault:
    return plain_fault(code_pb2.INVALID_ARGUMENT, "UPLOAD_ORDER", error)


# --- a request that conflicts with the stored roles ------------------------------------------------------------------


@fault_of.register
def _(error: roles.RoleNotFoundError) -> Fault:
    return plain_fault(code_pb2.NOT_FOUND, "ROLE_NOT_FOUND", error, role=error.role, ram_code="EntityNotExist.Role")


@fault_of.register
def _(error: roles.RoleExistsError) -> Fault:
    return plain_fault(
        code_pb2.ALREADY_EXISTS, "ROLE_EXISTS", error, role=error.arn, ram_code="EntityAlreadyExists.Role"
    )


@fault_of.register
def _(error: roles.StaleEtagError) -> Fault:
    return plain_fault(code_pb2.ABORTED, "STALE_ETAG", error, role=error.arn, etag=error.current)


@fault_of.register
def _(error: roles.RoleLimitError) -> Fault:
    return plain_fault(
        code_pb2.RESOURCE_EXHAUSTED, "ROLE_LIMIT", error, limit=error.limit, ram_code="LimitExceeded.Role"
    )


@fault_of.register
def _(error: roles.IdempotencyMismatchError) -> Fault:
    return plain_fault(code_pb2.FAILED_PRECONDITION, "IDEMPOTENCY_MISMATCH", error)


@fault_of.register
def _(error: roles.RevisionNotKeptError) -> Fault:
    return plain_fault(
        code_pb2.FAILED_PRECONDITION, "REVISION_NOT_KEPT", error, revision=error.revision, floor=error.floor
    )


@fault_of.register
def _(error: roles.UnknownIncarnationError) -> Fault:
    return plain_fault(code_pb2.FAILED_PRECONDITION, "UNKNOWN_INCARNATION", error)


@fault_of.register
def _(error: engine.FutureRevisionError) -> Fault:
    return plain_fault(code_pb2.FAILED_PRECONDITION, "FUTURE_REVISION", error, revision=error.wanted, head=error.head)


# --- a call that the server refuses ----------------------------------------------------------------------------------


@fault_of.register
def _(error: transport.TooManyCallsError) -> Fault:
    facts = {"limit": error.limit, "share": error.share}
    return plain_fault(
        code_pb2.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS", error, retry_seconds=RETRY_SECONDS, of=error.what, **facts
    )


@fault_of.register
def _(error: engine.QuestionTooCostlyError) -> Fault:
    return plain_fault(
        code_pb2.RESOURCE_EXHAUSTED,
        "QUESTION_TOO_COSTLY",
        error,
        role=error.arn,
        work=error.work,
        limit=error.limit,
    )


@fault_of.register
def _(error: transport.RequestMemoryError) -> Fault:
    return plain_fault(
        code_pb2.RESOURCE_EXHAUSTED,
        "REQUEST_MEMORY",
        error,
        retry_seconds=RETRY_SECONDS,
        limit=error.limit,
        of=error.of,
    )


@fault_of.register
def _(error: transport.SilentCallError) -> Fault:
    return plain_fault(
        code_pb2.RESOURCE_EXHAUSTED, "SILENT_CALL", error, retry_seconds=RETRY_SECONDS, limit=error.limit
    )


@fault_of.register
def _(error: transport.RateLimitError) -> Fault:
    facts = {"rate": f"{error.rate:g}", "burst": str(error.burst)}
    return plain_fault(code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED", error, retry_seconds=error.wait_seconds, **facts)


@fault_of.register
def _(error: transport.UploadLimitError) -> Fault:
    return plain_fault(code_pb2.RESOURCE_EXHAUSTED, "UPLOAD_LIMIT", error, limit=error.limit)


@fault_of.register
def _(error: transport.OverdueError) -> Fault:
    return plain_fault(code_pb2.DEADLINE_EXCEEDED, "SERVER_LIMIT", error, limit_seconds=f"{error.limit_seconds:g}")


@fault_of.register(transport.WatchTooSlowError)
@fault_of.register(engine.InitialStateTooSlowError)
def _(error: transport.WatchTooSlowError | engine.InitialStateTooSlowError) -> Fault:
    facts = {"limit_seconds": f"{error.limit_seconds:g}"}
    return plain_fault(code_pb2.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW", error, retry_seconds=RETRY_SECONDS, **facts)


@fault_of.register
def _(error: transport.StreamStoppedError) -> Fault:
    return plain_fault(code_pb2.UNAVAILABLE, "SERVER_STOPPING", error, retry_seconds=RETRY_SECONDS)


@fault_of.register
def _(error: transport.StreamAgeError) -> Fault:
    facts = {"limit_seconds": f"{error.limit_seconds:g}"}
    return plain_fault(code_pb2.UNAVAILABLE, "STREAM_AGE", error, retry_seconds=RETRY_SECONDS, **facts)


@fault_of.register
def _(error: transport.StreamIdleError) -> Fault:
    facts = {"limit_seconds": f"{error.limit_seconds:g}"}
    return plain_fault(code_pb2.UNAVAILABLE, "STREAM_IDLE", error, retry_seconds=RETRY_SECONDS, **facts)


@fault_of.register
def _(error: transport.UnauthenticatedError) -> Fault:
    facts = {"spiffe_ids": error.spiffe_ids, "dns_names": error.dns_names}
    return plain_fault(code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED", error, **facts)


@fault_of.register
def _(error: transport.RefusedCallerError) -> Fault:
    return plain_fault(code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED", error)


@fault_of.register
def _(error: transport.PermissionDeniedError) -> Fault:
    return plain_fault(
        code_pb2.PERMISSION_DENIED,
        "PERMISSION_DENIED",
        error,
        ram_code="NoPermission",
        action=error.action,
        resource=error.resource,
    )


@fault_of.register
def _(error: transport.PruneDeniedError) -> Fault:
    return plain_fault(
        code_pb2.PERMISSION_DENIED,
        "PERMISSION_DENIED",
        error,
        ram_code="NoPermission",
        action=error.action,
        denied_roles=error.count,
    )


@fault_of.register
def _(error: transport.UnlistedMethodError) -> Fault:
    return plain_fault(code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED", error, ram_code="NoPermission")


@fault_of.register
def _(error: transport.UnknownMethodError) -> Fault:
    return plain_fault(code_pb2.UNIMPLEMENTED, "UNKNOWN_METHOD", error)


@fault_of.register
def _(error: transport.UnknownServiceError) -> Fault:
    return plain_fault(code_pb2.NOT_FOUND, "UNKNOWN_SERVICE", error)


@fault_of.register
def _(error: engine.NotAvailableError) -> Fault:
    return plain_fault(code_pb2.UNIMPLEMENTED, "NOT_AVAILABLE", error)


# --- a fault of the server -------------------------------------------------------------------------------------------


@fault_of.register
def _(error: roles.StoreUnavailableError) -> Fault:
    # The text of the error may name a host or a file, so it is only logged.
    message = "the store is unreachable or cannot write; decisions are still answered, retry the write"
    return plain_fault(code_pb2.UNAVAILABLE, "STORE_UNAVAILABLE", message, retry_seconds=RETRY_SECONDS)


@fault_of.register
def _(error: roles.StoreUnsupportedError) -> Fault:
    message = "this version of the server does not support the schema of the store"
    return plain_fault(code_pb2.UNAVAILABLE, "STORE_UNSUPPORTED", message)


@fault_of.register
def _(error: roles.BrokenHistoryError) -> Fault:
    return plain_fault(
        code_pb2.DATA_LOSS, "BROKEN_HISTORY", "the history of the store is damaged; an operator must examine it"
    )


@fault_of.register
def _(error: roles.AlteredRolesError) -> Fault:
    return plain_fault(
        code_pb2.DATA_LOSS,
        "ALTERED_ROLES",
        "the store has roles that no server wrote; an operator must examine it",
    )


@fault_of.register
def _(error: engine.RevisionNotReachedError) -> Fault:
    wanted = {} if error.wanted is None else {"revision": str(error.wanted)}
    facts = {**wanted, "reached": str(error.reached)}
    return plain_fault(code_pb2.UNAVAILABLE, "REVISION_NOT_REACHED", error, retry_seconds=RETRY_SECONDS, **facts)


@fault_of.register
def _(error: engine.StaleStateError) -> Fault:
    facts = {"age_seconds": f"{error.age_seconds:g}", "limit_seconds": f"{error.limit_seconds:g}"}
    return plain_fault(code_pb2.UNAVAILABLE, "STATE_TOO_OLD", error, retry_seconds=RETRY_SECONDS, **facts)


@fault_of.register
def _(error: transport.UpstreamUnavailableError) -> Fault:
    reason = "REVISION_NOT_REACHED" if error.freshness else "UPSTREAM_UNAVAILABLE"
    return plain_fault(code_pb2.UNAVAILABLE, reason, error, retry_seconds=RETRY_SECONDS)


@fault_of.register
def _(error: transport.UpstreamRefusedError) -> Fault:
    return plain_fault(code_pb2.PERMISSION_DENIED, "UPSTREAM_REFUSED", error)


@fault_of.register
def _(error: transport.NotPassedError) -> Fault:
    return plain_fault(code_pb2.UNIMPLEMENTED, "NOT_PASSED", error)


@fault_of.register
def _(error: transport.PassedStatusError) -> Fault:
    # `status_of` returns its status as it is; this is for readers of the code alone.
    return plain_fault(error.status.code, "PASSED_STATUS", error)


@fault_of.register
def _(error: transport.UpstreamAnswerError) -> Fault:
    return error.fault


@fault_of.register
def _(error: engine.ChangeGapError) -> Fault:
    return plain_fault(code_pb2.UNAVAILABLE, "STATE_GAP", error, retry_seconds=RETRY_SECONDS)


@fault_of.register
def _(error: engine.UnreadablePolicyError) -> Fault:
    return plain_fault(code_pb2.INTERNAL, "UNREADABLE_POLICY", error, role=error.arn)
