"""Search files and directories for roles and test cases.

In directories, at any depth, every `*.json`, `*.yaml` and `*.yml` file that is not hidden is read; a file of another kind is
skipped with a note. A file that the command line names must be of a known kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rolecall.cli.declarations.document import TextSource
from rolecall.cli.declarations.role import RoleReader
from rolecall.cli.declarations.tree import MAX_FILE_BYTES, Node, Table, read_documents
from rolecall.cli.files import MAX_POLICY_FILE_BYTES, read_text
from rolecall.cli.problem import Location, ProblemsError, error_at
from rolecall.cli.sources.found import CaseDocument, Found, FoundPolicy, FoundRole, found_role
from rolecall.cli.sources.kinds import Kind, kind_of_json, kind_of_node, kind_of_text
from rolecall.cli.sources.kubernetes import read_manifest
from rolecall.cli.sources.terraform import read_plan
from rolecall.policy.kind import PolicyKind

_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_KINDS = (
    "neither roles, a trust policy, a permission policy, test cases, a terraform plan (`terraform show -json`)"
    " nor a Kubernetes manifest"
)


def search(paths: Iterable[Path]) -> Found:
    """Return what files and directories contain. Nothing is raised; problems are part of the result."""
    found = Found()
    seen: set[Path] = set()
    for path in paths:
        for file, named in _files(path, found):
            if (resolved := file.resolve()) not in seen:
                seen.add(resolved)
                _read(file, found, named=named)
    _drop_referenced(found)
    return found


def _files(path: Path, found: Found) -> Iterator[tuple[Path, bool]]:
    """Yield files, each with whether the command line names it."""
    if not path.is_dir():
        yield path, True
        return
    files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and _visible(file, path))
    if not files:
        found.add_problem(Location(str(path)), f"the directory `{path}` has no *.yaml, *.yml or *.json file")
    yield from ((file, False) for file in files)


def _visible(file: Path, root: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)


def _read(path: Path, found: Found, *, named: bool) -> None:
    try:
        text = read_text(path, MAX_FILE_BYTES)
        if path.suffix in {".yaml", ".yml"}:
            _read_yaml(path, text, found, named=named)
        else:
            _read_json(path, text, found, named=named)
    except ProblemsError as error:
        found.problems += error.problems


def _read_yaml(path: Path, text: str, found: Found, *, named: bool) -> None:
    documents = [(kind_of_node(document), document) for document in read_documents(text, str(path))]
    known = [(kind, document) for kind, document in documents if kind is not Kind.EMPTY]
    if not known:
        found.add_problem(Location(str(path)), "the file is empty") if named else found.add_remark(
            Location(str(path)), "is empty"
        )
    for kind, document in known:
        _read_document(kind, document, path, text, found, named=named)


def _read_json(path: Path, text: str, found: Found, *, named: bool) -> None:
    kind = kind_of_json(text)
    if kind is Kind.POLICY or (kind is Kind.OTHER and named):
        add_policy(str(path), text, found)
        return
    if kind is Kind.OTHER:
        found.add_remark(Location(str(path)), f"skipped: it is {_KINDS}")
        return
    # The reader recognises JSON by the file name, which may have another suffix.
    for document in read_documents(text, str(path) if path.suffix == ".json" else f"{path}.json"):
        _read_document(kind, document, path, text, found, named=named)


def _read_document(kind: Kind, document: Node, path: Path, text: str, found: Found, *, named: bool) -> None:
    if kind is Kind.OTHER or not isinstance(document, Table):
        if named:
            found.add_problem(
                document.location, f"this is {_KINDS}", "begin a file of roles with `apiVersion: rolecall/v1`"
            )
        else:
            found.add_remark(document.location, f"skipped: it is {_KINDS}")
    elif kind is Kind.CASES:
        found.case_documents.append(CaseDocument(path, text, document))
    elif kind is Kind.PLAN:
        read_plan(document, found)
    elif kind is Kind.MANIFEST:
        read_manifest(document, found)
    else:
        _read_roles(document, path, text, found)


def _read_roles(document: Node, path: Path, text: str, found: Found) -> None:
    reader = RoleReader(path, text)
    found.roles += [found_role(declared) for declared in reader.roles(document)]
    found.problems += reader.problems


def add_policy(file: str, text: str, found: Found, kind: PolicyKind | None = None) -> None:
    """Add a policy in a file of its own, of `kind` or the one that its content shows; raise `ProblemsError`.

    A document that may be of both kinds counts as a trust policy.
    """
    role = policy_role(file, text)
    kind = kind or kind_of_text(text)
    if kind in (PolicyKind.PERMISSION, PolicyKind.SESSION):
        found.permission_policies.append(FoundPolicy(location=role.location, document=text, kind=kind))
    else:
        found.roles.append(role)


def policy_role(file: str, text: str) -> FoundRole:
    """Return a role for a trust policy in a separate file, named after the file; raise `ProblemsError`."""
    name, start = Path(file).stem, Location(file, 1, 1)
    if len(text.encode()) > MAX_POLICY_FILE_BYTES:
        raise error_at(Location(file), f"`{file}` is longer than {MAX_POLICY_FILE_BYTES:,} bytes")
    return FoundRole(
        name=name, location=Location(file), document=text, source=TextSource(text, start), label=f"role `{name}`"
    )


def _drop_referenced(found: Found) -> None:
    """Drop the roles of policy files that another role names as its `trust_policy_file`."""
    own = {id(role) for role in found.roles if role.location.line == 0}
    referenced = {_file(role) for role in found.roles if id(role) not in own and isinstance(role.source, TextSource)}
    found.roles = [role for role in found.roles if id(role) not in own or _file(role) not in referenced]


def _file(role: FoundRole) -> Path:
    location = role.source.start if isinstance(role.source, TextSource) else role.location
    return Path(location.file).resolve()
