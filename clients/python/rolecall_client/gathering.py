"""Which checks travel together: those that come while another is on its way.

1. A check that comes when none is on its way is sent at once.
2. Others wait until none is on its way, at most `GATHER_SECONDS`, and then travel as one batch. So an answer that takes long
   delays no other by more than that, and many calls on their way do not make many small batches.
3. A batch has at most `MAX_QUERIES` and `MAX_BYTES`; what does not fit travels in others, `MAX_ON_THEIR_WAY` calls at a time.
4. Only checks with the same consistency travel together: these are in one lane.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from rolecall_client.errors import DeadlineExceededError, RolecallError, error_of_status
from rolecall_client.v1 import decision_pb2 as d

MAX_QUERIES = 200
MAX_BYTES = 1024 * 1024
MAX_ON_THEIR_WAY = 8
GATHER_SECONDS = 0.01

_OF_THE_BATCH = frozenset({"INVALID_ARGUMENT", "UNIMPLEMENTED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"})
_OF_THE_SERVER = frozenset({"TOO_MANY_CALLS", "REQUEST_MEMORY", "SILENT_CALL"})


class Sized(Protocol):
    """A check that waits."""

    @property
    def size(self) -> int:
        """Return the bytes of the query."""
        ...


Waiting = TypeVar("Waiting", bound=Sized)


class Lane(Generic[Waiting]):
    """The checks of one consistency: how many calls are on their way, and which checks wait for the next one."""

    __slots__ = ("_is_blocked", "_waiting", "consistency", "key", "on_their_way")

    def __init__(self, key: bytes, consistency: d.Consistency | None) -> None:
        self.key, self.consistency, self.on_their_way, self._is_blocked = key, consistency, 0, False
        self._waiting: dict[Waiting, None] = {}

    @property
    def has_waiting(self) -> bool:
        """Return whether a check waits."""
        return bool(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing waits or is on its way."""
        return not self.on_their_way and not self._waiting

    def add(self, *checks: Waiting) -> None:
        """Let checks wait."""
        self._waiting.update(dict.fromkeys(checks))

    def remove(self, check: Waiting) -> bool:
        """Let a check wait no longer; return whether it did."""
        if check in self._waiting:
            del self._waiting[check]
            return True
        return False

    def take(self, max_queries: int) -> list[Waiting]:
        """Take the checks of the next call, which is then on its way; empty if none waits or too many calls are on their way."""
        taken: list[Waiting] = []
        self._is_blocked = self.has_waiting and self.on_their_way >= MAX_ON_THEIR_WAY
        if self._is_blocked:
            return taken
        size = 0
        for check in self._waiting:
            size += check.size
            if taken and (len(taken) >= max_queries or size > MAX_BYTES):
                break
            taken.append(check)
        for check in taken:
            del self._waiting[check]
        self.on_their_way += bool(taken)
        return taken

    def call_returned(self) -> bool:
        """Note that a call is no longer on its way; return whether the next one is due."""
        self.on_their_way -= 1
        return self._is_blocked or not self.on_their_way

    def empty(self) -> list[Waiting]:
        """Let no check wait; return those that did."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting


class Lanes(Generic[Waiting]):
    """The lanes that have checks, and how many queries the server accepts in a batch."""

    def __init__(self) -> None:
        self._usual = Lane[Waiting](b"", None)
        self._lanes: dict[bytes, Lane[Waiting]] = {}
        self.max_queries = MAX_QUERIES

    def of(self, consistency: d.Consistency | None) -> Lane[Waiting]:
        """Return the lane of a consistency."""
        if consistency is None:
            return self._usual
        key = consistency.SerializeToString(deterministic=True)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, consistency)
        return lane

    def leave(self, lane: Lane[Waiting]) -> None:
        """Drop a lane if it is idle, and not that without consistency."""
        if lane is not self._usual and lane.is_idle:
            self._lanes.pop(lane.key, None)

    def all(self) -> list[Lane[Waiting]]:
        """Return all lanes."""
        return [self._usual, *self._lanes.values()]

    def learn(self, error: RolecallError) -> None:
        """Send smaller batches if the server accepts no larger ones."""
        if error.reason == "BATCH_SIZE":
            self.max_queries = max(1, min(self.max_queries, int(error.metadata.get("limit", "1"))))

    def __len__(self) -> int:
        return len(self._lanes) + (not self._usual.is_idle)


class AskAlone:
    """The outcome of a check whose batch was refused as a whole: the check may still be answered by itself."""


ASK_ALONE = AskAlone()

Outcome = d.CheckAssumeRoleResponse | RolecallError | AskAlone


def outcomes_of(response: d.BatchCheckAssumeRoleResponse, count: int) -> list[Outcome]:
    """Return the outcome of each check of a batch."""
    if len(response.results) != count:
        return [ASK_ALONE] * count
    return [_outcome(result, response.consistency_token) for result in response.results]


def outcome_of_error(error: RolecallError) -> Outcome:
    """Return the outcome of every check of a batch that failed."""
    if error.code in _OF_THE_BATCH and error.reason not in _OF_THE_SERVER:
        return ASK_ALONE
    return error


def returned(outcome: d.CheckAssumeRoleResponse | RolecallError) -> d.CheckAssumeRoleResponse:
    """Return an answer, or raise an error."""
    if isinstance(outcome, RolecallError):
        # One for each caller: raising it writes into it.
        error = type(outcome).__new__(type(outcome), *outcome.args)
        error.__dict__.update(outcome.__dict__)
        raise error from outcome
    return outcome


def deadline_error(seconds: float) -> RolecallError:
    """Return the error of a check that was not answered in time."""
    return DeadlineExceededError("DEADLINE_EXCEEDED", f"no answer has arrived within {seconds:g} seconds")


def _outcome(result: d.BatchCheckResult, token: str) -> Outcome:
    match result.WhichOneof("result"):
        case "decision":
            return d.CheckAssumeRoleResponse(decision=result.decision, consistency_token=token)
        case "error":
            return error_of_status(result.error)
    return ASK_ALONE
