"""The cost of a decision without an RPC: evaluated, cached, and the costliest that the budget of work allows."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from string import ascii_letters

from bench import fixture
from rolecall.engine.clock import now_micros
from rolecall.engine.decision import Answer
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import estimated_work, evaluate
from rolecall.policy.explaining.explain import explain
from rolecall.policy.explaining.near_miss import near_misses
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import Principal
from rolecall.policy.work import WORK_BUDGET
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.batch import CheckAnswers
from rolecall.transport.codecs.decision import QueryDecoder, encode_decision

REPEATS = 5
CALLS = 20_000


def measure() -> dict[str, float]:
    """Return CPU microseconds, the minimum of five repeats, because noise only adds time."""
    role = Role(
        role_id="1",
        account_id=fixture.ACCOUNT,
        role_name="keyed-0",
        document=fixture.keyed_document(0),
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(1),
    )
    point = DecisionPoint(Snapshot([role], revision=Revision(1)), DecisionOptions(), now_micros)
    request = QueryDecoder(Accounts()).read(fixture.keyed_query(0))
    return {
        "evaluation": _evaluation(role, request),
        "cache hit": _cache_hit(point, request),
        "answer": _answer(point.check(request, 0)),
        "answer with an end": _answer(_ending(point.check(request, 0))),
        "parse and compile": _compile(role),
        **_costliest(role, request.principal),
    }


def _evaluation(role: Role, request: AssumeRoleRequest) -> float:
    policy = compile_policy(parse_policy(role.document))
    values = tuple(map(request.keys.get, policy.keys))

    def run(calls: int) -> None:
        for _ in range(calls):
            evaluate(policy, request.principal, role.account_id, values, 0)

    return _least(run, CALLS)


def _cache_hit(point: DecisionPoint, request: AssumeRoleRequest) -> float:
    def run(calls: int) -> None:
        for _ in range(calls):
            point.check(request, 0)

    return _least(run, CALLS)


def _ending(answer: Answer) -> Answer:
    """Return the answer with a decision that ends."""
    return Answer(replace(answer.decision, valid_until=1_000_000_000), answer.served_from)


def _answer(answer: Answer) -> float:
    answers, answer = CheckAnswers(), answer._replace(encoded=encode_decision(answer.decision))

    def run(calls: int) -> None:
        for now in range(calls):
            answers.response(answer, b"0123456789ab-1f", now, revision=1, staleness=0, token="A" * 54)

    return _least(run, CALLS)


def _compile(role: Role) -> float:
    def run(calls: int) -> None:
        for _ in range(calls):
            compile_policy(parse_policy(role.document))

    return _least(run, CALLS // 20)


def _costliest(role: Role, principal: Principal) -> dict[str, float]:
    """Return the costs of hostile patterns with as many values as the budget allows."""
    pairs = [first + second for first in ascii_letters for second in ascii_letters]
    policy = parse_policy(_hostile_document(principal, [f"*{'?a' * 5}{pair}*b*" for pair in pairs[:256]]))
    compiled = compile_policy(policy)
    texts = [f"{'a' * 155}{number:04}" for number in range(100)]
    count = max(n for n in range(100) if estimated_work(compiled, [tuple(texts[:n])]) <= WORK_BUDGET)
    values = [tuple(texts[:count])]

    def evaluated(calls: int) -> None:
        for _ in range(calls):
            evaluate(compiled, principal, role.account_id, values, 0)

    def explained(calls: int) -> None:
        for _ in range(calls):
            near_misses(explain(parse_policy(policy.text), compiled, principal, role.account_id, values, 0), principal)

    return {"costliest evaluation": _least(evaluated, 5), "costliest explanation": _least(explained, 5)}


def _hostile_document(principal: Principal, patterns: list[str]) -> str:
    condition = {"StringLike": {"k": patterns}}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": str(principal)}}
    return json.dumps({"Version": "1", "Statement": [statement | {"Condition": condition}]})


def _least(run: object, calls: int) -> float:
    assert callable(run)
    least = float("inf")
    for _ in range(REPEATS):
        before = time.process_time_ns()
        run(calls)
        least = min(least, (time.process_time_ns() - before) / calls / 1_000)
    return round(least, 2)


if __name__ == "__main__":
    print(measure())
