"""Questions that were made to be expensive: refused by their estimated work, never decided, never remembered."""

from __future__ import annotations

import string
from itertools import islice, product

import pytest

from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.errors import QuestionTooCostlyError
from rolecall.engine.explanation import explain_decision
from rolecall.engine.reverse.query import assumability
from rolecall.policy.work import EXPLANATION_BUDGET, WORK_BUDGET
from tests.engine.world import ACCOUNT, NOON, allow, ask, deny, document, point, question, role

LETTERS = string.ascii_letters + string.digits
PAIRS = [first + second for first, second in product(LETTERS, LETTERS)]
VALUES = {"k": [f"{'a' * 150}{number}" for number in range(100)]}
FEW = {"k": VALUES["k"][:2]}

TINY = document(allow(StringLike={"k": [f"*?{pair}*" for pair in islice(PAIRS, 1_700)]}))
WITHIN_LIMITS = document(deny(StringNotLike={"k": [f"*{'?a' * 5}{pair}*b*" for pair in PAIRS[:256]]}), allow())
ADDRESSES = document(*[allow(NotIpAddress={"k": [f"2001:db8:{n:x}::/48" for n in range(200)]})] * 60)
COSTLY = [pytest.param(TINY, id="tiny"), pytest.param(WITHIN_LIMITS, id="masked"), pytest.param(ADDRESSES, id="ranges")]


def refused(decider: DecisionPoint) -> QuestionTooCostlyError:
    with pytest.raises(QuestionTooCostlyError) as caught:
        ask(decider, context=VALUES)
    return caught.value


@pytest.mark.parametrize("text", COSTLY)
def test_a_costly_question_is_refused_every_time_and_cached_never(text: str) -> None:
    decider = point(role(text))
    asked = question(context=VALUES)

    for _ in range(3):
        with pytest.raises(QuestionTooCostlyError) as caught:
            decider.check(asked, NOON)

    assert caught.value.work > caught.value.limit == WORK_BUDGET
    assert caught.value.arn == f"acs:ram::{ACCOUNT}:role/app"
    assert asked.last_answer is None
    assert (len(decider.cache), set(decider.decided.values())) == (0, {0})


@pytest.mark.parametrize("text", COSTLY)
def test_an_explanation_is_refused_where_the_decision_is(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Before any of its work is done.
    monkeypatch.setattr("rolecall.engine.explanation.explain", None)

    with pytest.raises(QuestionTooCostlyError):
        explain_decision(point(role(text)), question(context=VALUES), NOON)


@pytest.mark.parametrize("text", COSTLY)
def test_other_values_of_the_same_policy_are_decided_and_explained(text: str) -> None:
    decider = point(role(text))

    decision = ask(decider, context=FEW).decision
    explained = explain_decision(decider, question(context=FEW), NOON).decision

    assert (decision.reason, decision.determining) == (explained.reason, explained.determining)


def test_an_explanation_that_repeats_long_values_too_often_is_refused_where_the_decision_is_not() -> None:
    decider = point(role(document(*[deny(StringEquals={"k": "v"})] * 600, allow())))
    long = {"k": ["x" * 4_000] * 4}

    with pytest.raises(QuestionTooCostlyError) as caught:
        explain_decision(decider, question(context=long), NOON)

    assert caught.value.limit == EXPLANATION_BUDGET
    assert ask(decider, context=long).decision.allowed
    assert explain_decision(decider, question(context={"k": ["x"]}), NOON).decision.allowed


def test_a_costly_role_is_refused_in_a_list_of_assumable_roles_too() -> None:
    decider = point(role(TINY))
    version = decider.snapshot.version(f"{ACCOUNT}/app")
    assert version is not None

    with pytest.raises(QuestionTooCostlyError):
        assumability(decider, version, question(context=VALUES), NOON)


def test_whom_a_statement_names_does_not_change_the_work() -> None:
    whole = refused(point(role(TINY)))
    other = refused(point(role(TINY.replace("alice", "bob--"))))

    assert whole.work == other.work


def test_the_question_is_decided_again_when_the_policy_is_smaller() -> None:
    asked = question(context=VALUES)
    decider = point(role(TINY))
    smaller = point(role(document(allow(StringLike={"k": ["*?zz*", "a*"]}))))

    with pytest.raises(QuestionTooCostlyError):
        decider.check(asked, NOON)

    assert smaller.check(asked, NOON).decision.allowed
