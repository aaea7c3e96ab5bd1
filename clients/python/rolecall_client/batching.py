"""Automatic batching: checks of several threads that come at the same time travel as one batch (`gathering.py`).

There is no thread for this: the thread of one of the checks sends the batch, that of the latest deadline, so that no deadline of
another ends it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from rolecall_client.checks import CallOptions
from rolecall_client.errors import RolecallError, closed_error
from rolecall_client.gathering import (
    ASK_ALONE,
    GATHER_SECONDS,
    AskAlone,
    Lane,
    Lanes,
    Outcome,
    deadline_error,
    outcome_of_error,
    outcomes_of,
    returned,
)
from rolecall_client.remote_checks import RemoteChecks
from rolecall_client.v1 import decision_pb2 as d


@dataclass(slots=True, eq=False)
class _Check:
    """One check. Its thread is woken with an outcome, or with a batch to send, which contains it."""

    query: d.AssumeRoleQuery
    deadline: float
    size: int
    woken: threading.Event = field(default_factory=threading.Event)
    batch: list[_Check] | None = None
    outcome: Outcome | None = None

    def remaining(self) -> float:
        """Return the seconds until the deadline."""
        return max(0.0, self.deadline - time.monotonic())


_Lane = Lane[_Check]


class BatchedChecks:
    """Asks the server, with one call for the checks that come while another is on its way. Safe to share between threads."""

    def __init__(self, remote: RemoteChecks) -> None:
        self._remote, self._lock, self._is_closed = remote, threading.Lock(), False
        self._lanes = Lanes[_Check]()

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision of the server; raise `RolecallError`."""
        if options.metadata:
            return self._remote.check(query, consistency, options)
        check = None
        with self._lock:
            lane = self._lanes.of(consistency)
            if self._is_closed or lane.is_idle:
                lane.on_their_way += 1
            else:
                check = _Check(query, time.monotonic() + options.timeout, query.ByteSize())
                lane.add(check)
        return self._alone(lane, query, options) if check is None else self._together(lane, check, options)

    def close(self) -> None:
        """Raise an error to every check that waits, and let no other wait."""
        with self._lock:
            self._is_closed = True
            for lane in self._lanes.all():
                for check in lane.empty():
                    _wake(check, closed_error())

    def _alone(self, lane: _Lane, query: d.AssumeRoleQuery, options: CallOptions) -> d.CheckAssumeRoleResponse:
        try:
            return self._remote.check(query, lane.consistency, options)
        finally:
            with self._lock:
                self._on_return(lane)

    def _together(self, lane: _Lane, check: _Check, options: CallOptions) -> d.CheckAssumeRoleResponse:
        if not self._wait(lane, check):
            raise deadline_error(options.timeout)
        if check.batch is not None:
            self._send(lane, check.batch, check)
        outcome = check.outcome
        if outcome is None or isinstance(outcome, AskAlone):
            return self._remote.check(check.query, lane.consistency, CallOptions(timeout=check.remaining()))
        return returned(outcome)

    def _wait(self, lane: _Lane, check: _Check) -> bool:
        """Wait until the check has an outcome or a batch to send; return whether it has before its deadline."""
        try:
            if check.remaining() > GATHER_SECONDS and not check.woken.wait(GATHER_SECONDS):
                with self._lock:
                    self._send_next(lane)
            if check.woken.wait(check.remaining()):
                return True
        except BaseException:  # an interrupt: the others must not wait for this thread
            self._leave(lane, check)
            raise
        with self._lock:
            # A check that travels is still answered; nobody waits for that.
            return not lane.remove(check) and check.woken.is_set()

    def _send(self, lane: _Lane, batch: list[_Check], check: _Check) -> None:
        """Send a batch on this thread, which is that of `check`, and wake the others."""
        outcomes: list[Outcome] = [ASK_ALONE] * len(batch)
        try:
            outcomes = self._outcomes(lane, batch, check)
        finally:
            for other, outcome in zip(batch, outcomes, strict=True):
                _wake(other, outcome)
            with self._lock:
                self._on_return(lane)

    def _outcomes(self, lane: _Lane, batch: list[_Check], check: _Check) -> list[Outcome]:
        options = CallOptions(timeout=check.remaining())
        try:
            if len(batch) == 1:
                return [self._remote.check(check.query, lane.consistency, options)]
            response = self._remote.batch([other.query for other in batch], lane.consistency, options)
        except RolecallError as error:
            self._lanes.learn(error)
            return [error] if len(batch) == 1 else [outcome_of_error(error)] * len(batch)
        return outcomes_of(response, len(batch))

    def _leave(self, lane: _Lane, check: _Check) -> None:
        with self._lock:
            if lane.remove(check) or check.batch is None:
                return
            lane.add(*(other for other in check.batch if other is not check))
            self._on_return(lane)

    def _on_return(self, lane: _Lane) -> None:
        if lane.call_returned():
            self._send_next(lane)
        self._lanes.leave(lane)

    def _send_next(self, lane: _Lane) -> None:
        """Wake the threads that send what waits."""
        while batch := lane.take(self._lanes.max_queries):
            sender = max(batch, key=lambda check: check.deadline)
            sender.batch = batch
            sender.woken.set()


def _wake(check: _Check, outcome: Outcome) -> None:
    check.outcome = outcome
    check.woken.set()
