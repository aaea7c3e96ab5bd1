"""Checkers send requests continuously, with every consistency requirement, and record each decision with its circumstances."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random
from threading import Event

from rolecall_client import RolecallClient, RolecallError, error_of_status
from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.isolation import open_client
from tests.chaos.questions import Question
from tests.chaos.record import Circumstances, Record, boottime, decided
from tests.chaos.workload import COLD, HOT

CALL_SECONDS = 3.0
BATCH = 12
MODES = ["check"] * 10 + ["batch"] * 3 + ["stream"] * 2 + ["fresh"] * 4 + ["consistent"] * 2 + ["explain"]

Asked = Sequence[tuple[Question, str]]
"""Questions, each with the role that it is about."""


class Checker:
    """Sends requests until it is stopped, through a client of its own, to one replica or to all of them."""

    def __init__(
        self,
        name: str,
        address: str,
        record: Record,
        questions: Sequence[Question],
        *,
        random: Random,
        pause: float,
        modes: Sequence[str] = MODES,
    ) -> None:
        self.name = name
        self._client = open_client(address, CALL_SECONDS)
        self._record, self._questions = record, questions
        self._random, self._pause, self._modes = random, pause, modes

    def run(self, ended: Event) -> None:
        """Ask, one call after the other, until `ended`."""
        with self._client:
            while not ended.wait(self._random.uniform(0, 2 * self._pause)):
                try:
                    self._ask_once()
                except RolecallError as error:
                    self._record.note_error(self.name, error)

    def _ask_once(self) -> None:
        mode = self._random.choice(self._modes)
        asked = [self._drawn() for _ in range(BATCH if mode in ("batch", "stream") else 1)]
        began, wall = boottime(), time.time()
        after_write, consistency = "", None
        if mode == "fresh" and self._record.tokens:
            token = self._random.choice([self._record.tokens[-1], self._random.choice(list(self._record.tokens))])
            asked, after_write = [(asked[0][0], token.role)], token.request_id
            consistency = d.Consistency(at_least_as_fresh=token.text)
        elif mode == "consistent":
            consistency = d.Consistency(fully_consistent=True)
        decisions = answers(self._client, asked, mode, consistency)
        seen = Circumstances(
            asker=self.name, mode=mode, began=began, ended=boottime(), wall=wall, after_write=after_write
        )
        for (question, role), decision in zip(asked, decisions, strict=True):
            self._record.decided.append(decided(question.number, role, decision, seen))

    def _drawn(self) -> tuple[Question, str]:
        role = self._random.choice(HOT if self._random.random() < 0.7 else COLD)
        return self._random.choice(self._questions), role


def answers(client: RolecallClient, asked: Asked, mode: str, consistency: d.Consistency | None) -> Sequence[d.Decision]:
    """Return the decisions of one call, in order; raise `RolecallError`, also for one item of many."""
    messages = [question.of(role) for question, role in asked]
    if mode == "batch":
        results = client.batch_check(messages, consistency=consistency).results
        return [_decision(result) for result in results]
    if mode == "stream":
        return [_decision(answer) for answer in client.stream(messages)]
    if mode == "explain":
        return [client.explain(messages[0], consistency=consistency).decision]
    return [client.check(messages[0], consistency=consistency).decision]


def _decision(result: d.BatchCheckResult | d.StreamCheckAssumeRoleResponse) -> d.Decision:
    if result.HasField("error"):
        raise error_of_status(result.error)
    return result.decision
