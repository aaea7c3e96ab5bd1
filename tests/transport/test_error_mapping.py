from __future__ import annotations

import re
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2

from rolecall.engine import errors as engine
from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError, Violation
from rolecall.roles import errors as roles
from rolecall.transport import errors as transport
from rolecall.transport.error_status import DETAILS_BYTES, SERVER_FAULTS, TEXT_BYTES, is_expected, status_of
from rolecall.transport.fault import plain_fault
from rolecall_client.v1.policy_pb2 import PolicyViolation

FIELD = roles.FieldViolation(
    field="role_name", reason="ROLE_NAME_LENGTH", message="m", ram_code="InvalidParameter.RoleName.Length"
)
VIOLATION = Violation(pointer="/Version", reason="UNSUPPORTED_VERSION", message="m", suggestion="1", line=1, column=12)
LARGE = Violation(pointer="", reason="DOCUMENT_TOO_LARGE", message="m")
PLAIN_FIELD = roles.FieldViolation(field="f", reason="PLAIN", message="m")

COUNTS = {"total_violations": "1", "shown": "1"}
POLICY_LENGTH = "InvalidParameter.AssumeRolePolicyDocument.Length"
NAME_LENGTH = {"ram_code": "InvalidParameter.RoleName.Length", **COUNTS}

PASSED = status_of(transport.UnknownMethodError())

Row = tuple[Exception, str, str, dict[str, str], float]

# Each error: its code, its reason, its facts, and the seconds after which a retry may succeed.
ERRORS: list[Row] = [
    (
        InvalidPolicyError([VIOLATION]),
        "INVALID_ARGUMENT",
        "UNSUPPORTED_VERSION",
        {"ram_code": "MalformedPolicyDocument", **COUNTS},
        0,
    ),
    (InvalidPolicyError([LARGE]), "INVALID_ARGUMENT", "DOCUMENT_TOO_LARGE", {"ram_code": POLICY_LENGTH, **COUNTS}, 0),
    (
        InvalidPolicyError([VIOLATION, LARGE]),
        "INVALID_ARGUMENT",
        "UNSUPPORTED_VERSION",
        {"ram_code": POLICY_LENGTH, "total_violations": "2", "shown": "2"},
        0,
    ),
    (InvalidPolicyError([]), "INVALID_ARGUMENT", "INVALID_ARGUMENT", {"ram_code": "MalformedPolicyDocument"}, 0),
    (InvalidPrincipalError("t", "m", reason="R"), "INVALID_ARGUMENT", "R", COUNTS, 0),
    (roles.InvalidFieldsError([FIELD]), "INVALID_ARGUMENT", "ROLE_NAME_LENGTH", NAME_LENGTH, 0),
    (
        roles.InvalidFieldsError([PLAIN_FIELD, FIELD]),
        "INVALID_ARGUMENT",
        "PLAIN",
        {**NAME_LENGTH, "total_violations": "2", "shown": "2"},
        0,
    ),
    (roles.InvalidFieldsError([PLAIN_FIELD]), "INVALID_ARGUMENT", "PLAIN", COUNTS, 0),
    (engine.InvalidRequestError([PLAIN_FIELD]), "INVALID_ARGUMENT", "PLAIN", COUNTS, 0),
    (roles.RoleNotFoundError("r"), "NOT_FOUND", "ROLE_NOT_FOUND", {"role": "r", "ram_code": "EntityNotExist.Role"}, 0),
    (
        roles.RoleExistsError("r"),
        "ALREADY_EXISTS",
        "ROLE_EXISTS",
        {"role": "r", "ram_code": "EntityAlreadyExists.Role"},
        0,
    ),
    (
        roles.StaleEtagError("r", given="1", current="2"),
        "ABORTED",
        "STALE_ETAG",
        {"role": "r", "etag": "2"},
        0,
    ),
    (
        roles.RoleLimitError("1", 5),
        "RESOURCE_EXHAUSTED",
        "ROLE_LIMIT",
        {"limit": "5", "ram_code": "LimitExceeded.Role"},
        0,
    ),
    (roles.IdempotencyMismatchError("i"), "FAILED_PRECONDITION", "IDEMPOTENCY_MISMATCH", {}, 0),
    (
        roles.RevisionNotKeptError(3, floor=5, message="m"),
        "FAILED_PRECONDITION",
        "REVISION_NOT_KEPT",
        {"revision": "3", "floor": "5"},
        0,
    ),
    (roles.InvalidTokenError("page_token", "m"), "INVALID_ARGUMENT", "INVALID_TOKEN", COUNTS, 0),
    (roles.UnknownIncarnationError("m"), "FAILED_PRECONDITION", "UNKNOWN_INCARNATION", {}, 0),
    (roles.StoreUnavailableError("m"), "UNAVAILABLE", "STORE_UNAVAILABLE", {}, 1),
    (roles.StoreBusyError("m"), "UNAVAILABLE", "STORE_UNAVAILABLE", {}, 1),
    (roles.StoreUnsupportedError("m"), "UNAVAILABLE", "STORE_UNSUPPORTED", {}, 0),
    (roles.BrokenHistoryError("m"), "DATA_LOSS", "BROKEN_HISTORY", {}, 0),
    (roles.AlteredRolesError("m"), "DATA_LOSS", "ALTERED_ROLES", {}, 0),
    (engine.InvalidRequestError([FIELD]), "INVALID_ARGUMENT", "ROLE_NAME_LENGTH", NAME_LENGTH, 0),
    (engine.BatchSizeError(0, 10), "INVALID_ARGUMENT", "BATCH_SIZE", {"limit": "10", **COUNTS}, 0),
    (
        engine.FutureRevisionError(2, 1, field="f"),
        "FAILED_PRECONDITION",
        "FUTURE_REVISION",
        {"revision": "2", "head": "1"},
        0,
    ),
    (
        engine.RevisionNotReachedError(2, 1, field="f", why="w"),
        "UNAVAILABLE",
        "REVISION_NOT_REACHED",
        {"revision": "2", "reached": "1"},
        1,
    ),
    (
        engine.StaleStateError(400.5, 300.0),
        "UNAVAILABLE",
        "STATE_TOO_OLD",
        {"age_seconds": "400.5", "limit_seconds": "300"},
        1,
    ),
    (engine.ChangeGapError(1, 3), "UNAVAILABLE", "STATE_GAP", {}, 1),
    (engine.UnreadablePolicyError("r"), "INTERNAL", "UNREADABLE_POLICY", {"role": "r"}, 0),
    (
        engine.QuestionTooCostlyError("r", 9, 7),
        "RESOURCE_EXHAUSTED",
        "QUESTION_TOO_COSTLY",
        {"role": "r", "work": "9", "limit": "7"},
        0,
    ),
    (engine.NotAvailableError("this"), "UNIMPLEMENTED", "NOT_AVAILABLE", {}, 0),
    (
        transport.TooManyCallsError("streams", 7, 3),
        "RESOURCE_EXHAUSTED",
        "TOO_MANY_CALLS",
        {"of": "streams", "limit": "7", "share": "3"},
        1,
    ),
    (
        transport.RequestMemoryError("headers", 7),
        "RESOURCE_EXHAUSTED",
        "REQUEST_MEMORY",
        {"of": "headers", "limit": "7"},
        1,
    ),
    (transport.SilentCallError(7), "RESOURCE_EXHAUSTED", "SILENT_CALL", {"limit": "7"}, 1),
    (transport.RateLimitError(5, 7, 2.5), "RESOURCE_EXHAUSTED", "RATE_LIMITED", {"rate": "5", "burst": "7"}, 2.5),
    (transport.MissingMessageError(), "INVALID_ARGUMENT", "MISSING_MESSAGE", {}, 0),
    (transport.StreamIdleError(60), "UNAVAILABLE", "STREAM_IDLE", {"limit_seconds": "60"}, 1),
    (transport.OverdueError(1.5), "DEADLINE_EXCEEDED", "SERVER_LIMIT", {"limit_seconds": "1.5"}, 0),
    (
        transport.UnauthenticatedError("it has 2 SPIFFE ids", spiffe_ids=2, dns_names=1),
        "UNAUTHENTICATED",
        "UNAUTHENTICATED",
        {"spiffe_ids": "2", "dns_names": "1"},
        0,
    ),
    (transport.RefusedCallerError("EXPIRED", "the token has expired"), "UNAUTHENTICATED", "UNAUTHENTICATED", {}, 0),
    (
        transport.PermissionDeniedError("ram:GetRole", "*"),
        "PERMISSION_DENIED",
        "PERMISSION_DENIED",
        {"ram_code": "NoPermission", "action": "ram:GetRole", "resource": "*"},
        0,
    ),
    (
        transport.PruneDeniedError("ram:DeleteRole", 2),
        "PERMISSION_DENIED",
        "PERMISSION_DENIED",
        {"ram_code": "NoPermission", "action": "ram:DeleteRole", "denied_roles": "2"},
        0,
    ),
    (transport.UnlistedMethodError("m"), "PERMISSION_DENIED", "PERMISSION_DENIED", {"ram_code": "NoPermission"}, 0),
    (transport.UpstreamUnavailableError("w", freshness=False), "UNAVAILABLE", "UPSTREAM_UNAVAILABLE", {}, 1),
    (transport.UpstreamUnavailableError("w", freshness=True), "UNAVAILABLE", "REVISION_NOT_REACHED", {}, 1),
    (transport.UpstreamRefusedError("w"), "PERMISSION_DENIED", "UPSTREAM_REFUSED", {}, 0),
    (
        transport.UpstreamAnswerError(plain_fault(5, "GONE", "m", retry_seconds=2, a="b")),
        "NOT_FOUND",
        "GONE",
        {"a": "b"},
        2,
    ),
    (transport.NotPassedError("w"), "UNIMPLEMENTED", "NOT_PASSED", {}, 0),
    (transport.PassedStatusError(PASSED), "UNIMPLEMENTED", "UNKNOWN_METHOD", {}, 0),
    (transport.UnknownMethodError(), "UNIMPLEMENTED", "UNKNOWN_METHOD", {}, 0),
    (transport.UnknownServiceError(), "NOT_FOUND", "UNKNOWN_SERVICE", {}, 0),
    (transport.UploadOrderError("m"), "INVALID_ARGUMENT", "UPLOAD_ORDER", {}, 0),
    (transport.UploadLimitError("roles", 1), "RESOURCE_EXHAUSTED", "UPLOAD_LIMIT", {"limit": "1"}, 0),
    (transport.StreamStoppedError(), "UNAVAILABLE", "SERVER_STOPPING", {}, 1),
    (transport.StreamAgeError(300), "UNAVAILABLE", "STREAM_AGE", {"limit_seconds": "300"}, 1),
    (engine.InitialStateTooSlowError(60), "RESOURCE_EXHAUSTED", "WATCH_TOO_SLOW", {"limit_seconds": "60"}, 1),
    (transport.WatchTooSlowError(30), "RESOURCE_EXHAUSTED", "WATCH_TOO_SLOW", {"limit_seconds": "30"}, 1),
    (DecodeError("m"), "INVALID_ARGUMENT", "MALFORMED_MESSAGE", {}, 0),
    (RuntimeError("m"), "INTERNAL", "INTERNAL", {}, 0),
]


def details(status: Any) -> tuple[error_details_pb2.ErrorInfo, list[Any], float]:
    """Return the facts, the violations, and the seconds to wait before a retry."""
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for message in (info, bad, retry):
            detail.Unpack(message)
    return info, list(bad.field_violations), retry.retry_delay.ToMilliseconds() / 1_000


@pytest.mark.parametrize(
    ("error", "code", "reason", "facts", "retry_seconds"),
    ERRORS,
    ids=[f"{type(e[0]).__name__}-{e[2]}-{len(e[3])}" for e in ERRORS],
)
def test_each_error_has_its_code_reason_facts_and_retry(
    error: Exception, code: str, reason: str, facts: dict[str, str], retry_seconds: float
) -> None:
    status = status_of(error)

    info, _, retry = details(status)
    assert (code_pb2.Code.Name(status.code), info.domain, info.reason) == (code, "rolecall", reason)
    assert (dict(info.metadata), retry) == (facts, retry_seconds)


HIDDEN = (roles.StoreUnavailableError, roles.StoreUnsupportedError, DecodeError, RuntimeError)
PLAIN = [row[0] for row in ERRORS if "shown" not in row[3] and not isinstance(row[0], (*HIDDEN, InvalidPolicyError))]


@pytest.mark.parametrize("error", PLAIN, ids=lambda error: type(error).__name__)
def test_an_error_that_has_no_violations_reports_its_own_text(error: Exception) -> None:
    assert status_of(error).message == str(error)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            transport.RequestMemoryError("headers", 7),
            "too many bytes of headers wait in the server (limit 7); retry later",
        ),
        (
            transport.TooManyCallsError("streams", 7, 3),
            "too many concurrent streams (limit 7, this caller's share 3); retry later",
        ),
        (transport.TooManyCallsError("streams", 7, 7), "too many concurrent streams (limit 7); retry later"),
        (
            transport.RateLimitError(0.5, 7, 2.5),
            "more than 0.5 questions a second (burst 7); retry in 2.500 seconds, or ask less often",
        ),
        (
            transport.StreamIdleError(60),
            "no message has arrived for 60 seconds; continue on a new stream",
        ),
        (
            transport.StreamIdleError(60, "nothing was written; repeat the upload"),
            "no message has arrived for 60 seconds; nothing was written; repeat the upload",
        ),
        (
            transport.UpstreamUnavailableError("w", freshness=True),
            (
                "only the server that this agent follows can answer this, and it cannot be reached: w;"
                " retry, or use minimize_latency"
            ),
        ),
        (
            transport.UpstreamUnavailableError("w", freshness=False),
            "only the server that this agent follows can answer this, and it cannot be reached: w; retry later",
        ),
    ],
)
def test_an_error_says_what_is_exhausted_and_what_to_do(error: Exception, message: str) -> None:
    assert status_of(error).message == message


@pytest.mark.parametrize("error", [row[0] for row in ERRORS], ids=lambda error: type(error).__name__)
def test_a_message_is_one_line_in_lower_case_that_ends_without_a_full_stop(error: Exception) -> None:
    message = status_of(error).message

    assert re.fullmatch(r"[a-z`](.*[a-z0-9`)])?", message)


@pytest.mark.parametrize(
    ("error", "message", "fields"),
    [
        (
            InvalidPolicyError([VIOLATION, LARGE]),
            "the trust policy breaks 2 rules; assume_role_policy_document/Version: 1:12: m; write `1`",
            [("assume_role_policy_document/Version", "1:12: m; write `1`"), ("assume_role_policy_document", "m")],
        ),
        (
            InvalidPrincipalError("t", "m", suggestion="s"),
            "the request breaks a rule; principal: m; write `s`",
            [("principal", "m; write `s`")],
        ),
        (roles.InvalidFieldsError([FIELD]), "the request breaks a rule; role_name: m", [("role_name", "m")]),
        (engine.InvalidRequestError([FIELD]), "the request breaks a rule; role_name: m", [("role_name", "m")]),
        (roles.InvalidTokenError("page_token", "t"), "the request breaks a rule; page_token: t", [("page_token", "t")]),
        (
            engine.BatchSizeError(0, 10),
            f"the request breaks a rule; queries: {engine.BatchSizeError(0, 10)}",
            [("queries", str(engine.BatchSizeError(0, 10)))],
        ),
        (InvalidPolicyError([]), "the trust policy breaks 0 rules", []),
    ],
    ids=["policy", "principal", "fields", "request", "token", "batch", "none"],
)
def test_violations_are_fields_of_the_request_and_the_first_is_in_the_message(
    error: Exception, message: str, fields: list[tuple[str, str]]
) -> None:
    status = status_of(error)

    _, violations, _ = details(status)
    assert status.message == message
    assert [(violation.field, violation.description) for violation in violations] == fields


def test_a_status_that_was_passed_stays_as_it_is() -> None:
    error = transport.PassedStatusError(PASSED)

    assert status_of(error, "call-7") == PASSED
    assert is_expected(error)


def test_the_request_id_is_a_fact_of_every_error() -> None:
    info, _, _ = details(status_of(RuntimeError("m"), "call-7"))

    assert dict(info.metadata) == {"request_id": "call-7"}


def test_server_faults_are_the_codes_that_no_caller_can_cause() -> None:
    names = {code_pb2.Code.Name(code) for code in SERVER_FAULTS}

    assert names == {"UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


@pytest.mark.parametrize("module", [roles, engine, transport], ids=["roles", "engine", "transport"])
def test_every_error_of_a_package_is_mapped(module: Any) -> None:
    named = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    # Nobody sees the last one: the question is put to the followed server.
    roots: set[type[Exception]] = {
        roles.RoleError,
        engine.EngineError,
        transport.TransportError,
        engine.UpstreamOnlyError,
    }

    mapped = {type(row[0]) for row in ERRORS}
    assert {kind for kind in named if kind.__module__ == module.__name__} - roots <= mapped


def test_only_the_unexpected_error_is_unexpected() -> None:
    unexpected = [type(row[0]) for row in ERRORS if not is_expected(row[0])]

    assert unexpected == [RuntimeError]


def test_the_text_of_an_unexpected_error_stays_inside() -> None:
    status = status_of(RuntimeError("secret"))

    assert status.message == "internal error"
    assert b"secret" not in status.SerializeToString()


@pytest.mark.parametrize(
    "error",
    [
        roles.StoreUnavailableError("/secret/path"),
        roles.StoreUnsupportedError("/secret/path"),
        roles.BrokenHistoryError("/secret/path"),
        roles.AlteredRolesError("/secret/path"),
        DecodeError("/secret/path"),
    ],
)
def test_the_text_of_an_error_that_may_name_a_path_stays_inside(error: Exception) -> None:
    status = status_of(error)

    assert status.message
    assert b"secret" not in status.SerializeToString()


def test_a_violation_has_its_position_its_reason_and_a_suggestion() -> None:
    _, fields, _ = details(status_of(InvalidPolicyError([VIOLATION])))

    assert [(field.field, field.reason, field.description) for field in fields] == [
        ("assume_role_policy_document/Version", "UNSUPPORTED_VERSION", "1:12: m; write `1`")
    ]


@pytest.mark.parametrize("text", ["x" * 300, "漢" * 300, "\ud800" * 300], ids=["ascii", "wide", "surrogates"])
def test_many_violations_are_cut_to_what_trailers_can_carry_and_counted(text: str) -> None:
    violations = [Violation(pointer=f"/{text}/{n}", reason="R", message=text, line=1, column=1) for n in range(500)]

    status = status_of(InvalidPolicyError(violations))

    info, fields, _ = details(status)
    assert status.ByteSize() < 5_000
    assert 0 < len(fields) < 500
    assert (info.metadata["total_violations"], info.metadata["shown"]) == ("500", str(len(fields)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * TEXT_BYTES, "x" * TEXT_BYTES),
        ("x" * (TEXT_BYTES + 1), "x" * (TEXT_BYTES - 3) + "…"),
        ("x" + "漢" * TEXT_BYTES, "x" + "漢" * ((TEXT_BYTES - 4) // 3) + "…"),
        ("\ud800", "\\ud800"),
    ],
    ids=["as long as allowed", "one byte longer", "within a character", "surrogate"],
)
def test_a_long_text_is_cut_to_whole_characters_and_marked(text: str, shown: str) -> None:
    violation = Violation(pointer="/" + text, reason="R", message=text)

    status = status_of(InvalidPolicyError([violation]))
    plain = status_of(roles.UnknownIncarnationError(text))

    _, fields, _ = details(status)
    assert fields[0].description == plain.message == shown
    assert len(fields[0].field.encode()) <= TEXT_BYTES


def test_violations_fill_the_room_to_the_last_byte() -> None:
    size = DETAILS_BYTES // 32
    field = roles.FieldViolation(field="f" * (size - 37), reason="R", message="m" * 30)
    encoded = error_details_pb2.BadRequest.FieldViolation(field=field.field, reason="R", description=field.message)

    counts = [len(details(status_of(roles.InvalidFieldsError([field] * count)))[1]) for count in (31, 32, 33)]

    assert encoded.ByteSize() * 32 == DETAILS_BYTES
    assert counts == [31, 32, 32]


def test_violations_without_a_position_leave_an_empty_one_between_those_that_have_one() -> None:
    error = InvalidPolicyError([VIOLATION, Violation(pointer="", reason="R", message="m"), VIOLATION])

    positions = list[tuple[str, int, int]]()
    for detail in status_of(error).details:
        if detail.Unpack(position := PolicyViolation()):
            positions.append((position.pointer, position.line, position.column))

    assert positions == [("/Version", 1, 12), ("", 0, 0), ("/Version", 1, 12)]


@pytest.mark.parametrize(
    "error",
    [InvalidPrincipalError("t", "m"), roles.InvalidFieldsError([FIELD]), roles.InvalidTokenError("page_token", "m")],
    ids=["principal", "fields", "token"],
)
def test_a_violation_outside_a_document_has_no_position(error: Exception) -> None:
    assert not any(detail.TypeName() == "rolecall.v1.PolicyViolation" for detail in status_of(error).details)
