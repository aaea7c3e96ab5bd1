"""What must hold of every decision: that of the oracle at its revision, as fresh as it says, and as fresh as was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.chaos.history import History, Version
from tests.chaos.questions import Question
from tests.chaos.record import Decided
from tests.chaos.rules_of_writes import Violation
from tests.coherence.freshness import Acknowledgements
from tests.oracle.oracle import CURRENT_TIME, decide

CLOCKS_OFF_BY = 2 * 3_600
"""No clock of a run is as wrong as that, in seconds; no trust policy of a run changes its answer within."""

NOT_FOUND = {"allowed": False, "reason": "ROLE_NOT_FOUND", "determining": [], "missing_keys": [], "valid_until": None}

Answer = Mapping[str, Any]


class Replay:
    """Answers every question again, with the oracle, from the role as the log has it at the decision's revision."""

    def __init__(self, history: History, questions: Sequence[Question]) -> None:
        self._history, self._questions = history, questions
        self._answers: dict[tuple[int, int], Answer] = {}

    def expected(self, decision: Decided) -> Answer:
        """Return the answer that a decision should have given."""
        version = self._history.version(decision.role.lower(), decision.revision)
        if version is None:
            return {**NOT_FOUND, "role_id": ""}
        place = version.number, decision.question
        if place not in self._answers:
            self._answers[place] = self._decided(version, self._questions[decision.question], decision.asked.wall)
        return self._answers[place]

    def _decided(self, version: Version, question: Question, wall: float) -> Answer:
        role = {"arn": version.role.arn, "tags": dict(version.role.tags)}
        asked = {**question.asked, "role": role}
        answer = decide(version.policy, {**asked, "time": _spelled(wall - CLOCKS_OFF_BY)})
        if CURRENT_TIME in version.role.document:
            later = decide(version.policy, {**asked, "time": _spelled(wall + CLOCKS_OFF_BY)})
            if later != answer:
                raise ValueError(f"the answer of {version.role.arn} depends on the clock: {version.role.document}")
        return {**answer, "role_id": version.role.role_id}


def decisions_are_the_oracles(decided: Iterable[Decided], replay: Replay, head: int) -> Iterator[Violation]:
    """Check each decision to the oracle's."""
    for decision in decided:
        if decision.revision > head:
            yield Violation("a decision has a revision of the log", _described(decision))
            continue
        expected, given = replay.expected(decision), _given(decision)
        if given != expected:
            yield Violation(
                "a decision is the oracle's at its revision",
                f"{_described(decision)}: given {json.dumps(given)}, expected {json.dumps(expected)}",
            )


def staleness_is_a_bound(decided: Iterable[Decided], acknowledged: Acknowledgements) -> Iterator[Violation]:
    """Check that no decision is older than its staleness says."""
    for decision in decided:
        missed = acknowledged.missed(decision.revision, asked_at=decision.asked.began, staleness=decision.staleness)
        if missed:
            late = decision.asked.began - decision.staleness - acknowledged.known_since(missed)
            what = f"{_described(decision)} should have shown {missed}, acknowledged {late:.6f} seconds before that"
            yield Violation("staleness is an upper bound", what)


def requirements_are_met(
    decided: Iterable[Decided], acknowledged: Acknowledgements, history: History
) -> Iterator[Violation]:
    """Check each decision to the freshness that was asked for."""
    for decision in decided:
        wanted = history.revision_of(decision.asked.after_write)
        if decision.revision < wanted:
            yield Violation(
                "a consistency token is honoured", f"{_described(decision)} is older than revision {wanted}"
            )
        if decision.asked.mode == "consistent" and (
            missed := acknowledged.missed(decision.revision, asked_at=decision.asked.began, staleness=0)
        ):
            yield Violation("fully consistent is that", f"{_described(decision)} should have shown {missed}")


def revisions_go_forward(decided: Iterable[Decided]) -> Iterator[Violation]:
    """Hold the answers that one process gave to one asker to their order, and every answer to a name of its own."""
    reached: dict[tuple[str, str], int] = {}
    names = set[str]()
    for decision in decided:
        place = decision.asked.asker, _process(decision)
        if decision.revision < reached.get(place, 0):
            yield Violation("revisions go forward", f"{_described(decision)} comes after revision {reached[place]}")
        reached[place] = decision.revision
        if decision.decision_id in names:
            yield Violation("a decision has a name of its own", decision.decision_id)
        names.add(decision.decision_id)


def restored_states_say_so(decided: Sequence[Decided]) -> Iterator[Violation]:
    """Hold every answer of a process to what it says of where its state comes from, until the store has confirmed it.

    What was answered before a process still said RESTORED must say so, too.
    """
    last: dict[str, float] = {}
    for decision in decided:
        if decision.served_from == "RESTORED":
            last[_process(decision)] = max(last.get(_process(decision), 0.0), decision.asked.began)
    for decision in decided:
        if decision.served_from != "RESTORED" and decision.asked.ended < last.get(_process(decision), 0.0):
            yield Violation("a restored state says so", _described(decision))


def batches_have_one_revision(decided: Iterable[Decided]) -> Iterator[Violation]:
    """Hold the answers of one call to one revision; a stream goes on while the state changes."""
    revisions: dict[int, int] = {}
    for decision in decided:
        if decision.asked.mode == "stream":
            continue
        first = revisions.setdefault(id(decision.asked), decision.revision)
        if first != decision.revision:
            yield Violation("a batch has one revision", f"{_described(decision)}, another item has {first}")


def _process(decision: Decided) -> str:
    """Return what names the process that answered."""
    return decision.decision_id.partition("-")[0]


def _given(decision: Decided) -> Answer:
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "determining": list(decision.determining),
        "missing_keys": list(decision.missing),
        "valid_until": decision.valid_until,
        "role_id": decision.role_id,
    }


def _described(decision: Decided) -> str:
    asked = decision.asked
    return (
        f"decision {decision.decision_id} ({asked.mode} by {asked.asker}, question {decision.question} of {decision.role}, "
        f"revision {decision.revision}, {decision.served_from}, staleness {decision.staleness:.6f}, asked at {asked.began:.6f})"
    )


def _spelled(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
