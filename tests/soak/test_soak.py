"""A soak run is without a mismatch, and finds each fault that is put into a server."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from rolecall.engine import watch
from rolecall.engine.decision import Answer
from rolecall.engine.history import RoleHistory
from rolecall.engine.reverse import query
from rolecall.policy import compiled_conditions, compiler, evaluator
from rolecall.policy.explaining import condition_trace, explain
from rolecall.policy.principal import Principal
from rolecall.roles.change import ChangeKind
from tests.postgres import binaries, not_there
from tests.server.serving import served
from tests.soak import rounds
from tests.soak.answers import Mismatch
from tests.soak.figures import Figures
from tests.soak.rounds import StoreRounds
from tests.soak.run import run
from tests.soak.servers import STORES, stubs_of

pytestmark = pytest.mark.long

MOST_ROUNDS = 30

Fault: TypeAlias = "Callable[[pytest.MonkeyPatch], None]"


def a_cached_answer_outlives_its_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Answer, "holds_at", lambda self, now: True)


def an_answer_has_no_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluator, "window", lambda statements, now: (None, None))


def the_arn_of_a_role_compares_exactly(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compiled_conditions, "_ROLE_ARN", re.compile("(?!)"))


def an_unreadable_value_escapes_a_deny(patch: pytest.MonkeyPatch) -> None:
    compile_condition = compiled_conditions.compile_condition
    patch.setattr(
        compiler,
        "compile_condition",
        lambda condition, slots, unreadable: compile_condition(condition, slots, unreadable=False),
    )


def the_name_of_a_role_compares_exactly(patch: pytest.MonkeyPatch) -> None:
    forms = evaluator.matching_forms

    def exact(principal: Principal, account: str) -> tuple[Principal, ...]:
        return tuple(principal if form.kind is principal.kind else form for form in forms(principal, account))

    patch.setattr(evaluator, "matching_forms", exact)


def missing_keys_are_not_named(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluator, "missing_keys", lambda keys, statements, values: ())


def a_list_forgets_what_may_become_possible(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(query, "deciding_keys", lambda *_, **__: None)


def the_past_is_the_present(patch: pytest.MonkeyPatch) -> None:
    version = RoleHistory.version

    async def newest(self: RoleHistory, key: str, revision: int) -> Any:
        return await version(self, key, self._follower.snapshot.revision)

    patch.setattr(RoleHistory, "version", newest)


def an_explanation_forgets_what_is_unreadable(patch: pytest.MonkeyPatch) -> None:
    trace = condition_trace.trace_condition
    patch.setattr(explain, "trace_condition", lambda *found, unreadable: trace(*found, unreadable=False))


def a_watch_forgets_updates(patch: pytest.MonkeyPatch) -> None:
    next_change: Any = watch._Watch._next_change

    def without_updates(self: Any, commit: Any) -> Any:
        change = next_change(self, commit)
        return None if change and change.kind is ChangeKind.UPDATED else change

    patch.setattr(watch._Watch, "_next_change", without_updates)


EXPLAINED = frozenset({"explain", "boundary", "past"})
DECIDED = EXPLAINED | {"check", "batch", "stream"}
FAULTS: tuple[tuple[Fault, frozenset[str]], ...] = (
    (a_cached_answer_outlives_its_time, DECIDED),
    (an_answer_has_no_end, DECIDED),
    (the_arn_of_a_role_compares_exactly, DECIDED),
    (an_unreadable_value_escapes_a_deny, DECIDED),
    (the_name_of_a_role_compares_exactly, DECIDED),
    (missing_keys_are_not_named, DECIDED),
    (a_list_forgets_what_may_become_possible, frozenset({"list"})),
    (the_past_is_the_present, frozenset({"past"})),
    (an_explanation_forgets_what_is_unreadable, EXPLAINED),
    (a_watch_forgets_updates, frozenset({"watch"})),
)


@asynccontextmanager
async def rounds_in_process(found: list[Mismatch]) -> AsyncIterator[StoreRounds]:
    """Give the rounds on a server in this process, whose faults are put in by the test."""
    async with served() as service:
        one = StoreRounds("memory", 20261129, [stubs_of("server", service.channel)], found.append)
        await one.start()
        try:
            yield one
        finally:
            await one.end()


@pytest.mark.parametrize(("fault", "ways"), [pytest.param(fault, ways, id=fault.__name__) for fault, ways in FAULTS])
async def test_a_fault_is_found(fault: Fault, ways: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "ROUND_SECONDS", 1.5)
    found: list[Mismatch] = []
    async with rounds_in_process(found) as one:
        fault(monkeypatch)

        while not _ways(found) & ways and one.figures.rounds < MOST_ROUNDS:
            await one.round()  # a fault may show itself in a list first

    assert _ways(found) & ways, found


def _ways(found: list[Mismatch]) -> set[str]:
    return {mismatch.way for mismatch in found}


async def test_a_run_is_without_a_mismatch_on_both_stores() -> None:
    if binaries() is None:
        not_there("PostgreSQL", "postgresql")
    figures = Figures(20261129)

    await run(figures, seconds=0, stores=STORES, report=print)

    assert json.dumps(figures.as_json()["first_mismatches"]) == "[]"
    for store in figures.stores.values():
        assert store.answers.total() > 500
        assert set(store.answers) == {"check", "batch", "stream", "explain", "boundary", "past"}
        assert min(store.reasons.values()) > 10
        assert store.events > 20
        assert store.lists > 5
        assert store.changed_by_time + store.timed > 10
