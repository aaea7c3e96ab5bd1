"""Why a request could not be answered. A deny is a decision, not an error."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from rolecall.roles.errors import FieldViolation


class EngineError(Exception):
    """Base of every error of the decision point."""


class InvalidRequestError(EngineError):
    """One or more fields of a request are invalid. `violations` has all of them."""

    def __init__(self, violations: Iterable[FieldViolation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.field}: {v.message}" for v in self.violations))


class BatchSizeError(EngineError):
    """A batch has no queries, or more than the limit."""

    def __init__(self, given: int, limit: int) -> None:
        self.given, self.limit = given, limit
        super().__init__(f"a batch must have 1 to {limit} queries, not {given}")


class FutureRevisionError(EngineError):
    """A request names a revision, in `field` or in the token there, that the store has not reached."""

    def __init__(self, wanted: int, head: int, *, field: str) -> None:
        self.wanted, self.head = wanted, head
        super().__init__(
            f"`{field}` requires revision {wanted}, but the store is at {head}: "
            "it is not written yet, or belongs to another history"
        )


class RevisionNotReachedError(EngineError):
    """This process did not reach in time what `field` requires: a revision, or without one the newest of the store."""

    def __init__(self, wanted: int | None, reached: int, *, field: str, why: str) -> None:
        self.wanted, self.reached = wanted, reached
        what = "the newest revision of the store" if wanted is None else f"revision {wanted}"
        advice = "retry, or use minimize_latency" if field.startswith("consistency.") else "retry"
        super().__init__(f"`{field}` requires {what}, and this server is at {reached}: {why}; {advice}")


class StaleStateError(EngineError):
    """The state is staler than the limit."""

    def __init__(self, age_seconds: float, limit_seconds: float) -> None:
        self.age_seconds, self.limit_seconds = age_seconds, limit_seconds
        known = f"may be {age_seconds:g} seconds stale" if isfinite(age_seconds) else "is of an unknown age"
        super().__init__(f"the state {known}; the limit is {limit_seconds:g}; retry on another replica")


class InitialStateTooSlowError(EngineError):
    """A watch did not read its initial state in time, and others needed the memory."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(
            f"the initial state was not read within {limit_seconds:g} seconds, and others need its memory; "
            "start over, and read faster"
        )


class UnreadablePolicyError(EngineError):
    """This version cannot read a stored trust policy."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        super().__init__(f"the stored trust policy of `{arn}` cannot be read by this version")


class QuestionTooCostlyError(EngineError):
    """The values of a request and the trust policy of the role make more work than one question may."""

    def __init__(self, arn: str, work: int, limit: int) -> None:
        self.arn, self.work, self.limit = arn, work, limit
        super().__init__(
            f"these values take {work} units of work with the trust policy of `{arn}`, {limit} are allowed;"
            " send fewer or shorter values, or use fewer patterns and conditions in the policy"
        )


class ChangeGapError(EngineError):
    """A commit does not follow the one before it."""

    def __init__(self, reached: int, given: int) -> None:
        self.reached, self.given = reached, given
        super().__init__(f"commit {given} does not follow revision {reached}")


class UpstreamOnlyError(Exception):
    """Only the server that this process follows can answer a question; `why` completes a sentence that begins so.

    With `freshness` the state here may be older than the question requires. Not an `EngineError`: the question is put to that
    server.
    """

    def __init__(self, why: str, *, freshness: bool = False) -> None:
        self.why, self.freshness = why, freshness
        super().__init__(f"only the server that this agent follows can answer this: {why}")


class NotAvailableError(EngineError):
    """The request needs something that this version does not implement."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not available in this version")
