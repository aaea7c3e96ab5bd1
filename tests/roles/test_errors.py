"""What the errors about roles say, and the facts that they have as attributes."""

from __future__ import annotations

from typing import Any

from rolecall.roles import errors
from rolecall.roles.errors import FieldViolation

ARN = "acs:ram::1:role/App"
VIOLATIONS = [FieldViolation(field=name, reason="REQUIRED", message=f"give {name}") for name in ("one", "two")]


def made() -> list[tuple[errors.RoleError, str, dict[str, Any]]]:
    """Return each error with its text and its facts."""
    return [
        (errors.InvalidFieldsError(VIOLATIONS), "one: give one; two: give two", {"violations": tuple(VIOLATIONS)}),
        (errors.RoleNotFoundError(ARN), f"there is no role `{ARN}`", {"role": ARN}),
        (errors.RoleNotFoundError(ARN, role_id="7"), f"there is no role `{ARN}` with the id `7`", {"role": ARN}),
        (
            errors.RoleNotFoundError(ARN, floor=1),
            f"there is no role `{ARN}`: history begins after revision 1",
            {"role": ARN},
        ),
        (errors.RoleNotFoundError(ARN, stored=True), f"no deleted role `{ARN}` is stored", {"role": ARN}),
        (
            errors.RoleNotFoundError(ARN, stored=True, role_id="7", floor=5),
            f"no deleted role `{ARN}` with the id `7` is stored: history begins after revision 5",
            {"role": ARN},
        ),
        (errors.RoleExistsError(ARN), f"role `{ARN}` already exists", {"arn": ARN}),
        (
            errors.StaleEtagError(ARN, given='"1-a"', current='"2-b"'),
            f'role `{ARN}` has changed: etag "1-a" was given, "2-b" is current; read the role again',
            {"arn": ARN, "given": '"1-a"', "current": '"2-b"'},
        ),
        (
            errors.RoleLimitError("1", 10),
            "account `1` has the maximum of 10 roles",
            {"account_id": "1", "limit": 10},
        ),
        (
            errors.IdempotencyMismatchError("id"),
            "request id `id` was used with another body; choose a new one for a new request",
            {"request_id": "id"},
        ),
        (errors.RevisionNotKeptError(3, floor=5, message="why"), "why", {"revision": 3, "floor": 5}),
        (errors.InvalidTokenError("page_token", "why"), "why", {"kind": "page_token"}),
        (errors.UnknownIncarnationError("why"), "why", {}),
        (errors.StoreUnavailableError("why"), "why", {}),
        (errors.StoreBusyError("why"), "why", {}),
        (errors.BrokenHistoryError("why"), "why", {}),
        (errors.AlteredRolesError("why"), "why", {}),
        (errors.StoreUnsupportedError("why"), "why", {}),
    ]


def test_an_error_says_what_is_wrong_and_has_its_facts() -> None:
    for error, text, facts in made():
        assert str(error) == text
        assert vars(error) == facts


def test_every_error_about_roles_is_among_them() -> None:
    defined = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}

    assert defined - {errors.RoleError} == {type(error) for error, _, _ in made()}


def test_a_violation_of_a_field_that_is_no_document_has_no_position_and_no_code_of_ram() -> None:
    violation = FieldViolation(field="role", reason="REQUIRED", message="give a role")

    assert (violation.ram_code, violation.pointer, violation.line, violation.column) == ("", "", 0, 0)
