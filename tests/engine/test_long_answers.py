"""Answers that take long: they are those of one moment, whatever changes while they wait, and say how old it is by then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import get_ident
from typing import Any

import pytest

from rolecall.engine.consistency import StateAge
from rolecall.engine.decision import Reason, ServedFrom
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import DecisionMoment, LongAnswers
from rolecall.engine.turns import Turns
from rolecall.roles.role import Revision
from tests.engine.test_large_documents import LARGE, SMALL, recorded_threads, version_of
from tests.engine.world import HOUR, NOON, allow, document, point, question, role

SECOND = 1_000_000


@pytest.fixture
def thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


class Moment:
    """A moment at which the state was one second old; the clock of its age is moved by the test."""

    def __init__(self, *, restored: bool = False) -> None:
        self.now = 0
        age = StateAge(SECOND, 3_600 * SECOND, lambda: self.now)
        self.is_now = DecisionMoment(Revision(1), restored, NOON, "token", age)


def long_answers(decider: Any, thread: Executor) -> LongAnswers:
    turns = Turns(slice_seconds=0, min_pause_seconds=0, max_pause_seconds=0)
    return LongAnswers(decider, turns, LargeDocuments(decider, thread))


class Fresh:
    """The freshness of a state of which the token and the age are known."""

    def __init__(self, age: StateAge) -> None:
        self._age = age

    def token(self) -> str:
        return "token"

    def age(self) -> StateAge:
        return self._age


async def test_the_present_moment_has_the_state_its_token_its_age_and_the_time() -> None:
    decider, age = point(role(SMALL)), StateAge(SECOND, SECOND, lambda: 0)
    decider.snapshot.restored = True

    moment = DecisionMoment.now(decider, Fresh(age))  # type: ignore[arg-type]

    assert moment == DecisionMoment(Revision(1), True, NOON, "token", age)


@pytest.mark.parametrize(("staleness", "time"), [(SECOND, NOON), (3 * SECOND, NOON + 2 * SECOND)])
async def test_the_time_goes_on_as_the_age_of_the_state_does(staleness: int, time: int) -> None:
    assert Moment().is_now.time_at(staleness) == time


@pytest.mark.parametrize("restored", [False, True])
async def test_a_long_check_decides_at_its_moment_and_compiles_on_the_thread(thread: Executor, restored: bool) -> None:
    until_one = allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}, StringNotEquals={"k": ["x" * 5_000]})
    decider = point(role(document(until_one)))
    threads, answers, moment = recorded_threads(decider), long_answers(decider, thread), Moment(restored=restored)

    answer = await answers.check(question(), version_of(decider), moment.is_now, answers.turns.begin())

    assert (answer.decision.allowed, answer.decision.valid_until) == (True, NOON + HOUR)
    assert answer.served_from is (ServedFrom.RESTORED if restored else ServedFrom.EVALUATED)
    assert [ident == get_ident() for ident in threads] == [False]
    assert answers.turns.count == 1


async def test_a_long_check_may_be_long(thread: Executor) -> None:
    decider = point(role(document(allow(StringLike={"k": [f"*{n}?b*" for n in range(150)]}))))
    answers, asked = long_answers(decider, thread), question(context={"k": [f"value-{n}" for n in range(100)]})

    answer = await answers.check(asked, version_of(decider), Moment().is_now, answers.turns.begin())

    assert answer.decision.reason is Reason.IMPLICIT_DENY
    assert (decider.cache.misses, answers.turns.count) == (1, 1)


async def test_a_long_check_of_no_role_has_its_turn_too(thread: Executor) -> None:
    decider = point()
    answers = long_answers(decider, thread)

    answer = await answers.check(question(), None, Moment().is_now, answers.turns.begin())

    assert (answer.decision.reason.value, answers.turns.count) == ("ROLE_NOT_FOUND", 1)


async def test_an_explanation_without_a_wait_has_the_age_of_its_moment(thread: Executor) -> None:
    decider, moment = point(role(SMALL)), Moment()
    moment.now = 5 * SECOND

    explanation, staleness = await long_answers(decider, thread).explain(
        question(context={"k": ["v"]}), version_of(decider), moment.is_now, NOON
    )

    assert (explanation.decision.allowed, len(explanation.statements), staleness) == (True, 1, SECOND)


async def test_an_explanation_of_no_role_has_nothing_to_show(thread: Executor) -> None:
    explanation, staleness = await long_answers(point(), thread).explain(question(), None, Moment().is_now, NOON)

    assert (explanation.decision.reason.value, explanation.statements, staleness) == ("ROLE_NOT_FOUND", (), SECOND)


async def test_an_explanation_that_waits_for_its_turn_is_as_old_as_the_state_is_then(thread: Executor) -> None:
    decider, moment = point(role(SMALL)), Moment()
    answers = long_answers(decider, thread)
    await answers.turns.take()

    waiting = asyncio.ensure_future(answers.explain(question(), version_of(decider), moment.is_now, NOON))
    await asyncio.sleep(0)
    moment.now = 5 * SECOND
    _, staleness = await waiting

    assert staleness == 6 * SECOND


async def test_an_explanation_of_a_large_document_reads_and_compiles_it_on_the_thread(
    thread: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    decider, moment = point(role(LARGE)), Moment()
    threads, on_the_loop = recorded_threads(decider), list[object]()
    monkeypatch.setattr("rolecall.engine.explanation.stored_policy", on_the_loop.append)
    moment.now = 5 * SECOND

    explanation, staleness = await long_answers(decider, thread).explain(
        question(context={"k": ["value-7"]}), version_of(decider), moment.is_now, NOON
    )

    assert (explanation.decision.allowed, staleness) == (True, 6 * SECOND)
    assert [ident == get_ident() for ident in threads] == [False]
    assert on_the_loop == []
