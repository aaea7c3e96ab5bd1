"""The stream of the client, against a real server and against servers that end streams."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.stream import MAX_ATTEMPTS
from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc, role_pb2
from tests.clients.test_client import ALICE, BOB, POLICY

Answer = Callable[[Iterator[d.StreamCheckAssumeRoleRequest], grpc.ServicerContext], Iterator[Any]]


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


@contextmanager
def streaming(answer: Answer) -> Iterator[str]:
    """Give the address of a server that answers each stream so."""

    class Servicer(decision_pb2_grpc.DecisionServiceServicer):
        def StreamCheckAssumeRole(self, requests: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
            return answer(requests, context)

    server = grpc.server(futures.ThreadPoolExecutor(4))
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


@contextmanager
def answering(answer: Answer) -> Iterator[RolecallClient]:
    with streaming(answer) as address, RolecallClient(address) as client:
        yield client


def echo(message: d.StreamCheckAssumeRoleRequest) -> d.StreamCheckAssumeRoleResponse:
    return d.StreamCheckAssumeRoleResponse(sequence=message.sequence, decision=d.Decision())


def test_a_stream_returns_the_decisions_of_checks(client: RolecallClient) -> None:
    client.create_role(role_pb2.CreateRoleRequest(role_name="streamed", assume_role_policy_document=POLICY))
    asked = [query(who, role) for who in (ALICE, BOB, "nonsense") for role in ("streamed", "nobody")]

    answers = list(client.stream(asked))

    assert [answer.sequence for answer in answers] == list(range(len(asked)))
    for question, answer in zip(asked[:4], answers, strict=False):
        assert answer.decision.reason == client.check(question).decision.reason
    assert [answer.WhichOneof("result") for answer in answers[4:]] == ["error", "error"]


@pytest.mark.parametrize(("count", "in_flight"), [(0, 8), (1, 8), (8, 8), (9, 8), (500, 1), (2_000, 256)])
def test_any_number_of_queries_is_answered_in_order(client: RolecallClient, count: int, in_flight: int) -> None:
    answers = client.stream((query(ALICE, "none") for _ in range(count)), in_flight=in_flight)

    assert [answer.sequence for answer in answers] == list(range(count))


def test_queries_are_read_at_most_in_flight_ahead(client: RolecallClient) -> None:
    read = itertools.count()
    answers = client.stream((query(ALICE, f"none-{next(read)}") for _ in itertools.count()), in_flight=10)

    for _ in range(25):
        next(answers)
    answers.close()  # type: ignore[attr-defined]

    assert next(read) <= 25 + 10


def test_unanswered_queries_are_sent_again_on_the_next_stream() -> None:
    streams: list[list[int]] = []

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        seen: list[int] = []
        streams.append(seen)
        for message in requests:
            if len(seen) == 3 and len(streams) < 4:
                context.abort(grpc.StatusCode.UNAVAILABLE, "stopping")
            seen.append(message.sequence)
            yield echo(message)

    with answering(answer) as client:
        answers = list(client.stream([query(ALICE, "r")] * 20, in_flight=5))

    assert [answer.sequence for answer in answers] == list(range(20))
    assert [seen[0] for seen in streams] == [0, 3, 6, 9]


def test_a_server_that_never_answers_is_an_error_after_some_attempts() -> None:
    opened = itertools.count()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        next(opened)
        context.abort(grpc.StatusCode.UNAVAILABLE, "no")
        yield

    with answering(answer) as client, pytest.raises(RolecallError) as caught:
        list(client.stream([query(ALICE, "r")]))

    assert (caught.value.code, caught.value.message) == ("UNAVAILABLE", "no")
    assert next(opened) == MAX_ATTEMPTS


def test_another_error_ends_the_stream_at_once() -> None:
    opened = itertools.count()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        next(opened)
        yield echo(next(requests))
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")

    with answering(answer) as client, pytest.raises(RolecallError) as caught:
        list(client.stream([query(ALICE, "r")] * 2))

    assert (caught.value.code, next(opened)) == ("PERMISSION_DENIED", 1)


def test_a_stream_that_ends_too_early_is_an_error() -> None:
    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        return iter(())

    with answering(answer) as client, pytest.raises(RolecallError) as caught:
        list(client.stream([query(ALICE, "r")]))

    assert caught.value.message == "the stream ended before every query was answered"


def test_an_error_of_the_callers_iterator_is_raised_unchanged(client: RolecallClient) -> None:
    def queries() -> Iterator[d.AssumeRoleQuery]:
        yield query(ALICE, "none")
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        list(client.stream(queries(), in_flight=1))


@pytest.mark.parametrize("in_flight", [1, 0, -5])
def test_at_least_one_query_is_in_flight(client: RolecallClient, in_flight: int) -> None:
    answers = list(client.stream([query(ALICE, "none")] * 3, in_flight=in_flight))

    assert [answer.sequence for answer in answers] == [0, 1, 2]


def unavailable_after(*answered: int) -> tuple[Answer, list[int]]:
    """Return an answer that ends each stream after the next of these numbers of queries, and the streams that it saw."""
    left, streams = list(answered), list[int]()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        most = left.pop(0) if left else 1_000
        streams.append(most)
        for number, message in enumerate(requests):
            if number == most:
                context.abort(grpc.StatusCode.UNAVAILABLE, "stopping")
            yield echo(message)

    return answer, streams


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses between streams, which end at once."""
    slept = list[float]()
    monkeypatch.setattr("rolecall_client.stream.time", SimpleNamespace(sleep=slept.append))
    return slept


def test_pauses_between_streams_grow_and_start_over_after_an_answer(pauses: list[float]) -> None:
    answer, streams = unavailable_after(0, 0, 0, 1, 0, 0)

    with answering(answer) as client:
        answers = list(client.stream([query(ALICE, "r")] * 5, in_flight=2))

    assert [answer.sequence for answer in answers] == [0, 1, 2, 3, 4]
    assert len(streams) == 7
    assert pauses == pytest.approx([0.05, 0.15, 0.45, 0.05, 0.15, 0.45])


def test_a_stream_that_fails_too_often_in_succession_is_an_error(pauses: list[float]) -> None:
    answer, streams = unavailable_after(2, 0, 0, 0, 0)

    with answering(answer) as client:
        answers = client.stream([query(ALICE, "r")] * 5, in_flight=2)
        first = [next(answers).sequence for _ in range(2)]
        with pytest.raises(RolecallError) as caught:
            next(answers)

    assert (first, caught.value.code, len(streams)) == ([0, 1], "UNAVAILABLE", 4)
    assert pauses == pytest.approx([0.05, 0.15, 0.45])


def test_every_query_is_sent_with_its_number() -> None:
    sent = list[d.StreamCheckAssumeRoleRequest]()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        for message in requests:
            sent.append(message)
            yield echo(message)

    with answering(answer) as client:
        list(client.stream([query(ALICE, "a"), query(BOB, "b")]))

    assert sent == [
        d.StreamCheckAssumeRoleRequest(sequence=0, query=query(ALICE, "a")),
        d.StreamCheckAssumeRoleRequest(sequence=1, query=query(BOB, "b")),
    ]


def test_leaving_the_answers_cancels_the_stream() -> None:
    ended = threading.Event()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(ended.set)
        for message in requests:
            yield echo(message)

    with answering(answer) as client:
        answers = client.stream(query(ALICE, "r") for _ in itertools.count())
        next(answers)
        answers.close()  # type: ignore[attr-defined]

        assert ended.wait(20)
