"""Role files: the roles that they declare."""

from __future__ import annotations

from rolecall.cli.declarations.role import RoleReader
from rolecall.cli.sources.found import Found, found_role
from rolecall.cli.sources.kind import Document, FileKind, Outline


def _recognises(outline: Outline) -> bool:
    declares = outline.has_any("roles", "trust_policy", "trust_policy_json", "trust_policy_file")
    return declares or outline.texts.get("apiVersion", "").startswith("rolecall/")


def _read(document: Document, found: Found) -> None:
    reader = RoleReader(document.path, document.text)
    found.roles += [found_role(declared) for declared in reader.roles(document.root)]
    found.problems += reader.problems


ROLES = FileKind(
    name="a file of roles",
    recognises=_recognises,
    read=_read,
    form="such a file begins with `apiVersion: rolecall/v1`; `rolecall schema` describes it",
    elsewhere="`rolecall validate`, `rolecall test` and `rolecall apply -f FILE` read it",
)
