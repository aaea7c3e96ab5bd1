"""The judge can say no: what a run has seen is corrupted in one place, and the rule that it breaks is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rolecall.roles.role import Revision
from tests.chaos.history import History
from tests.chaos.observations import WRITES, Seen, make_seen
from tests.chaos.record import Outcome


@pytest.fixture
def seen() -> Seen:
    return make_seen()


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


def a_repeat_refused_though_the_write_was_made(seen: Seen) -> None:
    seen.record.written[0].outcome = Outcome.REFUSED
    seen.record.written[0].asked_at = 9.0


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


def a_replica_with_a_role_of_its_own(seen: Seen) -> None:
    seen.states[1] = (seen.states[1][0], bytes(32))


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
    (a_repeat_refused_though_the_write_was_made, "a repeat learns the first outcome"),
    (a_write_that_left_something_else, "a commit is what its author sent"),
    (a_write_that_nobody_could_resolve, "what is unknown can be resolved"),
    (a_role_altered_behind_the_log, "the roles are what the log says"),
    (a_head_that_is_ahead_of_the_log, "the head is the last commit"),
    (a_replica_left_behind, "every replica reaches the head"),
    (replicas_that_differ, "all replicas answer alike"),
    (a_replica_with_a_role_of_its_own, "every replica has the state of the log"),
    (a_change_that_the_feed_left_out, "the feed is the log"),
    (a_change_that_the_feed_told_twice, "the feed is the log"),
    (an_internal_error, "errors are of the foreseen kinds"),
    (something_strange, "nothing strange happens"),
]


@pytest.mark.parametrize(("corrupt", "rule"), CORRUPTIONS, ids=[corrupt.__name__ for corrupt, _ in CORRUPTIONS])
def test_what_is_wrong_breaks_a_rule_that_is_named(seen: Seen, corrupt: Callable[[Seen], None], rule: str) -> None:
    corrupt(seen)

    assert rule in seen.broken_rules()
