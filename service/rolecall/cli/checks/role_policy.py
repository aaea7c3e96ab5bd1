"""The trust policy that `role create` and `role update` send, and what a server finds wrong with it at the lines of its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.remote.server_violations import message_of, not_shown

if TYPE_CHECKING:
    from rolecall.cli.sources.found import FoundPolicy, FoundRole
    from rolecall_client.errors import Violation

_FIELD = "assume_role_policy_document"
_OPTIONS = {
    "role": "ROLE",
    "role_name": "NAME",
    "account_id": "--account-id",
    "description": "--description",
    "max_session_duration_seconds": "--max-session-duration",
    "tags": "--tag",
    "etag": "--etag",
    "change_reason": "--reason",
    "request_id": "--request-id",
}
"""What the command line calls the fields of a request."""


def policy_for(role: str, file: str) -> FoundRole | FoundPolicy:
    """Return the policy in a file, if need be that of the role of this name; note what else the file says about the role."""
    from rolecall.cli.problems.reports import report_problems
    from rolecall.cli.sources.found import FoundRole
    from rolecall.cli.sources.one_policy import one_policy

    found = one_policy(file, role, any_name=True)
    if isinstance(found, FoundRole) and (found.tags or found.max_session_duration_seconds):
        message = f"only the trust policy of {found.label} is used, not its tags and its session duration"
        hint = "`rolecall apply -f FILE` writes whole roles"
        report_problems([Problem(location=found.location, message=message, severity="note", hint=hint, finding=True)])
    return found


@contextmanager
def document_errors_in(found: FoundRole | FoundPolicy | None) -> Iterator[None]:
    """If the server refuses the document, report each of its violations at its line in the file, and those of options beside."""
    from rolecall_client.errors import RolecallError

    try:
        yield
    except RolecallError as error:
        of_document = [violation for violation in error.violations if violation.field.startswith(_FIELD)]
        if found is None or not of_document:
            raise
        others = [_of_option(violation) for violation in error.violations if violation not in of_document]
        problems = [*others, *_of_document(of_document, found), *not_shown(error)]
        raise ProblemsError(problems) from None


def _of_option(violation: Violation) -> Problem:
    location = Location(_OPTIONS.get(violation.field, violation.field))
    return Problem(location=location, message=violation.message, reason=violation.reason)


def _of_document(violations: Sequence[Violation], found: FoundRole | FoundPolicy) -> Iterable[Problem]:
    """Return the violations of this version, which have hints apart, if they are the server's; else the server's."""
    from rolecall.cli.checks.policy_check import violation_problems
    from rolecall.policy.errors import InvalidPolicyError
    from rolecall.policy.parser import parse_policy

    try:
        parse_policy(found.document)
    except InvalidPolicyError as error:
        if [(each.pointer, each.reason) for each in error.violations] == [(v.pointer, v.reason) for v in violations]:
            return violation_problems(error, found.location_of)
    return [
        Problem(
            location=found.location_of(violation.pointer, violation.line, violation.column),
            message=f"{violation.pointer or '/'}: {message_of(violation)}",
            reason=violation.reason,
            pointer=violation.pointer,
        )
        for violation in violations
    ]
