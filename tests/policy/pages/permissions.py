"""The messages of every vector of permission documents, as people read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.profile import Profile
from tests.vectors.cases import VECTORS


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join(
        [line for path in sorted(VECTORS.glob("permission-documents/*.json")) for line in _lines(path)] + [""]
    )


def _lines(path: Path) -> Iterator[str]:
    for case in json.loads(path.read_text())["cases"]:
        try:
            parse_permission_policy(case["document"], profile=Profile[case.get("profile", "ROLECALL")])
        except InvalidPolicyError as error:
            yield f"# {path.stem}: {case['name']}"
            for found in error.violations:
                suggestion = f" -> {found.suggestion}" if found.suggestion else ""
                yield f"{found.line}:{found.column} {found.pointer or '/'} {found.reason}: {found.message}{suggestion}"
