"""Collect the cases of the files on a command line, each with the roles that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.sources import Found, FoundRole, UnknownRole, search
from rolecall.cli.testing.case_file import CaseFile, read_cases
from rolecall.cli.testing.cases import Suite
from rolecall.cli.testing.manifest_cases import Cluster, manifest_cases, manifest_problems, manifest_remarks


@dataclass(slots=True)
class Collection:
    """The cases to run, all known roles, remarks and problems."""

    suites: list[Suite] = field(default_factory=list)
    roles: dict[tuple[Path, int, int, str], FoundRole] = field(default_factory=dict)
    unknown_roles: list[UnknownRole] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, found: Found) -> tuple[FoundRole, ...]:
        """Add what a search found, except cases; return its roles, replacing known ones by the existing objects."""
        self.unknown_roles += found.unknown_roles
        self.remarks += found.remarks
        for policy in found.permission_policies:
            message = "skipped: a permission policy has no role to test"
            self.remarks.append(Problem(location=policy.location, message=message, severity="note", finding=True))
        self.problems += found.problems
        return tuple(self.roles.setdefault(_identity(role), role) for role in found.roles)


def collect(paths: Sequence[Path], cluster: Cluster) -> Collection:
    """Return the cases in files and directories. Problems are collected, not raised.

    The roles of a case file are those that it names; if it names none, all roles of the command line; if this has only case files,
    manifests and directories without roles, the roles in the directory of the case file.
    """
    collection = Collection()
    found = search(paths, stdin=True)
    common = collection.add(found)
    collection.problems += manifest_problems(found.service_accounts, cluster.provider)
    collection.remarks += manifest_remarks(found.service_accounts, cluster)
    files = list(_case_files(found, collection))
    # A plan that has no roles, or cannot be read, must not be replaced by roles that are not those of the plan.
    beside = not (common or found.unknown_roles or _has_other_files(paths, found))
    for file in files:
        roles = _own_roles(file, collection, beside=beside)
        collection.suites.append(Suite(file=str(file.path), cases=file.cases, roles=common if roles is None else roles))
    if cluster.provider:
        collection.suites += _manifest_suites(found, common, cluster)
    if not collection.suites and not collection.problems:
        hint = "a case file has `apiVersion: rolecall/v1` and `cases`; see `rolecall test --help`"
        where = ", ".join(f"`{path}`" for path in paths)
        location = Location(str(paths[0]))
        collection.problems.append(Problem(location=location, message=f"there are no test cases in {where}", hint=hint))
    # A file that several case files name is reported once.
    collection.remarks = list(dict.fromkeys(collection.remarks))
    return collection


def _has_other_files(paths: Sequence[Path], found: Found) -> bool:
    """Return whether the command line names a file that has neither cases nor service accounts."""
    known = {document.path for document in found.case_documents}
    known |= {Path(account.location.file) for account in found.service_accounts}
    return any(path not in known and not path.is_dir() for path in paths)


def _case_files(found: Found, collection: Collection) -> Iterator[CaseFile]:
    for document in found.case_documents:
        try:
            yield read_cases(document)
        except ProblemsError as error:
            collection.problems += error.problems


def _own_roles(file: CaseFile, collection: Collection, *, beside: bool) -> tuple[FoundRole, ...] | None:
    """Return the roles that a case file names; if it names none and `beside` is set, those in its directory; else None."""
    own = file.found
    if own is None and beside:
        own = search([file.path.parent])
    return None if own is None else collection.add(own)


def _manifest_suites(found: Found, roles: tuple[FoundRole, ...], cluster: Cluster) -> Iterator[Suite]:
    for file in dict.fromkeys(account.location.file for account in found.service_accounts):
        accounts = [account for account in found.service_accounts if account.location.file == file]
        yield Suite(file=file, cases=tuple(manifest_cases(accounts, cluster)), roles=roles)


def _identity(role: FoundRole) -> tuple[Path, int, int, str]:
    """Return the identity of a role, independent of how the path to its file is written."""
    return Path(role.location.file).resolve(), role.location.line, role.location.column, role.name
