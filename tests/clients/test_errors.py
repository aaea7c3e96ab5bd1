from __future__ import annotations

from google.rpc import code_pb2, error_details_pb2, status_pb2
from google.rpc.error_details_pb2 import BadRequest

from rolecall_client import RolecallError, Violation, error_of_status
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


def test_details_that_nobody_knows_are_passed_over() -> None:
    strange = status()
    strange.details.add().Pack(error_details_pb2.Help())
    strange.details.add().type_url = "type.googleapis.com/who.Knows"

    assert error_of_status(strange).reason == "RESERVED_KEY"


def test_a_code_that_nobody_knows_is_unknown() -> None:
    assert error_of_status(status_pb2.Status(code=4_711)).code == "UNKNOWN"
