"""What a write changes about a role, as a unified diff for people: bounded, and harmless to a terminal.

Each field is a line, each tag is one, and the document is compared line by line. A document of one line is shown as JSON with
one element a line, so that the change in it can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff
from itertools import takewhile

from rolecall.roles.role import Role
from rolecall.roles.text import visible

MAX_DIFF_CHARACTERS = 16_384
MAX_TOTAL_BYTES = 2_097_152
_MAX_COMPARED_LINES = 2_000
_CONTEXT_LINES = 3


class Differences:
    """The diffs of one write; together they are bounded, too."""

    def __init__(self, total: int = MAX_TOTAL_BYTES) -> None:
        self._left = total

    def diff(self, before: Role | None, after: Role | None) -> str:
        """Return the diff from one version of a role to the next; None stands for no role."""
        if self._left <= 0:
            return "… the diff is left out: those of the roles before have filled the answer\n"
        text = _cut(role_diff(before, after))
        self._left -= len(text.encode())
        return text


def role_diff(before: Role | None, after: Role | None) -> str:
    """Return the whole diff, however long."""
    role = after or before
    if role is None:
        return ""
    old_document, new_document = _comparable(before.document if before else "", after.document if after else "")
    old = _lines(before, old_document) if before else []
    new = _lines(after, new_document) if after else []
    names = (role.arn if before else "/dev/null", role.arn if after else "/dev/null")
    return "".join(f"{line}\n" for line in _unified(old, new, names))


def _lines(role: Role, document: list[str]) -> list[str]:
    lines = [
        f"role_name: {role.role_name}",
        f"description: {json.dumps(role.description, ensure_ascii=False)}",
        f"max_session_duration_seconds: {role.max_session_duration_seconds}",
        "tags:" if role.tags else "tags: {}",
        *(f"  {_quoted(key)}: {_quoted(role.tags[key])}" for key in sorted(role.tags)),
        "assume_role_policy_document:",
        *(f"  {line}" for line in document),
    ]
    return [visible(line) for line in lines]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _comparable(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines of two documents: as they are, or both reprinted where one of them is a single line."""
    plain = before.splitlines(), after.splitlines()
    if all(len(lines) != 1 for lines in plain):
        return plain
    printed = _printed(before), _printed(after)
    return plain if printed[0] == printed[1] and before != after else printed


def _printed(document: str) -> list[str]:
    try:
        return json.dumps(json.loads(document), indent=2, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):
        return document.splitlines()


def _unified(old: list[str], new: list[str], names: tuple[str, str]) -> Iterator[str]:
    if old == new:
        # Only how the lines end differs, or how the one line is spaced.
        yield from (f"--- {names[0]}", f"+++ {names[1]}", "# the document differs in white space only")
    elif min(len(old), len(new)) == 0 or _middle(old, new) > _MAX_COMPARED_LINES:
        yield from _replaced(old, new, names)
    else:
        yield from unified_diff(old, new, *names, n=_CONTEXT_LINES, lineterm="")


def _middle(old: list[str], new: list[str]) -> int:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    return max(len(old), len(new)) - same


def _replaced(old: list[str], new: list[str], names: tuple[str, str]) -> Iterator[str]:
    yield f"--- {names[0]}"
    yield f"+++ {names[1]}"
    yield f"@@ -{min(len(old), 1)},{len(old)} +{min(len(new), 1)},{len(new)} @@"
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)


def _cut(text: str) -> str:
    if len(text) <= MAX_DIFF_CHARACTERS:
        return text
    kept = text[:MAX_DIFF_CHARACTERS].rpartition("\n")[0]
    return f"{kept}\n… {len(text) - len(kept)} more characters are left out\n"
