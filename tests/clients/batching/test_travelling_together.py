"""Which checks travel together, of both clients, to a server that answers when the test wants."""

from __future__ import annotations

import pytest

from rolecall_client import async_batching, batching, gathering
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.batching.answers import ids, waiting
from tests.clients.batching.held_server import Asker, HeldServer
from tests.storage.waiting import wait_until


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
