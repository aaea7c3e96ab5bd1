"""The messages of every document vector, as people read them; run this module to update `messages.txt`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.parser import parse_policy
from rolecall.policy.profile import Profile
from tests.vectors.cases import VECTORS

PAGE = Path(__file__).parent / "messages.txt"


def written_messages() -> str:
    """Return the text of the page as it should be."""
    lines = [line for path in sorted(VECTORS.glob("documents/*.json")) for line in _lines(path)]
    return "\n".join([*lines, ""])


def _lines(path: Path) -> Iterator[str]:
    for case in json.loads(path.read_text())["cases"]:
        if case["valid"]:
            continue
        yield f"# {path.stem}: {case['name']}"
        try:
            parse_policy(case["document"], profile=Profile[case.get("profile", "ROLECALL")])
        except InvalidPolicyError as error:
            yield from map(_line, error.violations)


def _line(violation: Violation) -> str:
    suggestion = f" -> {violation.suggestion}" if violation.suggestion else ""
    at = f"{violation.line}:{violation.column} {violation.pointer or '/'}"
    return f"{at} {violation.reason}: {violation.message}{suggestion}"


if __name__ == "__main__":
    PAGE.write_text(written_messages())
