"""The cost of a decision without an RPC: evaluated, and cached."""

from __future__ import annotations

import time

from bench import fixture
from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import evaluate
from rolecall.policy.parser import parse_policy
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder

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
        "parse and compile": _compile(role),
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


def _compile(role: Role) -> float:
    def run(calls: int) -> None:
        for _ in range(calls):
            compile_policy(parse_policy(role.document))

    return _least(run, CALLS // 20)


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
