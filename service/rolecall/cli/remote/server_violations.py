"""The violations that a server reports, as problems of files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rolecall.cli.problems.problem import Location, Problem

if TYPE_CHECKING:
    from rolecall_client.errors import RolecallError, Violation


def message_of(violation: Violation) -> str:
    """Return the message of a violation without the position in the document that was sent, which a problem has itself."""
    return violation.message.removeprefix(f"{violation.line}:{violation.column}: ")


def not_shown(error: RolecallError) -> Iterator[Problem]:
    """Yield a note if the server has found more than it has sent."""
    total = error.metadata.get("total_violations")
    more = int(total) - len(error.violations) if total and total.isdigit() else 0
    if more > 0:
        yield Problem(
            location=Location("rolecall"),
            severity="note",
            message=f"the server found {more} more; correct these and apply again",
        )
