"""Policies in files of their own: a trust policy is that of a role which is named after the file."""

from __future__ import annotations

import json
from pathlib import Path

from rolecall.cli.declarations.document import TextSource
from rolecall.cli.problems.problem import Location, error_at
from rolecall.cli.sources.found import Found, FoundPolicy, FoundRole
from rolecall.cli.sources.kind import FileKind, Outline
from rolecall.cli.text.files import MAX_POLICY_FILE_BYTES
from rolecall.policy.kind import PolicyKind, kind_of_policy

_MEMBERS = frozenset({"version", "statement", "statements", "effect", "action", "principal", "resource", "condition"})


def resembles_policy(value: object) -> bool:
    """Return whether a JSON value is an empty object or has a member of a policy: then the parser says best what is wrong."""
    if isinstance(value, list):
        return any(resembles_policy(item) for item in value if isinstance(item, dict))
    return isinstance(value, dict) and (not value or any(name.lower() in _MEMBERS for name in value))


def policy_kind(text: str) -> PolicyKind | None:
    """Return the kind of a policy; None if its statements may be of both kinds. Invalid JSON counts as a trust policy."""
    try:
        return kind_of_policy(json.loads(text))
    except (ValueError, RecursionError):
        return PolicyKind.TRUST


def add_policy(file: str, text: str, found: Found, kind: PolicyKind | None = None) -> None:
    """Add a policy in a file of its own, of `kind` or the one that its content shows; raise `ProblemsError`.

    A document that may be of both kinds counts as a trust policy.
    """
    role = policy_role(file, text)
    kind = kind or policy_kind(text)
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
        name=name,
        location=Location(file),
        document=text,
        source=TextSource(text, start),
        label=f"role `{name}`",
        declared=False,
    )


def _recognises(outline: Outline) -> bool:
    return outline.is_json and outline.has_any("Version", "Statement")


def _read_text(path: Path, text: str, found: Found) -> None:
    add_policy(str(path), text, found)


POLICY = FileKind(
    name="a policy",
    recognises=_recognises,
    read_text=_read_text,
    elsewhere="`rolecall validate` checks it, and `rolecall role create NAME --policy FILE` makes a role of it",
)
