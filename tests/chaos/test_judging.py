"""The rules can fail: the observations of a correct run are corrupted in one place, and the rule that is broken is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rolecall.roles.role import Revision
from tests.chaos.history import History
from tests.chaos.observations import WRITES, Observations, make_observations
from tests.chaos.record import ALONE, Outcome


@pytest.fixture
def observations() -> Observations:
    return make_observations()


def test_correct_observations_break_no_rule(observations: Observations) -> None:
    assert observations.broken_rules() == set()


def an_allow_turned_into_a_deny(observations: Observations) -> None:
    number = next(n for n, decision in enumerate(observations.record.decided) if decision.allowed)
    observations.rewrite(number, allowed=False, reason="IMPLICIT_DENY")


def another_statement_settled_it(observations: Observations) -> None:
    number = next(n for n, decision in enumerate(observations.record.decided) if decision.determining)
    observations.rewrite(number, determining=("/Statement/9",))


def an_answer_from_an_older_state(observations: Observations) -> None:
    number = next(n for n, one in enumerate(observations.record.decided) if one.revision == WRITES)
    older = next(one for one in observations.record.decided if one.revision == 1)
    observations.record.decided[number] = replace(
        older, revision=1, asked=observations.record.decided[number].asked, decision_id="other-1"
    )


def an_answer_from_the_future(observations: Observations) -> None:
    observations.rewrite(0, revision=WRITES + 1)


def a_restored_state_that_does_not_say_so(observations: Observations) -> None:
    observations.rewrite(WRITES * 20 - 1, served_from="RESTORED")


def a_token_that_was_not_honoured(observations: Observations) -> None:
    asked = replace(observations.record.decided[0].asked, mode="fresh", after_write="request-3")
    observations.rewrite(0, asked=asked)


def a_fully_consistent_answer_that_was_not(observations: Observations) -> None:
    asked = replace(observations.record.decided[0].asked, mode="consistent", began=9.0)
    observations.rewrite(0, asked=asked, staleness=9.0)


def an_answer_that_went_back(observations: Observations) -> None:
    observations.record.decided.reverse()


def a_name_given_twice(observations: Observations) -> None:
    observations.rewrite(1, decision_id=observations.record.decided[0].decision_id)


def a_batch_of_two_revisions(observations: Observations) -> None:
    observations.rewrite(0, asked=observations.record.decided[20].asked)


def an_acknowledged_write_dropped(observations: Observations) -> None:
    lost = observations.record.written[1].write.request_id
    rows = [
        replace(c, author=replace(c.author, request_id="")) if c.author.request_id == lost else c
        for c in observations.history.commits
    ]
    observations.history = History(observations.history.floor, observations.history.head, rows)


def a_write_made_twice(observations: Observations) -> None:
    first = observations.history.commits[0].author.request_id
    rows = [
        replace(c, author=replace(c.author, request_id=first)) if c.revision == 2 else c
        for c in observations.history.commits
    ]
    observations.history = History(observations.history.floor, observations.history.head, rows)


def a_commit_taken_away(observations: Observations) -> None:
    rows = [commit for commit in observations.history.commits if commit.revision != 2]
    observations.history = History(observations.history.floor, observations.history.head, rows)


def a_commit_altered(observations: Observations) -> None:
    rows = [
        replace(c, author=replace(c.author, actor="mallory")) if c.revision == 2 else c
        for c in observations.history.commits
    ]
    observations.history = History(observations.history.floor, observations.history.head, rows)


def a_commit_from_nowhere(observations: Observations) -> None:
    observations.record.written.pop()


def a_write_answered_with_another_revision(observations: Observations) -> None:
    observations.record.written[0].revision = 3


def a_repeat_refused_though_the_write_was_made(observations: Observations) -> None:
    observations.record.written[0].outcome = Outcome.REFUSED
    observations.record.written[0].asked_at = 9.0


def a_write_that_left_something_else(observations: Observations) -> None:
    observations.record.written[0].write = replace(observations.record.written[0].write, roles=("123456789012/other",))


def a_write_that_could_not_be_resolved(observations: Observations) -> None:
    observations.record.written[0].outcome = Outcome.UNKNOWN


def a_role_altered_behind_the_log(observations: Observations) -> None:
    observations.roles[0] = replace(observations.roles[0], description="altered")


def a_head_that_is_ahead_of_the_log(observations: Observations) -> None:
    observations.history.head = replace(observations.history.head, revision=Revision(WRITES + 1))


def a_replica_left_behind(observations: Observations) -> None:
    observations.finals[0] = [replace(decision, revision=WRITES - 1) for decision in observations.finals[0]]


def replicas_that_differ(observations: Observations) -> None:
    observations.finals[0][0] = replace(observations.finals[0][0], role_id="another")


def a_replica_with_a_role_of_its_own(observations: Observations) -> None:
    observations.states[1] = (observations.states[1][0], bytes(32))


def a_change_that_the_feed_left_out(observations: Observations) -> None:
    observations.watched.pop(0)


def a_change_that_the_feed_sent_twice(observations: Observations) -> None:
    observations.watched.append(observations.watched[-1])


def an_internal_error(observations: Observations) -> None:
    observations.record.count("checker-0", "INTERNAL")


def a_decision_that_an_agent_could_not_give_alone(observations: Observations) -> None:
    observations.record.count(ALONE, "UNAVAILABLE", "UPSTREAM_UNAVAILABLE")


def something_strange(observations: Observations) -> None:
    observations.record.strange.append("a thread hangs")


CORRUPTIONS: list[tuple[Callable[[Observations], None], str]] = [
    (an_allow_turned_into_a_deny, "a decision is the oracle's at its revision"),
    (another_statement_settled_it, "a decision is the oracle's at its revision"),
    (an_answer_from_an_older_state, "staleness is an upper bound"),
    (an_answer_from_the_future, "a decision has a revision of the log"),
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
    (a_commit_from_nowhere, "every commit was sent by a writer"),
    (a_write_answered_with_another_revision, "a write has the revision of its answer"),
    (a_repeat_refused_though_the_write_was_made, "a repeat learns the first outcome"),
    (a_write_that_left_something_else, "a commit is what its author sent"),
    (a_write_that_could_not_be_resolved, "what is unknown can be resolved"),
    (a_role_altered_behind_the_log, "the roles are what the log says"),
    (a_head_that_is_ahead_of_the_log, "the head is the last commit"),
    (a_replica_left_behind, "every replica reaches the head"),
    (replicas_that_differ, "all replicas answer alike"),
    (a_replica_with_a_role_of_its_own, "every replica has the state of the log"),
    (a_change_that_the_feed_left_out, "the feed is the log"),
    (a_change_that_the_feed_sent_twice, "the feed is the log"),
    (an_internal_error, "errors are of the foreseen kinds"),
    (a_decision_that_an_agent_could_not_give_alone, "an agent decides without its server"),
    (something_strange, "nothing strange happens"),
]


@pytest.mark.parametrize(("corrupt", "rule"), CORRUPTIONS, ids=[corrupt.__name__ for corrupt, _ in CORRUPTIONS])
def test_each_corruption_breaks_the_rule_that_names_it(
    observations: Observations, corrupt: Callable[[Observations], None], rule: str
) -> None:
    corrupt(observations)

    assert rule in observations.broken_rules()
