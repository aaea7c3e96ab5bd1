"""What servers answered, with what is needed to judge it: the time around it, and the revisions that it may come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rolecall_client.v1 import decision_pb2 as d
from tests.soak.evaluator import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer to one question: a decision, or `error`.

    `sent` and `received` are times in microseconds: the decision was made between them. `least` is the revision that it must have
    reached. Of an explanation `past` is the revision and `at` the time that it was asked for, and `explained` the whole answer.
    """

    way: str
    server: str
    asked: Asked
    sent: int
    received: int
    least: int
    decision: d.Decision | None = None
    error: str = ""
    past: int | None = None
    at: int | None = None
    explained: d.ExplainAssumeRoleResponse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A whole list of the roles that an identity can assume, made while nothing was written; or `error`."""

    server: str
    asked: Asked
    account: str
    sent: int
    received: int
    roles: Sequence[d.AssumableRole] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An answer that is not what it should be; `case` has all that is needed to look into it."""

    store: str
    server: str
    way: str
    what: str
    case: dict[str, object]
