"""The findings of an audit: the first in full, and the number of all."""

from __future__ import annotations

from dataclasses import dataclass, field

from rolecall.roles.role import Revision

MAX_LISTED_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is not as a server wrote it, and the revision concerned, if there is one."""

    revision: Revision | None
    message: str


@dataclass(slots=True)
class Findings:
    """Findings in the order in which they were made; at most `MAX_LISTED_FINDINGS` are stored."""

    listed: list[AuditFinding] = field(default_factory=list)
    total: int = 0

    def add(self, revision: int | None, message: str) -> None:
        """Add a finding."""
        self.total += 1
        if len(self.listed) < MAX_LISTED_FINDINGS:
            self.listed.append(AuditFinding(None if revision is None else Revision(revision), message))

    def include(self, others: Findings) -> None:
        """Append the findings of `others`."""
        self.total += others.total
        self.listed += others.listed[: MAX_LISTED_FINDINGS - len(self.listed)]
