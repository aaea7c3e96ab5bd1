from __future__ import annotations

from typing import Any

import pytest
from google.rpc import code_pb2, error_details_pb2

from rolecall.engine import errors as engine
from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError, Violation
from rolecall.roles import errors as roles
from rolecall.transport import errors as transport
from rolecall.transport.error_mapping import fault_of
from rolecall.transport.error_status import status_of

FIELD = roles.FieldViolation(
    field="role_name", reason="ROLE_NAME_LENGTH", message="m", ram_code="InvalidParameter.RoleName.Length"
)
VIOLATION = Violation(pointer="/Version", reason="UNSUPPORTED_VERSION", message="m", suggestion="1", line=1, column=12)
LARGE = Violation(pointer="", reason="DOCUMENT_TOO_LARGE", message="m")

ERRORS: list[tuple[Exception, str, str, str]] = [
    (InvalidPolicyError([VIOLATION]), "INVALID_ARGUMENT", "UNSUPPORTED_VERSION", "MalformedPolicyDocument"),
    (
        InvalidPolicyError([LARGE]),
        "INVALID_ARGUMENT",
        "DOCUMENT_TOO_LARGE",
        "InvalidParameter.AssumeRolePolicyDocument.Length",
    ),
    (InvalidPrincipalError("t", "m"), "INVALID_ARGUMENT", "INVALID_PRINCIPAL", ""),
    (roles.InvalidFieldsError([FIELD]), "INVALID_ARGUMENT", "ROLE_NAME_LENGTH", "InvalidParameter.RoleName.Length"),
    (roles.RoleNotFoundError("r"), "NOT_FOUND", "ROLE_NOT_FOUND", "EntityNotExist.Role"),
    (roles.RoleExistsError("r"), "ALREADY_EXISTS", "ROLE_EXISTS", "EntityAlreadyExists.Role"),
    (roles.StaleEtagError("r", given='"1"', current='"2"'), "ABORTED", "STALE_ETAG", ""),
    (roles.RoleLimitError("1", 5), "RESOURCE_EXHAUSTED", "ROLE_LIMIT", "LimitExceeded.Role"),
    (roles.IdempotencyMismatchError("i"), "FAILED_PRECONDITION", "IDEMPOTENCY_MISMATCH", ""),
    (roles.RevisionNotKeptError(3, floor=5, message="m"), "FAILED_PRECONDITION", "REVISION_NOT_KEPT", ""),
    (roles.InvalidTokenError("page_token", "m"), "INVALID_ARGUMENT", "INVALID_TOKEN", ""),
    (roles.UnknownIncarnationError("m"), "FAILED_PRECONDITION", "UNKNOWN_INCARNATION", ""),
    (roles.StoreUnavailableError("m"), "UNAVAILABLE", "STORE_UNAVAILABLE", ""),
    (roles.StoreBusyError("m"), "UNAVAILABLE", "STORE_UNAVAILABLE", ""),
    (roles.StoreUnsupportedError("m"), "UNAVAILABLE", "STORE_UNSUPPORTED", ""),
    (roles.BrokenHistoryError("m"), "DATA_LOSS", "BROKEN_HISTORY", ""),
    (engine.InvalidRequestError([FIELD]), "INVALID_ARGUMENT", "ROLE_NAME_LENGTH", "InvalidParameter.RoleName.Length"),
    (engine.BatchSizeError(0, 10), "INVALID_ARGUMENT", "BATCH_SIZE", ""),
    (engine.FutureRevisionError(2, 1), "FAILED_PRECONDITION", "FUTURE_REVISION", ""),
    (engine.RevisionNotReachedError(2, 1), "UNAVAILABLE", "REVISION_NOT_REACHED", ""),
    (engine.StaleStateError(400.0, 300.0), "UNAVAILABLE", "STATE_TOO_OLD", ""),
    (engine.ChangeGapError(1, 3), "UNAVAILABLE", "STATE_GAP", ""),
    (engine.UnreadablePolicyError("r"), "INTERNAL", "UNREADABLE_POLICY", ""),
    (engine.NotAvailableError("this"), "UNIMPLEMENTED", "NOT_AVAILABLE", ""),
    (transport.TooManyCallsError(1), "RESOURCE_EXHAUSTED", "TOO_MANY_CALLS", ""),
    (transport.OverdueError(1), "DEADLINE_EXCEEDED", "SERVER_LIMIT", ""),
    (transport.UnauthenticatedError(), "UNAUTHENTICATED", "UNAUTHENTICATED", ""),
    (transport.PermissionDeniedError("m"), "PERMISSION_DENIED", "PERMISSION_DENIED", "NoPermission"),
    (transport.UnknownMethodError(), "UNIMPLEMENTED", "UNKNOWN_METHOD", ""),
    (transport.UnknownServiceError(), "NOT_FOUND", "UNKNOWN_SERVICE", ""),
    (transport.UploadOrderError("m"), "INVALID_ARGUMENT", "UPLOAD_ORDER", ""),
    (transport.UploadLimitError("roles", 1), "RESOURCE_EXHAUSTED", "UPLOAD_LIMIT", ""),
    (transport.StreamStoppedError(), "UNAVAILABLE", "SERVER_STOPPING", ""),
    (transport.StreamAgeError(300), "UNAVAILABLE", "STREAM_AGE", ""),
    (transport.WatchTooSlowError(30), "RESOURCE_EXHAUSTED", "WATCH_TOO_SLOW", ""),
]


def details(status: Any) -> tuple[error_details_pb2.ErrorInfo, list[Any], bool]:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info, list(bad.field_violations), any(d.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for d in status.details)


@pytest.mark.parametrize(
    ("error", "code", "reason", "ram_code"), ERRORS, ids=[f"{type(e[0]).__name__}-{e[2]}" for e in ERRORS]
)
def test_each_error_has_its_code_reason_and_ram_code(error: Exception, code: str, reason: str, ram_code: str) -> None:
    status = status_of(error)

    info, _, retry = details(status)
    assert (code_pb2.Code.Name(status.code), info.domain, info.reason) == (code, "rolecall", reason)
    assert info.metadata.get("ram_code", "") == ram_code
    retried = {"STORE_UNAVAILABLE", "REVISION_NOT_REACHED", "STATE_TOO_OLD", "STATE_GAP", "TOO_MANY_CALLS"}
    assert retry == (reason in retried | {"SERVER_STOPPING", "STREAM_AGE", "WATCH_TOO_SLOW"})


@pytest.mark.parametrize("module", [roles, engine, transport], ids=["roles", "engine", "transport"])
def test_no_error_is_without_meaning(module: Any) -> None:
    named = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    roots = {roles.RoleError, engine.EngineError, transport.TransportError}

    assert {kind for kind in named if kind.__module__ == module.__name__} - roots <= {
        type(entry[0]) for entry in ERRORS
    }


def test_nothing_is_told_of_an_unforeseen_error() -> None:
    status = status_of(RuntimeError("secret"))

    assert b"secret" not in status.SerializeToString()
    assert not fault_of(RuntimeError("secret")).expected


@pytest.mark.parametrize(
    "error", [roles.StoreUnavailableError("/secret/path"), roles.StoreUnsupportedError("/secret/path")]
)
def test_the_text_of_a_store_stays_inside(error: Exception) -> None:
    assert b"secret" not in status_of(error).SerializeToString()


def test_a_violation_names_its_place_its_rule_and_what_to_write() -> None:
    _, fields, _ = details(status_of(InvalidPolicyError([VIOLATION])))

    assert [(field.field, field.reason, field.description) for field in fields] == [
        ("assume_role_policy_document/Version", "UNSUPPORTED_VERSION", "1:12: m; write `1`")
    ]


@pytest.mark.parametrize("text", ["x" * 300, "漢" * 300, "\ud800" * 300], ids=["ascii", "wide", "surrogates"])
def test_many_violations_are_cut_to_what_trailers_hold_and_the_cut_is_told(text: str) -> None:
    violations = [Violation(pointer=f"/{text}/{n}", reason="R", message=text, line=1, column=1) for n in range(500)]

    status = status_of(InvalidPolicyError(violations))

    info, fields, _ = details(status)
    assert status.ByteSize() < 5_000
    assert 0 < len(fields) < 500
    assert (info.metadata["total_violations"], info.metadata["shown"]) == ("500", str(len(fields)))
