"""What a test case says: a question, and the decision that is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rolecall.cli.problem import Location
from rolecall.cli.sources import FoundRole

ContextValues = Mapping[str, tuple[str, ...]]


class ExpectedOutcome(StrEnum):
    """The outcome that a case expects."""

    ALLOW = "ALLOW"
    DENY = "DENY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is to come out. An empty `reason` or `statement` is not looked at; a statement is a Sid or a JSON pointer."""

    outcome: ExpectedOutcome
    reason: str = ""
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question and its expectation. `places` says where its fields stand, a missing time is that of the run."""

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
        """Return where a field stands, or the case if it is not written."""
        return self.locations.get(key, self.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The cases of one file, and the roles that they ask about."""

    file: str
    cases: tuple[Case, ...]
    roles: tuple[FoundRole, ...]
