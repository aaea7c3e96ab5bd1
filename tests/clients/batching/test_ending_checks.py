"""Deadlines, cancelled callers and closed clients: each ends its own checks, and nothing is left behind."""

from __future__ import annotations

import asyncio
import time
from random import Random

import pytest

from rolecall_client import async_batching, batching, query
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.batching.answers import error, ids, outcome_of, waiting
from tests.clients.batching.held_server import REFUSED, Asker, HeldServer
from tests.clients.recording_sink import PATIENCE_SECONDS
from tests.clients.test_client import ALICE
from tests.storage.waiting import wait_until


def test_a_check_that_waits_keeps_its_deadline(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b")

    late = error(asker.ask("c", timeout=0.05))
    left = asker.waiting
    call.release()
    held.next().release()

    assert late.code == "DEADLINE_EXCEEDED"
    assert "within 0.05 seconds" in late.message
    assert left == 1
    assert ids([first, *others]) == ["a", "b"]


def test_a_check_that_travels_keeps_its_deadline(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a", timeout=60)
    call = held.next()
    soon, later = asker.ask("b", timeout=2), asker.ask("c", timeout=60)
    wait_until(lambda: asker.waiting == 2)

    call.release()
    batch = held.next()
    late = error(soon)
    batch.release()

    assert late.code == "DEADLINE_EXCEEDED"
    assert batch.seconds > 30
    assert sorted(batch.roles) == ["b", "c"]
    assert ids([first, later]) == ["a", "c"]


def test_the_deadline_of_a_lone_check_is_sent_to_the_server(held: HeldServer, asker: Asker) -> None:
    answer = asker.ask("a", timeout=7)

    call = held.next()
    call.release()

    # gRPC rounds the time that it sends up, by a hundredth at most.
    assert 5 < call.seconds <= 7.07
    assert ids([answer]) == ["a"]


def test_closing_the_client_ends_what_waits_and_what_travels(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    held.next()
    others = waiting(asker, "b", "c")

    asker.close_client()
    errors = [error(answer) for answer in (first, *others, asker.ask("d"))]

    assert {(raised.code, raised.message) for raised in errors} <= {
        ("FAILED_PRECONDITION", "the client is closed"),
        ("CANCELLED", "Channel closed!"),
    }
    assert asker.waiting == 0


def test_cancelling_one_check_does_not_touch_the_others(held: HeldServer, async_asker: Asker) -> None:
    first = async_asker.ask("a")
    call = held.next()
    others = waiting(async_asker, "b", "c", "d")

    others[0].cancel()
    wait_until(lambda: async_asker.waiting == 2)
    call.release()
    batch = held.next()
    others[1].cancel()
    batch.release()

    assert batch.roles == ["c", "d"]
    assert ids([first, others[2]]) == ["a", "d"]


def test_a_call_for_which_nobody_waits_any_more_is_cancelled(held: HeldServer, async_asker: Asker) -> None:
    first = async_asker.ask("a")
    call = held.next()
    others = waiting(async_asker, "b", "c", timeout=3_600)
    call.release()
    batch = held.next()

    for other in others:
        other.cancel()

    assert batch.ended.wait(PATIENCE_SECONDS)
    assert ids([first]) == ["a"]


def test_checks_of_one_turn_keep_their_deadlines(held: HeldServer, async_asker: Asker) -> None:
    soon, later = async_asker.ask_at_once(a=0.5, b=60)
    batch = held.next()

    late = error(soon)
    batch.release()

    assert late.code == "DEADLINE_EXCEEDED"
    assert (batch.roles, batch.seconds > 30) == (["a", "b"], True)
    assert ids([later]) == ["b"]


async def test_a_check_that_ends_while_it_is_taken_is_not_on_its_way() -> None:
    batched = async_batching.AsyncBatchedChecks(None)  # type: ignore[arg-type]  # nothing is sent
    lane = batched._lanes.of(None)
    ended = async_batching._Check(query(ALICE, "a"), 1, 0, 10, asyncio.get_running_loop().create_future())
    ended.outcome.cancel()

    lane.add(ended)
    batched._send_next(lane)

    assert lane.is_idle


def test_no_timer_is_left_behind(held: HeldServer, async_asker: Asker) -> None:
    first = async_asker.ask("a")
    call = held.next()
    others = waiting(async_asker, "b", "c")
    held.let_pass()

    others[0].cancel()
    others[1].cancel()
    call.release()

    assert ids([first]) == ["a"]
    wait_until(lambda: not async_asker.batched._timers)


def test_cancelling_a_lone_check_ends_its_call_and_the_next_one_is_sent_at_once(
    held: HeldServer, async_asker: Asker
) -> None:
    lone = async_asker.ask("a")
    call = held.next()
    lone.cancel()
    ended = call.ended.wait(PATIENCE_SECONDS)
    wait_until(lambda: len(async_asker.batched._lanes) == 0)

    second = async_asker.ask("b")
    held.next().release()

    assert ended
    assert ids([second]) == ["b"]


def test_a_thread_that_is_interrupted_does_not_keep_its_batch(server: tuple[HeldServer, str]) -> None:
    held, asker = server[0], Asker("sync", server[1])
    batched = asker.batched
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c")
    lane = batched._lanes.of(None)
    interrupted = batching._Check(query(ALICE, "d"), time.monotonic() + 3_600, 10)
    with batched._lock:
        lane.add(interrupted)

    call.release()  # the interrupted thread has the latest deadline, so it is chosen to send the batch
    assert interrupted.woken.wait(PATIENCE_SECONDS)
    batched._leave(lane, interrupted)
    batch = held.next()
    batch.release()

    assert batch.roles == ["b", "c"]
    assert ids([first, *others]) == ["a", "b", "c"]
    asker.close()


@pytest.mark.parametrize("seed", range(3))
def test_nothing_waits_for_ever_under_a_random_load(held: HeldServer, asker: Asker, seed: int) -> None:
    random = Random(seed)
    held.let_pass()
    names = [f"role-{number}" for number in range(400)]
    for place in random.sample(range(len(names)), 40):
        names[place] = REFUSED

    answers = []
    for name in names:
        timeout = random.choice((0.0005, 0.005, 60, 60, 60))
        freshness = random.choice((None, None, d.Consistency(fully_consistent=True)))
        answers.append((name, asker.ask(name, timeout=timeout, consistency=freshness)))
        if random.random() < 0.1:
            random.choice(answers)[1].cancel()
    outcomes = [(name, outcome_of(answer)) for name, answer in answers]

    assert all(outcome in (name, "DEADLINE_EXCEEDED", "CANCELLED", "INVALID_ARGUMENT") for name, outcome in outcomes)
    assert {outcome for name, outcome in outcomes if name == REFUSED} <= {
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "CANCELLED",
    }
    assert sum(outcome == name for name, outcome in outcomes) > 100
    wait_until(lambda: len(asker.batched._lanes) == 0)
    assert ids([asker.ask("last")]) == ["last"]
