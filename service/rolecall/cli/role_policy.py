"""The trust policy that `role create` and `role update` send, and what a server finds wrong with it at the lines of its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rolecall.cli.problem import Problem, ProblemsError

if TYPE_CHECKING:
    from rolecall.cli.sources.found import FoundPolicy, FoundRole

_FIELD = "assume_role_policy_document"


def policy_for(role: str, file: str) -> FoundRole | FoundPolicy:
    """Return the policy in a file, if need be that of the role of this name; note what else the file says about the role."""
    from rolecall.cli.reports import report_problems
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
    """If the server refuses only the document, and this version finds violations too, report these as `validate` does."""
    from rolecall_client.errors import RolecallError

    try:
        yield
    except RolecallError as error:
        if found is not None and error.violations and all(v.field.startswith(_FIELD) for v in error.violations):
            _raise_local(found)
        raise


def _raise_local(found: FoundRole | FoundPolicy) -> None:
    from rolecall.cli.policy_check import violation_problems
    from rolecall.policy.errors import InvalidPolicyError
    from rolecall.policy.parser import parse_policy

    try:
        parse_policy(found.document)
    except InvalidPolicyError as error:
        raise ProblemsError(violation_problems(error, found.location_of)) from None
