"""All rules together, and those that hold between replicas, the watcher and the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rolecall.roles.digest import state_digest
from rolecall.roles.role import Role
from tests.chaos.history import History
from tests.chaos.questions import Question
from tests.chaos.record import ALONE, Decided, Record
from tests.chaos.rules_of_decisions import (
    Replay,
    batches_have_one_revision,
    decisions_are_the_oracles,
    requirements_are_met,
    restored_states_say_so,
    revisions_go_forward,
    staleness_is_a_bound,
)
from tests.chaos.rules_of_writes import (
    Violation,
    log_is_whole,
    repeats_learn_the_first_outcome,
    roles_are_the_log,
    writes_are_kept,
)
from tests.chaos.states import State
from tests.chaos.watchers import Watched
from tests.chaos.writers import REFUSALS, UNANSWERED
from tests.coherence.freshness import Acknowledgements


def check_all_rules(
    record: Record,
    history: History,
    roles: Iterable[Role],
    questions: Sequence[Question],
    finals: Sequence[Sequence[Decided]],
    states: Sequence[State],
    watched: Sequence[Watched],
) -> Iterator[Violation]:
    """Check everything that was seen in a run to every rule."""
    acknowledged = acknowledgements(record, history)
    yield from log_is_whole(history)
    yield from roles_are_the_log(history, roles)
    yield from writes_are_kept(record.written, history)
    yield from repeats_learn_the_first_outcome(record.written, acknowledged, history)
    yield from decisions_are_the_oracles(record.decided, Replay(history, questions), history.head.revision)
    yield from staleness_is_a_bound(record.decided, acknowledged)
    yield from requirements_are_met(record.decided, acknowledged, history)
    yield from revisions_go_forward(record.decided)
    yield from restored_states_say_so(record.decided)
    yield from batches_have_one_revision(record.decided)
    yield from replicas_agree(finals, history.head.revision)
    yield from states_are_the_log(states, history)
    yield from feed_is_the_log(watched, history)
    yield from errors_are_foreseen(record)
    yield from agents_decide_alone(record)


def acknowledgements(record: Record, history: History) -> Acknowledgements:
    """Return which revision was known to its author from when on."""
    known = ((w.acknowledged_at, history.revision_of(w.write.request_id)) for w in record.written if w.acknowledged_at)
    return Acknowledgements((at, revision) for at, revision in known if revision)


def replicas_agree(finals: Sequence[Sequence[Decided]], head: int) -> Iterator[Violation]:
    """Check the last answers of the replicas to the head, and to each other."""
    for found in finals:
        if any(decision.revision != head for decision in found):
            yield Violation(
                "every replica reaches the head", f"{found[0].asked.asker} is at {found[0].revision}, not {head}"
            )
    if len({tuple(map(_answer, found)) for found in finals}) > 1:
        yield Violation("all replicas answer alike", "the same questions have other answers")


def states_are_the_log(states: Sequence[State], history: History) -> Iterator[Violation]:
    """Check every role that each replica has in memory to the roles as the log leaves them."""
    logged = history.head.revision, state_digest(history.roles().values())
    for number, state in enumerate(states):
        if state != logged:
            yield Violation(
                "every replica has the state of the log", f"replica-{number} at {state[0]}, not {logged[0]}"
            )


def feed_is_the_log(watched: Sequence[Watched], history: History) -> Iterator[Violation]:
    """Compare the changes of the feed with the log after the first write."""
    logged = [
        Watched(commit.revision, change.kind.value, change.role.key, change.role.role_id, change.role.document)
        for commit in history.commits[1:]
        for change in commit.changes
    ]
    for sent, stored in zip(watched, logged, strict=False):
        if sent != stored:
            yield Violation(
                "the feed is the log",
                f"{sent.revision} {sent.kind} {sent.key} for {stored.revision} {stored.kind} {stored.key}",
            )
            return
    if len(watched) != len(logged):
        yield Violation("the feed is the log", f"{len(watched)} changes were sent, {len(logged)} are in the log")


def errors_are_foreseen(record: Record) -> Iterator[Violation]:
    """Check errors to those that faults and other writers explain: never INTERNAL, never one that blames a well-formed request."""
    for (who, code, reason), count in record.errors.items():
        if code not in UNANSWERED and reason not in REFUSALS:
            yield Violation("errors are of the foreseen kinds", f"{who} met {code} {reason}, {count} times")
    for what in record.strange:
        yield Violation("nothing strange happens", what)


def agents_decide_alone(record: Record) -> Iterator[Violation]:
    """Check that an agent answered everything that needs no server."""
    for (who, code, reason), count in record.errors.items():
        if who == ALONE:
            yield Violation("an agent decides without its server", f"{code} {reason}, {count} times")


def _answer(decision: Decided) -> tuple[object, ...]:
    return decision.question, decision.role, decision.allowed, decision.reason, decision.determining, decision.role_id
