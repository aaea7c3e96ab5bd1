"""What the callers of a batch get when it, or one of its queries, is refused."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2

from tests.clients.batching.answers import error, ids, waiting
from tests.clients.batching.held_server import REFUSED, Asker, HeldServer


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
