"""Report violations that a server finds in a trust policy at the lines of the file that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rolecall.cli.problem import Location, ProblemsError

_FIELD = "assume_role_policy_document"


@contextmanager
def document_errors_in(file: str, text: str) -> Iterator[None]:
    """If the server refuses only the document, and this version finds violations too, report these as `validate` does."""
    from rolecall_client.errors import RolecallError

    try:
        yield
    except RolecallError as error:
        if file and error.violations and all(v.field.startswith(_FIELD) for v in error.violations):
            _raise_local(file, text)
        raise


def _raise_local(file: str, text: str) -> None:
    from rolecall.cli.policy_check import violation_problems
    from rolecall.policy.errors import InvalidPolicyError
    from rolecall.policy.parser import parse_policy

    try:
        parse_policy(text)
    except InvalidPolicyError as found:
        raise ProblemsError(violation_problems(found, lambda _, line, column: Location(file, line, column))) from None
