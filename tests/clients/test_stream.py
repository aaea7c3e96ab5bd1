"""The client's stream, against a real server, and against servers that end streams."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
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
def answering(answer: Answer) -> Iterator[RolecallClient]:
    class Servicer(decision_pb2_grpc.DecisionServiceServicer):
        def StreamCheckAssumeRole(self, requests: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
            return answer(requests, context)

    server = grpc.server(futures.ThreadPoolExecutor(4))
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with RolecallClient(f"127.0.0.1:{port}") as client:
        yield client
    server.stop(0).wait()


def echo(message: d.StreamCheckAssumeRoleRequest) -> d.StreamCheckAssumeRoleResponse:
    return d.StreamCheckAssumeRoleResponse(sequence=message.sequence, decision=d.Decision())


def test_a_stream_gives_the_answers_of_checks(client: RolecallClient) -> None:
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


def test_queries_are_read_no_further_ahead_than_asked(client: RolecallClient) -> None:
    read = itertools.count()
    answers = client.stream((query(ALICE, f"none-{next(read)}") for _ in itertools.count()), in_flight=10)

    for _ in range(25):
        next(answers)
    answers.close()  # type: ignore[attr-defined]

    assert next(read) <= 25 + 10


def test_what_a_stream_did_not_answer_is_put_on_the_next() -> None:
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


def test_a_server_that_never_answers_is_given_up() -> None:
    opened = itertools.count()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        next(opened)
        context.abort(grpc.StatusCode.UNAVAILABLE, "no")
        yield

    with answering(answer) as client, pytest.raises(RolecallError) as caught:
        list(client.stream([query(ALICE, "r")]))

    assert (caught.value.code, caught.value.message) == ("UNAVAILABLE", "no")
    assert next(opened) == MAX_ATTEMPTS


def test_another_error_ends_the_answers_at_once() -> None:
    opened = itertools.count()

    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        next(opened)
        yield echo(next(requests))
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")

    with answering(answer) as client, pytest.raises(RolecallError) as caught:
        list(client.stream([query(ALICE, "r")] * 2))

    assert (caught.value.code, next(opened)) == ("PERMISSION_DENIED", 1)


def test_a_stream_that_ends_too_early_is_no_answer() -> None:
    def answer(requests: Iterator[d.StreamCheckAssumeRoleRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        return iter(())

    with answering(answer) as client, pytest.raises(RolecallError) as caught:
        list(client.stream([query(ALICE, "r")]))

    assert caught.value.message == "the stream ended before every query was answered"


def test_an_error_of_the_callers_own_queries_is_its_own(client: RolecallClient) -> None:
    def queries() -> Iterator[d.AssumeRoleQuery]:
        yield query(ALICE, "none")
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        list(client.stream(queries(), in_flight=1))
