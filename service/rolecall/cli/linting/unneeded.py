"""Suppressions that are no longer needed: those that are over, and those that match nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rolecall.cli.linting.configuration import CONFIGURED_FINDINGS, ENDED, UNUSED, Suppression
from rolecall.cli.problems.problem import Problem

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


@dataclass(frozen=True, slots=True)
class DocumentsOfConfiguration:
    """The documents for which a configuration counts, as its patterns see them.

    `unjudged` are files with errors, whose findings are not known. `whole`: whether all documents of its directory were examined.
    """

    policies: Collection[tuple[str, str]]
    unjudged: Collection[str]
    whole: bool


def why_unused(suppression: Suppression, directory: Path, documents: DocumentsOfConfiguration) -> str:
    """Return why a suppression matches nothing; empty if it may match a document whose findings are not known."""
    test = suppression.test()
    if any(map(test.may_cover, documents.unjudged)):
        return ""
    if any(test.covers(path, role) for path, role in documents.policies):
        return "no policy that it covers has the finding"
    if documents.whole or (suppression.path and not _any_file(directory, suppression.path)):
        first = min((path for path, _ in documents.policies), default="")
        return "it covers no policy" + (f"; there is `{first}`" if first and suppression.path else "")
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
