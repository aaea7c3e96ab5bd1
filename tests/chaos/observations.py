"""The observations of a correct run, constructed, for tests that corrupt them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from rolecall.roles.change import Author, ChangeKind
from rolecall.roles.digest import state_digest
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Micros, Role
from rolecall.storage.memory import MemoryRoleRepository
from tests.chaos.history import History, read_history
from tests.chaos.questions import Question, draw_questions
from tests.chaos.record import Circumstances, Decided, Outcome, Record, Written
from tests.chaos.rules_of_agreement import check_all_rules
from tests.chaos.rules_of_decisions import Replay
from tests.chaos.states import State
from tests.chaos.watchers import Watched
from tests.chaos.workload import Write, draw_document
from tests.storage.samples import sample

ROLE = "123456789012/app"
WALL = 1_800_000_000.0
WRITES = 4


@dataclass
class Observations:
    """The observations of a run."""

    record: Record
    history: History
    roles: list[Role]
    questions: list[Question]
    finals: list[list[Decided]]
    states: list[State]
    watched: list[Watched]

    def broken_rules(self) -> set[str]:
        violations = check_all_rules(
            self.record, self.history, self.roles, self.questions, self.finals, self.states, self.watched
        )
        return {violation.rule for violation in violations}

    def rewrite(self, number: int, **facts: object) -> None:
        """Replace facts of one decision."""
        self.record.decided[number] = replace(self.record.decided[number], **facts)  # type: ignore[arg-type]


def make_observations() -> Observations:
    """Return the observations of a correct service: four writes of one role, and every question at each revision."""
    repository, record, random = MemoryRoleRepository(), Record(), Random(1)
    for number in range(WRITES):
        record.written.append(written(repository, f"request-{number}", draw_document(random), at=float(number + 1)))
    history, questions = read_history(repository), list(draw_questions(Random(2), 20))
    names = (f"process-{number:x}" for number in count(1))
    for revision in range(1, WRITES + 1):
        asked = Circumstances(asker="checker-0", mode="check", began=revision + 0.5, ended=revision + 0.6, wall=WALL)
        record.decided += decided(history, questions, revision, asked, names)
    finals = [last_answers(history, questions, number, names) for number in range(2)]
    record.decided += [decision for found in finals for decision in found]
    watched = [
        Watched(commit.revision, change.kind.value, change.role.key, change.role.role_id, change.role.document)
        for commit in history.commits[1:]
        for change in commit.changes
    ]
    states: list[State] = [(history.head.revision, state_digest(repository.load()))] * 2
    return Observations(record, history, list(repository.load()), questions, finals, states, watched)


def written(repository: MemoryRoleRepository, request_id: str, document: str, *, at: float) -> Written:
    def work(transaction: Transaction) -> None:
        before = transaction.role(ROLE)
        role = sample(transaction, "app", document=document, description=f"write {request_id}")
        role = replace(role, role_id=before.role_id) if before else role
        transaction.put(ChangeKind.UPDATED if before else ChangeKind.CREATED, role)

    _, commit = repository.transact(Author(actor="a", time=Micros(1), request_id=request_id), work)
    assert commit is not None
    write = Write("create", request_id, (ROLE,), lambda _: None)
    return Written(write, Outcome.ACKNOWLEDGED, attempts=1, acknowledged_at=at, code="OK", revision=commit.revision)


def decided(
    history: History, questions: list[Question], revision: int, asked: Circumstances, names: Iterator[str]
) -> list[Decided]:
    """Return the answers of a correct service to every question."""
    found = []
    for question in questions:
        decision = Decided(
            question=question.number, role=ROLE, asked=asked, decision_id=next(names), revision=revision, allowed=False,
            reason="", determining=(), missing=(), valid_until=None, role_id="", served_from="EVALUATED", staleness=0.1,
        )  # fmt: skip
        right = Replay(history, questions).expected(decision)
        found.append(
            replace(
                decision,
                allowed=right["allowed"],
                reason=right["reason"],
                determining=tuple(right["determining"]),
                missing=tuple(right["missing_keys"]),
                valid_until=right["valid_until"],
                role_id=right["role_id"],
            )
        )
    return found


def last_answers(history: History, questions: list[Question], number: int, names: Iterator[str]) -> list[Decided]:
    asked = Circumstances(asker=f"final replica-{number}", mode="consistent", began=10.0, ended=10.1, wall=WALL)
    return decided(history, questions, history.head.revision, asked, names)
