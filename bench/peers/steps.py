"""Measure the steps of a check one by one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from itertools import pairwise

from bench import fixture
from bench.peers import question
from bench.peers.systems.rolecall import query
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder, write_answer
from rolecall.transport.codecs.raw import RawCheckRequest, query_bytes
from rolecall_client.v1 import decision_pb2 as pb

NAMES = ("parse the message", "decode the query", "decide", "build the response", "serialize it")
_QUESTIONS = 2_000


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return microseconds for each step, for repeated and for new questions: medians over the rounds of medians."""
    point = DecisionPoint(Snapshot(_roles(), revision=Revision(1)), DecisionOptions(), time.time_ns)
    decoder = QueryDecoder(Accounts())
    taken: dict[str, list[list[float]]] = {"asked before": [], "never asked before": []}
    for round_ in range(rounds + 1):
        first = round_ * _QUESTIONS
        messages = [query(question.fresh(number)) for number in range(first, first + _QUESTIONS)]
        bodies = [pb.CheckAssumeRoleRequest(query=message).SerializeToString() for message in messages]
        for sort in ("never asked before", "asked before"):
            steps = _medians([_steps(body, point, decoder) for body in bodies])
            if round_:
                taken[sort].append(steps)
    return {sort: dict(zip(NAMES, _medians(rows), strict=True)) for sort, rows in taken.items()}


def _steps(body: bytes, point: DecisionPoint, decoder: QueryDecoder) -> list[float]:
    now = time.perf_counter_ns
    times = [now()]
    message = RawCheckRequest.FromString(body)
    times.append(now())
    request = decoder.request(query_bytes(message))
    times.append(now())
    answer = point.check(request, 0)
    times.append(now())
    response = pb.CheckAssumeRoleResponse(consistency_token="A" * 54)
    write_answer(response.decision, answer, "0123456789ab-1f", 1, now=0)
    times.append(now())
    response.SerializeToString()
    times.append(now())
    return [(after - before) / 1_000 for before, after in pairwise(times)]


def _medians(rows: Sequence[Sequence[float]]) -> list[float]:
    return [round(statistics.median(column), 2) for column in zip(*rows, strict=True)]


def _roles() -> list[Role]:
    return [
        Role(
            role_id=str(number),
            account_id=fixture.ACCOUNT,
            role_name=f"keyed-{number}",
            document=fixture.keyed_document(number),
            create_time=Micros(0),
            update_time=Micros(0),
            revision=Revision(1),
        )
        for number in range(fixture.ROLES)
    ]
