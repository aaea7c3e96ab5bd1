"""The judge can say no: what a run has seen is corrupted in one place, and the rule that it breaks is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from random import Random

import pytest

from rolecall.roles.change import Author, ChangeKind
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.memory import MemoryRoleRepository
from tests.chaos.history import History, read_history
from tests.chaos.questions import Question, draw_questions
from tests.chaos.record import Circumstances, Decided, Outcome, Record, Written
from tests.chaos.rules_of_agreement import everything_agrees
from tests.chaos.rules_of_decisions import Replay
from tests.chaos.watchers import Watched
from tests.chaos.workload import Write, draw_document
from tests.storage.samples import sample

ROLE = "123456789012/app"
WALL = 1_800_000_000.0
WRITES = 4


@dataclass
class Seen:
    """What a run has seen, ready to be corrupted."""

    record: Record
    history: History
    roles: list[Role]
    questions: list[Question]
    finals: list[list[Decided]]
    watched: list[Watched]

    def broken_rules(self) -> set[str]:
        violations = everything_agrees(self.record, self.history, self.roles, self.questions, self.finals, self.watched)
        return {violation.rule for violation in violations}

    def rewrite(self, number: int, **facts: object) -> None:
        """Replace facts of one decision."""
        self.record.decided[number] = replace(self.record.decided[number], **facts)  # type: ignore[arg-type]


@pytest.fixture
def seen() -> Seen:
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
    return Seen(record, history, list(repository.load()), questions, finals, watched)


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
    """Return what a service that is right answers to every question."""
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


def test_what_is_right_breaks_no_rule(seen: Seen) -> None:
    assert seen.broken_rules() == set()


def an_allow_turned_into_a_deny(seen: Seen) -> None:
    number = next(n for n, decision in enumerate(seen.record.decided) if decision.allowed)
    seen.rewrite(number, allowed=False, reason="IMPLICIT_DENY")


def another_statement_settled_it(seen: Seen) -> None:
    number = next(n for n, decision in enumerate(seen.record.decided) if decision.determining)
    seen.rewrite(number, determining=("/Statement/9",))


def an_answer_from_an_older_state(seen: Seen) -> None:
    number = next(n for n, one in enumerate(seen.record.decided) if one.revision == WRITES)
    older = next(one for one in seen.record.decided if one.revision == 1)
    seen.record.decided[number] = replace(
        older, revision=1, asked=seen.record.decided[number].asked, decision_id="other-1"
    )


def an_answer_from_the_future(seen: Seen) -> None:
    seen.rewrite(0, revision=WRITES + 1)


def a_restored_state_that_does_not_say_so(seen: Seen) -> None:
    seen.rewrite(WRITES * 20 - 1, served_from="RESTORED")


def a_token_that_was_not_honoured(seen: Seen) -> None:
    asked = replace(seen.record.decided[0].asked, mode="fresh", after_write="request-3")
    seen.rewrite(0, asked=asked)


def a_fully_consistent_answer_that_was_not(seen: Seen) -> None:
    asked = replace(seen.record.decided[0].asked, mode="consistent", began=9.0)
    seen.rewrite(0, asked=asked, staleness=9.0)


def an_answer_that_went_back(seen: Seen) -> None:
    seen.record.decided.reverse()


def a_name_given_twice(seen: Seen) -> None:
    seen.rewrite(1, decision_id=seen.record.decided[0].decision_id)


def a_batch_of_two_revisions(seen: Seen) -> None:
    seen.rewrite(0, asked=seen.record.decided[20].asked)


def an_acknowledged_write_dropped(seen: Seen) -> None:
    lost = seen.record.written[1].write.request_id
    rows = [
        replace(c, author=replace(c.author, request_id="")) if c.author.request_id == lost else c
        for c in seen.history.commits
    ]
    seen.history = History(seen.history.floor, seen.history.head, rows)


def a_write_made_twice(seen: Seen) -> None:
    first = seen.history.commits[0].author.request_id
    rows = [
        replace(c, author=replace(c.author, request_id=first)) if c.revision == 2 else c for c in seen.history.commits
    ]
    seen.history = History(seen.history.floor, seen.history.head, rows)


def a_commit_taken_away(seen: Seen) -> None:
    rows = [commit for commit in seen.history.commits if commit.revision != 2]
    seen.history = History(seen.history.floor, seen.history.head, rows)


def a_commit_altered(seen: Seen) -> None:
    rows = [
        replace(c, author=replace(c.author, actor="mallory")) if c.revision == 2 else c for c in seen.history.commits
    ]
    seen.history = History(seen.history.floor, seen.history.head, rows)


def a_commit_from_nowhere(seen: Seen) -> None:
    seen.record.written.pop()


def a_write_told_another_revision(seen: Seen) -> None:
    seen.record.written[0].revision = 3


def a_write_that_left_something_else(seen: Seen) -> None:
    seen.record.written[0].write = replace(seen.record.written[0].write, roles=("123456789012/other",))


def a_write_that_nobody_could_resolve(seen: Seen) -> None:
    seen.record.written[0].outcome = Outcome.UNKNOWN


def a_role_altered_behind_the_log(seen: Seen) -> None:
    seen.roles[0] = replace(seen.roles[0], description="altered")


def a_head_that_is_ahead_of_the_log(seen: Seen) -> None:
    seen.history.head = replace(seen.history.head, revision=Revision(WRITES + 1))


def a_replica_left_behind(seen: Seen) -> None:
    seen.finals[0] = [replace(decision, revision=WRITES - 1) for decision in seen.finals[0]]


def replicas_that_differ(seen: Seen) -> None:
    seen.finals[0][0] = replace(seen.finals[0][0], role_id="another")


def a_change_that_the_feed_left_out(seen: Seen) -> None:
    seen.watched.pop(0)


def a_change_that_the_feed_told_twice(seen: Seen) -> None:
    seen.watched.append(seen.watched[-1])


def an_internal_error(seen: Seen) -> None:
    seen.record.count("checker-0", "INTERNAL")


def something_strange(seen: Seen) -> None:
    seen.record.strange.append("a thread hangs")


CORRUPTIONS: list[tuple[Callable[[Seen], None], str]] = [
    (an_allow_turned_into_a_deny, "a decision is the oracle's at its revision"),
    (another_statement_settled_it, "a decision is the oracle's at its revision"),
    (an_answer_from_an_older_state, "staleness is an upper bound"),
    (an_answer_from_the_future, "a decision has a revision that was"),
    (a_restored_state_that_does_not_say_so, "a restored state says so"),
    (a_token_that_was_not_honoured, "a consistency token is honoured"),
    (a_fully_consistent_answer_that_was_not, "fully consistent is that"),
    (an_answer_that_went_back, "revisions go forward"),
    (a_name_given_twice, "a decision has a name of its own"),
    (a_batch_of_two_revisions, "a batch has one revision"),
    (an_acknowledged_write_dropped, "every acknowledged write is in the log"),
    (a_write_made_twice, "no write is made twice"),
    (a_commit_taken_away, "revisions are contiguous"),
    (a_commit_altered, "the chain of hashes is whole"),
    (a_commit_from_nowhere, "every commit was sent by somebody"),
    (a_write_told_another_revision, "a write has the revision it was told"),
    (a_write_that_left_something_else, "a commit is what its author sent"),
    (a_write_that_nobody_could_resolve, "what is unknown can be resolved"),
    (a_role_altered_behind_the_log, "the roles are what the log says"),
    (a_head_that_is_ahead_of_the_log, "the head is the last commit"),
    (a_replica_left_behind, "every replica reaches the head"),
    (replicas_that_differ, "all replicas answer alike"),
    (a_change_that_the_feed_left_out, "the feed is the log"),
    (a_change_that_the_feed_told_twice, "the feed is the log"),
    (an_internal_error, "errors are of the foreseen kinds"),
    (something_strange, "nothing strange happens"),
]


@pytest.mark.parametrize(("corrupt", "rule"), CORRUPTIONS, ids=[corrupt.__name__ for corrupt, _ in CORRUPTIONS])
def test_what_is_wrong_breaks_a_rule_that_is_named(seen: Seen, corrupt: Callable[[Seen], None], rule: str) -> None:
    corrupt(seen)

    assert rule in seen.broken_rules()
