"""The errors of the policy language: invalid trust policies, and invalid principals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.policy.wording import printable


class PolicyError(Exception):
    """Base of every error the policy language raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule of the language that a document breaks, and where.

    `pointer` is a JSON pointer (RFC 6901), `line` and `column` count from 1 in characters. `reason` is stable.
    """

    pointer: str
    reason: str
    message: str
    suggestion: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{printable(self.pointer) or '/'}: {self.message}"


class InvalidPolicyError(PolicyError):
    """A trust policy breaks one or more rules of the language. `violations` has all of them, in document order."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(map(str, self.violations)))


class InvalidPrincipalError(PolicyError):
    """A text does not spell a principal. `reason` is stable, `suggestion` may be empty."""

    def __init__(self, text: str, message: str, *, reason: str = "INVALID_PRINCIPAL", suggestion: str = "") -> None:
        self.text, self.message, self.reason, self.suggestion = text, message, reason, suggestion
        super().__init__(message)
