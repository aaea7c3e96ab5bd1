from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from google.rpc.error_details_pb2 import BadRequest

from rolecall_client import (
    AbortedError,
    AccessDeniedError,
    AlreadyExistsError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotAuthenticatedError,
    NotFoundError,
    ResourceExhaustedError,
    RolecallError,
    UnavailableError,
    Violation,
    error_of_status,
)
from rolecall_client.errors import error_of_call
from rolecall_client.v1.policy_pb2 import PolicyViolation


def status() -> status_pb2.Status:
    made = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="the request breaks a rule")
    made.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason="RESERVED_KEY", domain="rolecall", metadata={"ram_code": "X", "request_id": "r1"}
        )
    )
    violation = error_details_pb2.BadRequest.FieldViolation(
        field="context", reason="RESERVED_KEY", description="leave it out"
    )
    made.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return made


def test_a_status_becomes_an_error_with_all_its_facts() -> None:
    error = error_of_status(status())

    assert isinstance(error, RolecallError)
    assert (error.code, error.reason, str(error)) == ("INVALID_ARGUMENT", "RESERVED_KEY", "the request breaks a rule")
    assert error.violations == (Violation("context", "RESERVED_KEY", "leave it out"),)
    assert error.metadata["ram_code"] == "X"
    assert error.request_id == "r1"


def with_positions(*positions: PolicyViolation) -> status_pb2.Status:
    made = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT)
    names = [BadRequest.FieldViolation(field=name, reason="R", description="m") for name in ("a", "b")]
    made.details.add().Pack(BadRequest(field_violations=names))
    for position in positions:
        made.details.add().Pack(position)
    return made


def test_violations_of_a_policy_have_their_position() -> None:
    error = error_of_status(with_positions(PolicyViolation(), PolicyViolation(pointer="/Version", line=2, column=7)))

    assert error.violations == (
        Violation("a", "R", "m"),
        Violation("b", "R", "m", pointer="/Version", line=2, column=7),
    )


def test_positions_that_a_server_does_not_send_are_empty() -> None:
    one = PolicyViolation(pointer="/Version", line=2, column=7)

    none, fewer, more = (error_of_status(with_positions(*[one] * count)).violations for count in (0, 1, 3))

    assert none == (Violation("a", "R", "m", pointer="", line=0, column=0), Violation("b", "R", "m"))
    assert [(violation.field, violation.line) for violation in fewer] == [("a", 2), ("b", 0)]
    assert [(violation.field, violation.line) for violation in more] == [("a", 2), ("b", 2)]


def test_unknown_details_are_ignored() -> None:
    strange = status()
    strange.details.add().Pack(error_details_pb2.Help())
    strange.details.add().type_url = "type.googleapis.com/who.Knows"

    assert error_of_status(strange).reason == "RESERVED_KEY"


def test_an_unknown_code_is_reported_as_unknown() -> None:
    assert error_of_status(status_pb2.Status(code=4_711)).code == "UNKNOWN"


class FailedCall(grpc.RpcError):
    """What gRPC raises, with the trailers of the test."""

    def __init__(self, *trailers: tuple[str, str | bytes]) -> None:
        self._trailers = trailers

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.ABORTED

    def details(self) -> str | None:
        return "text of gRPC" if self._trailers else None

    def trailing_metadata(self) -> Any:
        return self._trailers or None


DETAILS = "grpc-status-details-bin"

CLASSES = {
    "UNAVAILABLE": UnavailableError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "PERMISSION_DENIED": AccessDeniedError,
    "UNAUTHENTICATED": NotAuthenticatedError,
    "INVALID_ARGUMENT": InvalidArgumentError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": AlreadyExistsError,
    "ABORTED": AbortedError,
    "RESOURCE_EXHAUSTED": ResourceExhaustedError,
}


def test_a_failed_call_has_the_facts_of_its_status() -> None:
    error = error_of_call(FailedCall((DETAILS, status().SerializeToString())))

    assert (error.code, error.reason, error.request_id) == ("INVALID_ARGUMENT", "RESERVED_KEY", "r1")
    assert error.message == "the request breaks a rule"


def test_the_request_id_of_the_trailers_wins() -> None:
    trailers: list[tuple[str, str | bytes]] = [("x-request-id", "r2"), (DETAILS, status().SerializeToString())]

    assert error_of_call(FailedCall(*trailers)).request_id == "r2"


@pytest.mark.parametrize("cut", [b"\xff\xff", b"", "text"])
def test_a_failed_call_without_a_readable_status_has_its_code_and_text(cut: bytes | str) -> None:
    error = error_of_call(FailedCall((DETAILS, cut), ("x-request-id", b"r\xff3")))

    assert (error.code, error.message, error.reason) == ("ABORTED", "text of gRPC", "")
    assert (error.request_id, error.violations, error.metadata) == ("r\ufffd3", (), {})


def test_a_failed_call_without_trailers_has_its_code() -> None:
    error = error_of_call(FailedCall())

    assert (error.code, error.message, error.request_id) == ("ABORTED", "", "")


@pytest.mark.parametrize("code", code_pb2.Code.keys()[1:])
def test_each_code_has_its_class_whether_the_status_is_readable_or_not(code: str) -> None:
    expected = CLASSES.get(code, RolecallError)

    made = error_of_status(status_pb2.Status(code=code_pb2.Code.Value(code)))
    trailers = [(DETAILS, status_pb2.Status(code=code_pb2.Code.Value(code)).SerializeToString())]

    assert (type(made), made.code) == (expected, code)
    assert type(error_of_call(FailedCall(*trailers))) is expected


def test_a_failed_call_without_a_status_has_the_class_of_its_code() -> None:
    assert type(error_of_call(FailedCall())) is AbortedError


def test_an_error_says_how_long_to_wait_if_the_server_does() -> None:
    made = status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED)
    made.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)))

    assert (error_of_status(made).retry_after, error_of_status(status()).retry_after) == (1.5, None)
