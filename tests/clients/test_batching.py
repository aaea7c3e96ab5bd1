"""Automatic batching, of both clients, against a server that answers when the test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from random import Random

import pytest
from google.rpc import code_pb2

from rolecall_client import RolecallError, async_batching, batching, gathering, query
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.held_server import REFUSED, Asker, HeldServer, held_server
from tests.clients.recording_sink import PATIENCE_SECONDS
from tests.clients.test_client import ALICE
from tests.storage.waiting import wait_until

Answers = list[Future[d.CheckAssumeRoleResponse]]


@pytest.fixture
def server() -> Iterator[tuple[HeldServer, str]]:
    with held_server() as running:
        yield running


@pytest.fixture
def held(server: tuple[HeldServer, str]) -> HeldServer:
    return server[0]


@pytest.fixture(params=["sync", "async"])
def asker(request: pytest.FixtureRequest, server: tuple[HeldServer, str]) -> Iterator[Asker]:
    asker = Asker(request.param, server[1])
    yield asker
    server[0].let_pass()
    asker.close()


@pytest.fixture(autouse=True)
def gathers_until_a_return(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks wait for a return however long it takes."""
    for module in (batching, async_batching):
        monkeypatch.setattr(module, "GATHER_SECONDS", 3_600.0)


def waiting(asker: Asker, *roles: str, timeout: float = 60) -> Answers:
    """Start checks, and return when they wait."""
    answers = []
    for role in roles:
        expected = asker.waiting + 1
        answers.append(asker.ask(role, timeout=timeout))
        wait_until(lambda expected=expected: asker.waiting == expected)  # type: ignore[misc]
    return answers


def ids(answers: Answers) -> list[str]:
    return [answer.result(PATIENCE_SECONDS).decision.decision_id for answer in answers]


def error(answer: Future[d.CheckAssumeRoleResponse]) -> RolecallError:
    raised = answer.exception(PATIENCE_SECONDS)
    assert isinstance(raised, RolecallError)
    return raised


def test_a_lone_check_is_sent_at_once_by_itself(held: HeldServer, asker: Asker) -> None:
    answer = asker.ask("a")

    call = held.next()
    call.release()

    assert (call.kind, call.roles) == ("check", ["a"])
    assert ids([answer]) == ["a"]
    assert len(asker.batched._lanes) == 0


def test_checks_that_come_while_one_is_on_its_way_travel_as_one_batch(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c", "d")

    call.release()
    batch = held.next()
    batch.release()

    assert (batch.kind, batch.roles) == ("batch", ["b", "c", "d"])
    assert ids([first, *others]) == ["a", "b", "c", "d"]
    assert others[0].result().consistency_token == "token"
    wait_until(lambda: len(asker.batched._lanes) == 0)


def test_one_check_that_waited_travels_as_a_check(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b")

    call.release()
    second = held.next()
    second.release()

    assert (second.kind, second.roles) == ("check", ["b"])
    assert ids([first, *others]) == ["a", "b"]


def test_checks_of_one_turn_of_the_event_loop_travel_together(server: tuple[HeldServer, str]) -> None:
    asker = Asker("async", server[1])

    answers = asker.ask_at_once(a=60, b=60, c=60)
    call = server[0].next()
    call.release()

    assert (call.kind, call.roles) == ("batch", ["a", "b", "c"])
    assert ids(answers) == ["a", "b", "c"]
    asker.close()


def test_others_do_not_wait_for_an_answer_that_takes_long(
    held: HeldServer, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asker.ask("slow")
    slow = held.next()
    for module in (batching, async_batching):
        monkeypatch.setattr(module, "GATHER_SECONDS", 0.001)

    second = asker.ask("b")
    held.next().release()

    assert ids([second]) == ["b"]
    assert not first.done()
    slow.release()
    assert ids([first]) == ["slow"]


def test_many_calls_on_their_way_do_not_make_many_small_batches(
    held: HeldServer, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asker.ask("slow")
    slow = held.next()
    for module in (batching, async_batching):
        monkeypatch.setattr(module, "GATHER_SECONDS", 0.001)
    second = asker.ask("b")
    quick = held.next()
    for module in (batching, async_batching):
        monkeypatch.setattr(module, "GATHER_SECONDS", 3_600.0)
    others = waiting(asker, "c", "d")

    quick.release()
    answered = ids([second])
    still_waiting = asker.waiting
    slow.release()
    batch = held.next()
    batch.release()

    assert answered == ["b"]
    assert still_waiting == 2
    assert batch.roles == ["c", "d"]
    assert ids([first, *others]) == ["slow", "c", "d"]


def test_a_batch_has_a_limited_number_of_queries_and_the_others_travel_beside_it(
    held: HeldServer, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker.batched._lanes.max_queries = 2
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c", "d", "e", "f")

    call.release()
    calls = sorted((held.next() for _ in range(3)), key=lambda call: call.roles)
    for call in calls:
        call.release()

    assert [call.roles for call in calls] == [["b", "c"], ["d", "e"], ["f"]]
    assert ids([first, *others]) == ["a", "b", "c", "d", "e", "f"]


def test_a_batch_has_a_limited_number_of_bytes(held: HeldServer, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_BYTES", 130)
    first = asker.ask("a")
    call = held.next()
    long = "l" * 200
    others = waiting(asker, "b", "c", "d", long, "e")

    call.release()
    calls = [held.next() for _ in range(3)]
    for call in calls:
        call.release()

    assert sorted(call.roles for call in calls) == [["b", "c", "d"], ["e"], [long]]
    assert ids([first, *others]) == ["a", "b", "c", "d", long, "e"]


def test_a_limited_number_of_calls_is_on_its_way(
    held: HeldServer, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MAX_ON_THEIR_WAY", 2)
    asker.batched._lanes.max_queries = 1
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c", "d")

    call.release()
    second, third = held.next(), held.next()
    left = asker.waiting
    for call in (second, third):
        call.release()
    held.next().release()

    assert left == 1
    assert sorted(ids([first, *others])) == ["a", "b", "c", "d"]


def test_checks_with_another_consistency_travel_apart(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    fresh = asker.ask("b", consistency=d.Consistency(fully_consistent=True))
    other = held.next()
    same = waiting(asker, "c")
    later = [asker.ask("d", consistency=d.Consistency(fully_consistent=True))]
    wait_until(lambda: asker.waiting == 2)

    other.release()
    second = held.next()
    second.release()
    call.release()
    held.next().release()

    assert (second.roles, second.consistency.fully_consistent) == (["d"], True)
    assert ids([first, fresh, *same, *later]) == ["a", "b", "c", "d"]


def test_a_call_with_metadata_of_its_own_neither_waits_nor_is_waited_for(held: HeldServer, asker: Asker) -> None:
    own = [asker.ask("a", metadata=(("x-tenant", "1"),))]
    first = held.next()
    own.append(asker.ask("b", metadata=(("x-tenant", "2"),)))
    second = held.next()
    plain = asker.ask("c")
    third = held.next()

    for call in (first, second, third):
        call.release()

    assert [call.metadata.get("x-tenant") for call in (first, second, third)] == ["1", "2", None]
    assert ids([*own, plain]) == ["a", "b", "c"]


def test_the_error_of_one_query_is_raised_to_its_caller_only(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", REFUSED, "c")

    call.release()
    held.next().release()

    assert error(others[1]).code == "INVALID_ARGUMENT"
    assert ids([first, others[0], others[2]]) == ["a", "b", "c"]


def test_an_error_of_the_server_is_raised_to_every_caller_of_the_batch(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c")

    call.release()
    held.next().fail(code_pb2.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS", limit="1")
    errors = [error(answer) for answer in others]

    assert [(raised.code, raised.reason, raised.metadata["limit"]) for raised in errors] == [
        ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS", "1")
    ] * 2
    assert errors[0] is not errors[1]
    assert type(errors[0]) is type(errors[1])
    assert ids([first]) == ["a"]
    assert not held.has_call()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (code_pb2.UNIMPLEMENTED, ""),
        (code_pb2.INVALID_ARGUMENT, ""),
        (code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED"),
        (code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
        (code_pb2.RESOURCE_EXHAUSTED, ""),
    ],
)
def test_a_batch_that_is_refused_as_a_whole_is_asked_one_by_one(
    held: HeldServer, asker: Asker, code: int, reason: str
) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c")

    call.release()
    held.next().fail(code, reason)
    calls = [held.next(), held.next()]
    for call in calls:
        call.release()

    assert sorted((call.kind, call.roles) for call in calls) == [("check", ["b"]), ("check", ["c"])]
    assert ids([first, *others]) == ["a", "b", "c"]


def test_the_limit_of_the_server_is_learned(held: HeldServer, asker: Asker) -> None:
    first = asker.ask("a")
    call = held.next()
    others = waiting(asker, "b", "c", "d")

    call.release()
    held.next().fail(code_pb2.INVALID_ARGUMENT, "BATCH_SIZE", limit="2")
    held.let_pass()
    for _ in range(3):
        held.next().release()

    assert ids([first, *others]) == ["a", "b", "c", "d"]
    assert asker.batched._lanes.max_queries == 2


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

    assert 5 < call.seconds <= 7
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


@pytest.fixture
def async_asker(server: tuple[HeldServer, str]) -> Iterator[Asker]:
    asker = Asker("async", server[1])
    yield asker
    server[0].let_pass()
    asker.close()


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


def outcome_of(answer: Future[d.CheckAssumeRoleResponse]) -> str:
    """Return the id of the decision, or the code of the error."""
    try:
        return answer.result(PATIENCE_SECONDS).decision.decision_id
    except RolecallError as error:
        return error.code
    except CancelledError:
        return "CANCELLED"
