"""Suppressions that are no longer needed: those that are over, and those that match nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rolecall.cli.linting.configuration import CONFIGURED_FINDINGS, ENDED, UNUSED, LintConfiguration, Suppression
from rolecall.cli.problem import Problem

if TYPE_CHECKING:
    from rolecall.cli.sources.found import FoundRole


class ExaminedPolicy(NamedTuple):
    """A policy that was examined: its file, and its role, which is empty for a permission policy."""

    file: str
    role: str


def examined_roles(roles: Iterable[FoundRole]) -> Iterator[ExaminedPolicy]:
    """Yield roles, each also at the file of its policy, which may be another."""
    for role in roles:
        yield ExaminedPolicy(role.location.file, role.name)
        yield ExaminedPolicy(role.location_of("").file, role.name)


def why_unused(
    suppression: Suppression, configuration: LintConfiguration, documents: Collection[ExaminedPolicy], *, whole: bool
) -> str:
    """Return why a suppression matches nothing; empty if it may match a document that was not examined.

    `whole`: whether all documents of the configuration were.
    """
    test = suppression.test()
    if any(test.covers(configuration.path_of(each.file), each.role) for each in documents):
        return "no policy that it covers has the finding"
    if whole or (suppression.path and not _any_file(configuration.directory, suppression.path)):
        paths = sorted({configuration.path_of(each.file) for each in documents})
        return "it covers no policy" + (f"; there is `{paths[0]}`" if paths and suppression.path else "")
    return ""


def _any_file(directory: Path, pattern: str) -> bool:
    """Return whether a file may match a pattern: one with wildcards is not looked up."""
    return "*" in pattern or "?" in pattern or (directory / pattern).exists()


def ended(suppression: Suppression) -> Problem:
    """Return the finding about a suppression that is over."""
    message = f"the suppression of {suppression.scope} ended on {suppression.until}"
    return _about(suppression, ENDED, message, "correct the documents and remove it, or give it a later `until`")


def unused(suppression: Suppression, why: str) -> Problem:
    """Return the finding about a suppression that matches nothing."""
    return _about(
        suppression, UNUSED, f"the suppression of {suppression.scope} matches nothing: {why}", "correct or remove it"
    )


def _about(suppression: Suppression, reason: str, message: str, hint: str) -> Problem:
    severity = CONFIGURED_FINDINGS[reason].value
    return Problem(
        location=suppression.location, severity=severity, message=message, reason=reason, hint=hint, finding=True
    )
