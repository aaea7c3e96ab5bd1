from __future__ import annotations

from google.rpc import code_pb2, error_details_pb2, status_pb2

from rolecall_client import RolecallError, Violation, error_of_status


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


def test_details_that_nobody_knows_are_passed_over() -> None:
    strange = status()
    strange.details.add().Pack(error_details_pb2.Help())
    strange.details.add().type_url = "type.googleapis.com/who.Knows"

    assert error_of_status(strange).reason == "RESERVED_KEY"


def test_a_code_that_nobody_knows_is_unknown() -> None:
    assert error_of_status(status_pb2.Status(code=4_711)).code == "UNKNOWN"
