"""Decisions as data: when one holds, what it allows, and the facts about its role that it keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rolecall.engine.decision import Answer, DecidedRole, Decision, Reason, ServedFrom, Side
from rolecall.roles.role import Revision
from tests.engine.world import ACCOUNT, HOUR, NOON, OTHER, allow, document, point, question, role

DECISION = Decision(reason=Reason.ALLOW, trust_side=Side.ALLOW, role=None)


@pytest.mark.parametrize(
    ("since", "until", "times", "lasting"),
    [
        (None, None, [1, 2, 3, 4, 5], True),
        (2, None, [2, 3, 4, 5], False),
        (None, 4, [1, 2, 3], False),
        (2, 4, [2, 3], False),
    ],
)
def test_a_decision_holds_from_its_first_moment_until_before_its_end(
    since: int | None, until: int | None, times: list[int], lasting: bool
) -> None:
    answer = Answer(replace(DECISION, valid_from=since, valid_until=until), ServedFrom.EVALUATED)

    assert [now for now in range(1, 6) if answer.holds_at(now)] == times
    assert answer.decision.is_lasting is lasting


@pytest.mark.parametrize("reason", Reason)
def test_only_an_allow_allows(reason: Reason) -> None:
    assert replace(DECISION, reason=reason).allowed is (reason.value == "ALLOW")


def test_a_decision_has_nothing_but_what_it_is_given() -> None:
    assert (DECISION.determining, DECISION.missing_keys, DECISION.vary_keys) == ((), (), ())
    assert (DECISION.valid_from, DECISION.valid_until, DECISION.identity_side) == (None, None, Side.NOT_EVALUATED)
    assert Answer(DECISION, ServedFrom.EVALUATED).encoded == b""


def test_a_decided_role_has_the_facts_of_its_version_and_equals_only_itself() -> None:
    version = role("{}", name="App", account=OTHER, revision=7, max_session_duration_seconds=7_200)

    decided = DecidedRole.of(version)

    assert (decided.role_id, decided.account_id, decided.role_name) == ("7", OTHER, "App")
    assert (decided.revision, decided.max_session_duration_seconds) == (Revision(7), 7_200)
    assert decided.arn == version.arn == f"acs:ram::{OTHER}:role/App"
    assert decided != DecidedRole.of(version)


@pytest.mark.parametrize(("now", "remembered"), [(NOON + HOUR - 1, True), (NOON + HOUR, False)])
def test_the_answers_of_a_batch_are_remembered_inside_their_interval(now: int, remembered: bool) -> None:
    until_one = document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))
    decider = point(role(until_one, name="dated"), role(document(allow()), name="lasting"))
    asked = [question(name=name) for name in ("lasting", "dated")]
    versions = [decider.snapshot.version(f"{ACCOUNT}/{name}") for name in ("lasting", "dated")]
    for request in asked:
        decider.check(request, NOON)

    assert (decider.remembered(asked, versions, now) is not None) is remembered


@pytest.mark.parametrize(
    ("restored", "allows"),
    [
        (False, {ServedFrom.EVALUATED: 1, ServedFrom.CACHED: 1}),
        (True, {ServedFrom.RESTORED: 2}),
    ],
)
def test_every_answer_is_counted_by_its_reason_and_how_it_was_obtained(
    restored: bool, allows: dict[ServedFrom, int]
) -> None:
    decider, asked = point(role(document(allow()))), question()
    decider.snapshot.restored = restored
    denied = [question(f"acs:ram::{ACCOUNT}:root"), question(name="none"), question(f"acs:ram::{ACCOUNT}:user/bob")]

    for request in (asked, asked, *denied):
        decider.check(request, NOON)

    served = ServedFrom.RESTORED if restored else ServedFrom.EVALUATED
    assert {key: count for key, count in decider.decided.items() if count} == {
        **{(Reason.ALLOW, each): count for each, count in allows.items()},
        (Reason.ROOT_NOT_ALLOWED, served): 1,
        (Reason.ROLE_NOT_FOUND, served): 1,
        (Reason.IMPLICIT_DENY, served): 1,
    }
    assert len(decider.decided) == len(Reason) * len(ServedFrom)
