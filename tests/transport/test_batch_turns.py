"""When a batch lets other work have its turn, and when its items are answered together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any, NoReturn

import pytest

from rolecall.engine.consistency import StateAge
from rolecall.engine.errors import QuestionTooCostlyError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.transport.services import batch as module
from rolecall.transport.services.batch import PORTION, Batch
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import NOON
from tests.transport.test_batch_portions import QUERIES, Servicer

LONG, MALFORMED = QUERIES[4], QUERIES[-1]


class Work:
    """Long work in slices of so many steps. Each item that is judged or decided by itself is one step."""

    def __init__(self, slice_steps: float, monkeypatch: pytest.MonkeyPatch, *, restored: bool = False) -> None:
        self.now, self._slice, self.until, self.steps = 0.0, slice_steps, slice_steps, list[str]()
        self.servicer = servicer = Servicer(inf, restored=restored)
        turns: Any = self
        servicer.servicer._answers.turns = turns
        monkeypatch.setattr(module, "perf_counter", lambda: self.now)
        for part, name, step, time in (
            (servicer.rights, "known", "known", 0),
            (servicer.rights, "request", "judged", 1),
            (servicer.point, "remembered", "remembered", 0),
            (servicer.point, "check_version", "decided", 1),
        ):
            monkeypatch.setattr(part, name, self._noted(getattr(part, name), step, time))

    def begin(self) -> Work:
        self.until = self.now + self._slice
        return self

    async def next_turn(self) -> None:
        self.steps.append("turn")
        self.until = self.now + self._slice

    def end(self) -> None:
        self.steps.append("end")

    async def decided(self, queries: list[bytes], *, reported: bool = False) -> Batch:
        self.steps.clear()
        servicer = self.servicer
        return await servicer.servicer._batches.decide(queries, servicer.caller, reported=reported)

    def _noted(self, method: Callable[..., Any], step: str, time: int) -> Callable[..., Any]:
        def noted(*args: Any, **options: Any) -> Any:
            self.steps.append(step)
            self.now += time
            return method(*args, **options)

        return noted


def results_of(batch: Batch) -> list[pb.BatchCheckResult]:
    """Return results, each of which is encoded as a field of the response."""
    return list(pb.BatchCheckAssumeRoleResponse.FromString(b"".join(batch.results)).results)


async def test_other_work_has_its_turn_whenever_a_slice_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(2, monkeypatch)

    batch = await work.decided([QUERIES[0]] * 5)

    assert work.steps == [
        *("known", "judged", "judged", "judged", "turn", "judged", "judged"),
        # The slice is over now, so nothing is looked up for many at once; the first item is decided before the next turn.
        *("decided", "turn", "remembered"),
        "end",
    ]
    assert len(batch.results) == 5


async def test_items_whose_answers_are_not_remembered_are_decided_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(2, monkeypatch)

    await work.decided(QUERIES[:4])

    assert work.steps == [
        *("known", "judged", "judged", "judged", "turn", "judged"),
        *("remembered", "decided", "decided", "turn", "remembered", "decided", "decided"),
        "end",
    ]


async def test_a_batch_that_ends_within_its_slice_gives_up_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(inf, monkeypatch)

    await work.decided(QUERIES[:3])

    assert work.steps == ["known", *["judged"] * 3, "remembered", *["decided"] * 3, "end"]


async def test_what_is_remembered_is_answered_in_portions_without_a_step_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work, queries = Work(inf, monkeypatch), QUERIES[:2] * PORTION
    await work.decided(queries)

    batch = await work.decided(queries)

    assert work.steps == [*["known"] * 2, *["remembered"] * 2, "end"]
    assert len({result.decision.decision_id for result in results_of(batch)}) == len(queries)


async def test_beyond_the_slice_nothing_is_looked_up_for_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(inf, monkeypatch)
    await work.decided(QUERIES[:3])
    work._slice = 0

    await work.decided(QUERIES[:3])

    assert work.steps == [*["judged", "turn"] * 2, "judged", *["decided", "turn"] * 2, "decided", "end"]


async def test_in_a_restored_state_every_item_is_decided_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(inf, monkeypatch, restored=True)
    await work.decided(QUERIES[:3])

    batch = await work.decided(QUERIES[:3])

    assert work.steps == ["known", *["decided"] * 3, "end"]
    assert {result.decision.served_from for result in results_of(batch)} == {pb.SERVED_FROM_RESTORED}


async def test_an_item_that_needs_long_work_has_a_turn_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(inf, monkeypatch)

    batch = await work.decided([QUERIES[0], LONG, QUERIES[1], MALFORMED], reported=True)

    assert work.steps == [
        *("known", *["judged"] * 4),
        *("remembered", "decided", "decided", "turn", "decided", "remembered", "decided"),
        "end",
    ]
    assert [result.WhichOneof("result") for result in results_of(batch)] == ["decision"] * 3 + ["error"]
    ids = [result.decision.decision_id for result in results_of(batch)[:3]]
    assert [answer.decision_id for _, answer in batch.decided] == ids


SECOND = 1_000_000


def grow_older(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the state five seconds old, and one second older whenever that is looked at again."""
    time = iter(range(0, 100 * SECOND, SECOND))
    monkeypatch.setattr(
        type(work.servicer.servicer._consistency),
        "age",
        lambda _: StateAge(5 * SECOND, limit=60 * SECOND, clock=lambda: next(time)),
    )


@pytest.mark.parametrize("restored", [False, True])
async def test_an_item_that_cannot_be_decided_has_its_own_error(
    restored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(inf, monkeypatch, restored=restored)
    check = work.servicer.point.check_version

    def decided(request: AssumeRoleRequest, *args: Any, **options: Any) -> Any:
        if request.role_key.endswith("/denied"):
            raise QuestionTooCostlyError("r", 9, 7)
        return check(request, *args, **options)

    monkeypatch.setattr(work.servicer.point, "check_version", decided)

    batch = await work.decided([QUERIES[0], QUERIES[1], QUERIES[0]])

    assert [result.error.code for result in results_of(batch)] == [0, 8, 0]
    assert [result.WhichOneof("result") for result in results_of(batch)] == ["decision", "error", "decision"]


async def test_an_item_whose_long_work_fails_has_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(inf, monkeypatch)
    grow_older(work, monkeypatch)

    async def fail(*_: object) -> NoReturn:
        raise QuestionTooCostlyError("r", 9, 7)

    monkeypatch.setattr(work.servicer.servicer._answers, "check", fail)

    async with asyncio.timeout(20):
        batch = await work.decided([QUERIES[0], LONG, QUERIES[1]])

    assert [result.WhichOneof("result") for result in results_of(batch)] == ["decision", "error", "decision"]
    assert [result.error.code for result in results_of(batch)] == [0, 8, 0]
    assert [result.decision.staleness.seconds for result in results_of(batch)] == [5, 0, 6]


@pytest.mark.parametrize("long", [True, False])
async def test_what_is_decided_after_a_turn_says_how_old_the_state_is_by_then(
    long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(inf if long else 0, monkeypatch)
    grow_older(work, monkeypatch)

    batch = await work.decided([QUERIES[0], LONG if long else QUERIES[1], QUERIES[0]], reported=True)

    ages = [result.decision.staleness.seconds for result in results_of(batch)]
    assert ages == ([5, 6, 6] if long else [5, 6, 7])
    assert [answer.staleness // SECOND for _, answer in batch.decided] == ages
    assert {answer.time for _, answer in batch.decided} == {NOON}
