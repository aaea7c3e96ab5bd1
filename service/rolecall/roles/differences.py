"""The changes of a role as a unified diff for people: bounded, and safe to print to a terminal.

Each field is a line, each tag is a line, and the document is compared line by line. A document of one line is reformatted as JSON
with one element a line, so that the change in it can be seen.

Diffs are made within the transaction of the write, so their work is bounded, too. It is counted and not timed, so that one write
gets the same diffs on every machine. A step is one comparison of two lines, about a tenth of a microsecond.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import NamedTuple

from rolecall.policy.wording import printable
from rolecall.roles.role import Role

MAX_DIFF_CHARACTERS = 16_384
MAX_TOTAL_BYTES = 2_097_152
MAX_TOTAL_STEPS = 4_000_000
"""About one second in the worst case; half of that for most texts."""

MAX_MATCHING_STEPS = 200_000
"""The limit for one role. A policy of a hundred statements, a tenth of them changed, takes some thousands."""

LEFT_OUT = "… the diff is left out: those of the roles before have filled the answer\n"

_STEPS_A_LINE = 4
_STEPS_A_PRINTED_LINE = 8
_CHARACTERS_A_STEP = 16
_SHOWN_CHARACTERS_A_STEP = 2
_CONTEXT_LINES = 3


class Differences:
    """Makes the diffs of one write and limits their size and work together."""

    def __init__(self, total: int = MAX_TOTAL_BYTES, steps: int = MAX_TOTAL_STEPS) -> None:
        self._left, self._steps_left = total, steps

    def diff(self, before: Role | None, after: Role | None) -> str:
        """Return the diff from one version of a role to the next; None means that there is no role."""
        if min(self._left, self._steps_left) <= 0:
            return LEFT_OUT
        whole = _diff(before, after)
        text = _cut(whole.text)
        self._left -= len(text.encode())
        self._steps_left -= whole.steps
        return text


def role_diff(before: Role | None, after: Role | None) -> str:
    """Return the whole diff, however long."""
    return _diff(before, after).text


class _Diff(NamedTuple):
    text: str
    steps: int


def _diff(before: Role | None, after: Role | None) -> _Diff:
    role = after or before
    if role is None:
        return _Diff("", 0)
    documents = before.document if before else "", after.document if after else ""
    comparable = _comparable(*documents)
    old = _lines(before, comparable.before) if before else []
    new = _lines(after, comparable.after) if after else []
    names = (role.arn if before else "/dev/null", role.arn if after else "/dev/null")
    lines, steps = _unified(old, new, names)
    # Only the lines of the diff are escaped: it takes long where many characters do not print.
    text = "".join(f"{printable(line)}\n" for line in lines)
    steps += comparable.steps + _STEPS_A_LINE * (len(old) + len(new))
    steps += sum(map(len, documents)) // _CHARACTERS_A_STEP + len(text) // _SHOWN_CHARACTERS_A_STEP
    return _Diff(text, steps)


def _lines(role: Role, document: list[str]) -> list[str]:
    return [
        f"role_name: {role.role_name}",
        f"description: {_quoted(role.description)}",
        f"max_session_duration_seconds: {role.max_session_duration_seconds}",
        "tags:" if role.tags else "tags: {}",
        *(f"  {_quoted(key)}: {_quoted(role.tags[key])}" for key in sorted(role.tags)),
        "assume_role_policy_document:",
        *(f"  {line}" for line in document),
    ]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _Comparable(NamedTuple):
    before: list[str]
    after: list[str]
    steps: int = 0


def _comparable(before: str, after: str) -> _Comparable:
    """Return the lines of two documents: as they are, or both reformatted if one of them is a single line."""
    plain = _Comparable(before.splitlines(), after.splitlines())
    if len(plain.before) != 1 and len(plain.after) != 1:
        return plain
    old, new = _printed(before), _printed(after)
    steps = _STEPS_A_PRINTED_LINE * (len(old) + len(new))
    return plain._replace(steps=steps) if old == new and before != after else _Comparable(old, new, steps)


def _printed(document: str) -> list[str]:
    try:
        return json.dumps(json.loads(document), indent=2, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):
        return document.splitlines()


class _Unified(NamedTuple):
    lines: Iterable[str]
    steps: int = 0


def _unified(old: list[str], new: list[str], names: tuple[str, str]) -> _Unified:
    head = f"--- {names[0]}", f"+++ {names[1]}"
    if old == new:
        # Only line ends differ, or the white space of a single line.
        return _Unified((*head, "# the document differs in white space only"))
    whole = ("replace", 0, len(old), 0, len(new))
    if not old or not new:
        return _Unified((*head, *_hunk(old, new, [whole])))
    matcher = _BoundedMatcher(old, new)
    try:
        groups = list(matcher.get_grouped_opcodes(_CONTEXT_LINES))
    except _TooManyStepsError:
        groups = [[whole]]
    return _Unified((*head, *(line for group in groups for line in _hunk(old, new, group))), matcher.steps)


class _TooManyStepsError(Exception):
    """Two texts match in so many ways that finding the best takes too long."""


class _BoundedMatcher(SequenceMatcher[str]):
    """Compares lines as difflib does; raises `_TooManyStepsError` where that would take too long.

    difflib compares each line of a range with every equal line of the other text to find the longest run of matches, then
    repeats that for the lines before and after it. The work can grow with the third power of the number of lines.
    """

    b2j: dict[str, list[int]]

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(None, old, new)
        self._comparisons = list(accumulate((1 + len(self.b2j.get(line, ())) for line in old), initial=0))
        self.steps = 0

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Return the longest run of matching lines in two ranges."""
        self.steps += self._comparisons[-1 if ahi is None else ahi] - self._comparisons[alo]
        if self.steps > MAX_MATCHING_STEPS:
            raise _TooManyStepsError
        return super().find_longest_match(alo, ahi, blo, bhi)


def _hunk(old: list[str], new: list[str], opcodes: Sequence[tuple[str, int, int, int, int]]) -> Iterator[str]:
    first, last = opcodes[0], opcodes[-1]
    yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
    for tag, old_from, old_to, new_from, new_to in opcodes:
        if tag == "equal":
            yield from (f" {line}" for line in old[old_from:old_to])
        else:
            yield from (f"-{line}" for line in old[old_from:old_to])
            yield from (f"+{line}" for line in new[new_from:new_to])


def _range(start: int, stop: int) -> str:
    """Return a range of lines in the form of unified diffs: the first line and the count; for no lines, the line before."""
    length = stop - start
    return f"{start + (length > 0)},{length}"


def _cut(text: str) -> str:
    if len(text) <= MAX_DIFF_CHARACTERS:
        return text
    kept = text[:MAX_DIFF_CHARACTERS].rpartition("\n")[0]
    return f"{kept}\n… {len(text) - len(kept)} more characters are left out\n"
