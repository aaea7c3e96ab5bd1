"""Find terraform plans in what programs print: alone, several one after the other, between log lines, or in another document.

In another document a plan is a member of an object or an element of an array, or a string that contains its text, at most
`MAX_LEVELS` levels deep. Between log lines it begins on a line that is not indented: an indented one is part of another document.
After `MAX_FAILURES` lines that begin as JSON and are not, the search ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rolecall.cli.declarations.text_in_file import FileText, TextInFile
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.found import Found
from rolecall.cli.sources.json_parts import JsonParts
from rolecall.cli.sources.kind import FileKind, Outline
from rolecall.cli.sources.terraform import read_plan

MAX_LEVELS, MAX_FAILURES = 4, 20
MAX_PLAN_BYTES = 128 * 1024 * 1024

_VERSION = "format_version"
_NAMES = frozenset({"planned_values", "resource_changes", "values", "terraform_version"})
_OTHER = re.compile(r'^(?:---[ \t]+)?apiVersion[ \t]*:|^\{\s*"(?:apiVersion|roles|cases)"\s*:', re.MULTILINE)
_IN_LOG = re.compile(r'^(?:\S[^{\n]*(\{)\s*"format_version"\s*:|(\{)\s*")', re.MULTILINE)


class PlanInText(NamedTuple):
    """A plan, and the offset where it begins."""

    json: JsonParts
    at: int


def has_plan(text: str) -> bool:
    """Return whether a text has a plan, and is not a file of roles, of cases or of Kubernetes that mentions one."""
    return _VERSION in text and not _OTHER.search(text) and next(_plans(FileText("", text)), None) is not None


def read_plans(path: Path, text: str, found: Found) -> None:
    """Add the roles of every plan in a text to `found`."""
    for plan in _plans(FileText(str(path), text)):
        read_plan(plan.json, plan.at, found)


def _plans(source: TextInFile, levels: int = MAX_LEVELS) -> Iterator[PlanInText]:
    """Yield the plans in a text that is JSON values one after the other, and then those in the rest, which is not JSON."""
    json, at = JsonParts(source), 0
    try:
        start = json.start()
        while json.opens(start, "{") or json.opens(start, "["):
            for plan in _plans_within(json, start, levels):
                at = plan.at + 1 if plan.json is json else at
                yield plan
            at = start = json.start(json.end(start))
    except ProblemsError:
        pass  # What follows is not JSON.
    # A text of which nothing is JSON must not be read from each of its lines to its end.
    failures = 0
    while failures < MAX_FAILURES and (found := _IN_LOG.search(source.text, at)):
        start = found.start(found.lastindex or 0)
        yield from _plans_within(json, start, levels)
        at = max(found.end(), json.read_until)
        failures += json.read_until <= start


def _plans_within(json: JsonParts, at: int, levels: int) -> Iterator[PlanInText]:
    """Yield a plan that begins at an offset, or those that the value there contains."""
    if _is_plan(json, at, alone=levels == MAX_LEVELS):
        yield PlanInText(json, at)
    elif levels:
        with suppress(ProblemsError):
            for value in _values(json, at):
                content = json.string(value)
                if content is None:
                    yield from _plans_within(json, value, levels - 1)
                elif _VERSION in content.text:
                    yield from _plans(content, levels - 1)


def _values(json: JsonParts, at: int) -> Iterator[int]:
    yield from (member.value for member in json.members(at))
    yield from json.items(at)


def _is_plan(json: JsonParts, at: int, *, alone: bool) -> bool:
    """Return whether an object has the names of a plan, or begins as one and is not JSON to its end.

    Unless it is `alone`, its parts must be objects or arrays: tags for example may have the same names.
    """
    seen: set[str] = set()
    try:
        for member in json.members(at):
            if alone or member.name == _VERSION or json.opens(member.value, "{") or json.opens(member.value, "["):
                seen.add(member.name)
            if _VERSION in seen and not _NAMES.isdisjoint(seen):
                return True
    except ProblemsError:
        return _VERSION in seen
    return False


def _recognises(outline: Outline) -> bool:
    return not outline.is_json and outline.has(_VERSION) and outline.has_any(*_NAMES)


PLAN = FileKind(name="a terraform plan", recognises_text=has_plan, read_text=read_plans, max_bytes=MAX_PLAN_BYTES)
PLAN_IN_YAML = FileKind(
    name="a terraform plan in YAML", recognises=_recognises, instead="give it as `terraform show -json` prints it"
)
PLAN_IN_PIECES = FileKind(
    name="a terraform plan with other text between its lines, such as the time of each line of a log",
    recognises_broken=lambda text: '"format_version"' in text and '"planned_values"' in text,
    instead="give what `terraform show -json` prints, from its first `{` to its last `}`",
)
