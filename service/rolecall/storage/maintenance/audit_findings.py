"""What an audit found: the first breaks in full, of the others the number."""

from __future__ import annotations

from dataclasses import dataclass, field

from rolecall.roles.role import Revision

MAX_LISTED_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written, and the revision that it is about; None where there is none to name."""

    revision: Revision | None
    message: str


@dataclass(slots=True)
class Findings:
    """Breaks, in the order in which they were found; at most `MAX_LISTED_FINDINGS` of them are held."""

    listed: list[Finding] = field(default_factory=list)
    total: int = 0

    def add(self, revision: int | None, message: str) -> None:
        """Note a break."""
        self.total += 1
        if len(self.listed) < MAX_LISTED_FINDINGS:
            self.listed.append(Finding(None if revision is None else Revision(revision), message))

    def include(self, others: Findings) -> None:
        """Note the breaks that others are, after those that are noted already."""
        self.total += others.total
        self.listed += others.listed[: MAX_LISTED_FINDINGS - len(self.listed)]
