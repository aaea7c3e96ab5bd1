"""Read the roles that files and directories declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rolecall.cli.checks.role_check import GREATEST_LIMITS, AnyAccounts, RoleCheck, duplicate_problems
from rolecall.cli.declarations.document import TextSource
from rolecall.cli.declarations.role import DeclaredRole, RoleReader
from rolecall.cli.declarations.tree import MAX_FILE_BYTES, read_all
from rolecall.cli.linting.unneeded import examined_roles
from rolecall.cli.problems.problem import Location, Problem, ProblemsError, error_at
from rolecall.cli.problems.problem_groups import in_order
from rolecall.cli.text.files import SUFFIXES, files_in, nothing_in, read_input
from rolecall.engine.clock import now_micros
from rolecall.roles.role import RoleRef

if TYPE_CHECKING:
    from rolecall.cli.linting.judging import Linting, SuppressedProblem
    from rolecall.cli.sources.found import FoundRole


@dataclass(frozen=True, slots=True)
class DeclaredRoles:
    """The roles of files, the findings of the linter about their trust policies, and those that are suppressed."""

    roles: list[DeclaredRole]
    findings: list[Problem]
    suppressed: list[SuppressedProblem]


def read_declarations(paths: Iterable[Path]) -> list[DeclaredRole]:
    """Return the roles that files, or standard input (`-`), declare; raise `ProblemsError` with every problem of every file.

    In a directory and its subdirectories, `*.yaml`, `*.yml` and `*.json` files are read in the order of their names, except hidden
    ones. A trust policy that a role names as its `trust_policy_file` may be among them. The roles may break rules of a server.
    """
    declared, problems = _read(paths)
    names = (RoleRef(role.message.account_id, role.message.role_name) for role in declared)
    problems += duplicate_problems(zip(map(_found, declared), names, strict=True))
    if problems:
        raise ProblemsError(in_order(problems))
    return declared


def check_declarations(paths: Iterable[Path], accounts: AnyAccounts, linting: Linting | None) -> DeclaredRoles:
    """Return the roles that files declare; raise as `read_declarations` does, and for each rule that a role would break.

    Without `linting` the linter is not asked.
    """
    declared, problems = _read(paths)
    trusted = linting.trusted_accounts if linting else None
    check = RoleCheck(accounts, now=now_micros(), limits=GREATEST_LIMITS, trusted_accounts=trusted)
    checked = [check.role(_found(role)) for role in declared]
    problems += [problem for role in checked for problem in role.problems]
    problems += duplicate_problems(role.named for role in checked)
    if problems:
        raise ProblemsError(in_order(problems))
    if linting is None:
        return DeclaredRoles(declared, [], [])
    findings = [finding for role in checked for finding in check.findings(role)]
    judged = linting.judged(findings, examined_roles(role.found for role in checked))
    if unreadable := [problem for problem in judged.problems if not problem.finding]:
        raise ProblemsError(unreadable)
    return DeclaredRoles(declared, judged.problems, judged.suppressed)


def _read(paths: Iterable[Path]) -> tuple[list[DeclaredRole], list[Problem]]:
    declared: list[DeclaredRole] = []
    problems: list[Problem] = []
    for path in _expanded(paths, problems):
        declared += _read_file(path, problems)
    policies = {role.source.start.file for role in declared if isinstance(role.source, TextSource)}
    own = {role.table.location.file for role in declared}
    # A policy that a role names as its file is not a file of roles.
    return declared, [problem for problem in problems if problem.location.file not in policies - own]


def _found(declared: DeclaredRole) -> FoundRole:
    from rolecall.cli.sources.found import found_role

    return found_role(declared)


def _expanded(paths: Iterable[Path], problems: list[Problem]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = files_in(path)
        if not found:
            problems.append(nothing_in(path))
        yield from found


def _read_file(path: Path, problems: list[Problem]) -> list[DeclaredRole]:
    try:
        text = read_input(str(path), MAX_FILE_BYTES)
    except ProblemsError as error:
        problems += error.problems
        return []
    declared, wrong = _read_text(path, text)
    if wrong and (other := _other_kind(path, text)):
        # The keys that a plan or a policy has and a file of roles has not are of no interest.
        declared, wrong = [], [other]
    problems += wrong
    return declared


def _read_text(path: Path, text: str) -> tuple[list[DeclaredRole], list[Problem]]:
    """Return the roles that a text declares, and its problems."""
    try:
        documents, duplicates = read_all(text, str(path), is_json=_is_json(path, text))
        if not documents:
            raise error_at(Location(str(path)), "declares nothing")
    except ProblemsError as error:
        return [], list(error.problems)
    reader = RoleReader(path, text)
    declared = [role for document in documents for role in reader.roles(document)]
    return declared, [*duplicates, *reader.problems]


def _is_json(path: Path, text: str) -> bool:
    """Return whether a text is read as JSON: by the name of its file, or what it begins with, such as on standard input."""
    if path.suffix in SUFFIXES:
        return path.suffix == ".json"
    return text.lstrip().startswith("{")


def _other_kind(path: Path, text: str) -> Problem | None:
    from rolecall.cli.sources.other_kind import other_kind
    from rolecall.cli.sources.role_files import ROLES

    return other_kind(path, text, ROLES)
