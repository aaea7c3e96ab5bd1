"""The errors of the callers file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.policy.wording import advised, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersViolation:
    """One rule of the callers file that it breaks.

    `pointer` is a JSON pointer (RFC 6901), `place` is `FILE:LINE:COLUMN` where the value was read from a file, else empty.
    `first` is the pointer of the value that this one repeats, if it repeats one. `reason` is stable.
    """

    pointer: str
    reason: str
    message: str
    suggestion: str = ""
    place: str = ""
    first: str = ""

    def __str__(self) -> str:
        return f"{self.place or printable(self.pointer) or '/'}: {advised(self.message, self.suggestion)}"


class InvalidCallersError(Exception):
    """The callers file breaks one or more rules; `violations` has all of them, in the order of the file."""

    def __init__(self, violations: Iterable[CallersViolation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(map(str, self.violations)))
