"""Put problems in the order of their files, and put equal ones together for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.cli.problems.problem import Location, Problem

MAX_SHOWN_LOCATIONS = 10

_OF_ALL_FILES = frozenset({"INVALID_ACCOUNT_ID", "MASKED_ACCOUNT_ID"})
"""Reasons whose cause is a name that many files have, so that one correction mends all of them."""


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """Equal problems: the first one, and the locations of the others."""

    first: Problem
    others: tuple[Location, ...]

    @property
    def also_at(self) -> str:
        """Return where the others are, as text: in the file of the first only their lines and columns; empty without any."""
        file = self.first.location.file
        shown = [_short(location, file) for location in self.others[:MAX_SHOWN_LOCATIONS]]
        more = len(self.others) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


def grouped(problems: Iterable[Problem]) -> list[ProblemGroup]:
    """Return problems with the same text in one file as one, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for problem in problems:
        file = "" if problem.reason in _OF_ALL_FILES else problem.location.file
        key = file, problem.severity, problem.reason, problem.message, problem.hint
        groups.setdefault(key, []).append(problem)
    return [ProblemGroup(group[0], _others(group)) for group in groups.values()]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems in the order of their files, as these first occur, and of their lines."""
    found = list(problems)
    files = {file: number for number, file in enumerate(dict.fromkeys(problem.location.file for problem in found))}
    return sorted(found, key=lambda problem: (files[problem.location.file], problem.location[1:]))


def _others(group: list[Problem]) -> tuple[Location, ...]:
    return tuple(dict.fromkeys(each.location for each in group if each.location != group[0].location))


def _short(location: Location, file: str) -> str:
    return f"{location.line}:{location.column}" if location.file == file and location.line else str(location)
