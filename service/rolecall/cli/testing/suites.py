"""From what a command line names to the cases to run, each with the roles that it asks about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rolecall.cli.problem import Location, Problem, ProblemsError
from rolecall.cli.sources import Found, FoundRole, UnknownRole, search
from rolecall.cli.testing.case_file import CaseFile, read_cases
from rolecall.cli.testing.cases import Suite
from rolecall.cli.testing.manifest_cases import Cluster, manifest_cases, manifest_problems


@dataclass(slots=True)
class Collection:
    """The cases to run, every role that there is, and what is to be told."""

    suites: list[Suite] = field(default_factory=list)
    roles: dict[tuple[Path, int, int, str], FoundRole] = field(default_factory=dict)
    unknown_roles: list[UnknownRole] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take(self, found: Found) -> tuple[FoundRole, ...]:
        """Take over what a search has found, but for the cases; return its roles, as they are known already."""
        self.unknown_roles += found.unknown_roles
        self.remarks += found.remarks
        self.problems += found.problems
        return tuple(self.roles.setdefault(_identity(role), role) for role in found.roles)


def collect(paths: Sequence[Path], cluster: Cluster) -> Collection:
    """Return the cases that files and directories hold. What is wrong is noted, not raised.

    A case file asks about the roles that it names. One that names none asks about every role of the command line; where that has
    none, about those in the case file's own directory.
    """
    collection = Collection()
    found = search(paths)
    common = collection.take(found)
    collection.problems += manifest_problems(found.service_accounts, cluster.provider)
    files = list(_case_files(found, collection))
    for file in files:
        roles = _own_roles(file, collection, beside=not (common or found.unknown_roles))
        collection.suites.append(Suite(file=str(file.path), cases=file.cases, roles=common if roles is None else roles))
    collection.suites += _manifest_suites(found, common, cluster)
    if not collection.suites and not collection.problems:
        hint = "a file of cases has `apiVersion: rolecall/v1` and `cases`; see `rolecall test --help`"
        where = ", ".join(f"`{path}`" for path in paths)
        location = Location(str(paths[0]))
        collection.problems.append(Problem(location=location, message=f"there are no test cases in {where}", hint=hint))
    # A file that several others name is told once.
    collection.remarks = list(dict.fromkeys(collection.remarks))
    return collection


def _case_files(found: Found, collection: Collection) -> Iterator[CaseFile]:
    for document in found.case_documents:
        try:
            yield read_cases(document)
        except ProblemsError as error:
            collection.problems += error.problems


def _own_roles(file: CaseFile, collection: Collection, *, beside: bool) -> tuple[FoundRole, ...] | None:
    """Return the roles that a file of cases names, or else, if asked for, those beside it."""
    own = file.found
    if own is None and beside:
        own = search([file.path.parent])
        own.case_documents.clear()
    return None if own is None else collection.take(own)


def _manifest_suites(found: Found, roles: tuple[FoundRole, ...], cluster: Cluster) -> Iterator[Suite]:
    for file in dict.fromkeys(account.location.file for account in found.service_accounts):
        accounts = [account for account in found.service_accounts if account.location.file == file]
        yield Suite(file=file, cases=tuple(manifest_cases(accounts, cluster)), roles=roles)


def _identity(role: FoundRole) -> tuple[Path, int, int, str]:
    """Return what tells a role from others, however the path to its file is written."""
    return Path(role.location.file).resolve(), role.location.line, role.location.column, role.name
