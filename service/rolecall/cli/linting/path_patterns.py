"""Patterns of paths: `*` and `?` match within one name, `**` any number of names, and a `/` at the end all that is below."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rolecall.policy.wildcard import CharacterPlaces, Pattern, compile_pattern

PathTest: TypeAlias = Callable[[str], bool]
_ANY_NAMES = "**"


def path_test(pattern: str) -> PathTest:
    """Return the test whether a path with `/` between its names matches a pattern. Its time is bounded by the product of both."""
    names = pattern.removeprefix("./").split("/")
    if names[-1] == "":
        names[-1] = _ANY_NAMES
    tests = [None if name == _ANY_NAMES else compile_pattern(name) for name in names]
    return lambda path: _matches(tests, path.split("/"))


def _matches(tests: list[Pattern | None], names: list[str]) -> bool:
    """Return whether all names match, by the set of names that the tests so far can have matched."""
    reached = {0}
    for test in tests:
        if test is None:
            reached = set(range(min(reached), len(names) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(names) and test(names[at], CharacterPlaces(names[at]))}
        if not reached:
            return False
    return len(names) in reached
