"""Read the roles that files and directories declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rolecall.cli.declarations.document import TextSource
from rolecall.cli.declarations.role import DeclaredRole, RoleReader
from rolecall.cli.declarations.tree import MAX_FILE_BYTES, read_documents
from rolecall.cli.files import read_input
from rolecall.cli.problem import Location, Problem, ProblemsError, error_at

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def read_declarations(paths: Iterable[Path]) -> list[DeclaredRole]:
    """Return the roles that files, or standard input (`-`), declare; raise `ProblemsError` with every problem of every file.

    In a directory and its subdirectories, `*.yaml`, `*.yml` and `*.json` files are read in the order of their names, except hidden
    ones. A trust policy that a role names as its `trust_policy_file` may be among them.
    """
    declared: list[DeclaredRole] = []
    problems: list[Problem] = []
    for path in _expanded(paths):
        try:
            declared += _read_file(path)
        except ProblemsError as error:
            problems += error.problems
    policies = {role.source.start.file for role in declared if isinstance(role.source, TextSource)}
    problems = [problem for problem in problems if problem.location.file not in policies]
    problems += _duplicates(declared)
    if problems:
        raise ProblemsError(problems)
    return declared


def _expanded(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and _visible(file, path))
        if not found:
            raise error_at(Location(str(path)), f"the directory `{path}` has no *.yaml, *.yml or *.json file")
        yield from found


def _visible(file: Path, root: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)


def _read_file(path: Path) -> list[DeclaredRole]:
    text = read_input(str(path), MAX_FILE_BYTES)
    documents = read_documents(text, str(path))
    reader = RoleReader(path, text)
    if not documents:
        raise error_at(Location(str(path)), "declares nothing")
    declared = [role for document in documents for role in reader.roles(document)]
    if reader.problems:
        raise ProblemsError(reader.problems)
    return declared


def _duplicates(declared: Iterable[DeclaredRole]) -> Iterator[Problem]:
    first: dict[tuple[str, str], DeclaredRole] = {}
    for role in declared:
        key = (role.message.account_id, role.message.role_name.lower())
        earlier = first.setdefault(key, role)
        if earlier is not role:
            message = f"the role `{role.message.role_name}` is declared twice; the first is at {earlier.location}"
            yield Problem(location=role.location, message=message, hint="keep one of the two", reason="DUPLICATE_ROLE")
