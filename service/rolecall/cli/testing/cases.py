"""A test case: a request, and the expected decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from rolecall.cli.problems.problem import Location
from rolecall.cli.sources import FoundRole

ContextValues: TypeAlias = Mapping[str, tuple[str, ...]]


class ExpectedOutcome(StrEnum):
    """The outcome that a case expects."""

    ALLOW = "ALLOW"
    DENY = "DENY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The expected decision. An empty `reason` or `statement` is not checked; a statement is a Sid or a JSON pointer."""

    outcome: ExpectedOutcome
    reason: str = ""
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and its expectation. `locations` are those of its fields; without a `time`, the time of the run is used."""

    name: str
    who: str
    role: str
    expect: Expectation
    location: Location
    locations: Mapping[str, Location] = field(default_factory=dict)
    claims: ContextValues = field(default_factory=dict)
    context: ContextValues = field(default_factory=dict)
    external_id: str = ""
    session_name: str = ""
    source_identity: str = ""
    duration: int = 0
    time: int | None = None

    def location_of(self, key: str) -> Location:
        """Return the location of a field, or of the case if the file does not have the field."""
        return self.locations.get(key, self.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The cases of one file, and the roles that they are about."""

    file: str
    cases: tuple[Case, ...]
    roles: tuple[FoundRole, ...]
