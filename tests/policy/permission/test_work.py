"""The estimated work of an access: it grows with the policies and with what is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rolecall.policy.evaluator import Outcome
from rolecall.policy.permission.access import read_access
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.evaluator import estimated_access_work
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from rolecall.policy.permission.work import PermissionWork
from rolecall.policy.wildcard import CharacterPlaces
from rolecall.policy.work import LONG_WORK, WORK_BUDGET
from tests.policy.permission.examples import ROLE, JsonValue, compiled, document, evaluated, policy, statement

WIDE = ["ram:*" + "a*" * 15] * 3


def work(
    *statements: JsonValue, action: str = "ram:GetRole", resource: str = ROLE, values: tuple[str, ...] = ()
) -> int:
    read = policy(*statements).statements
    keys = sorted({condition.key for found in read for condition in found.conditions})
    return PermissionWork.of(read, keys).estimate(action, resource, [values] * len(keys))


def test_every_part_of_a_policy_takes_work() -> None:
    plain = work(statement())

    assert plain < work(statement(), statement())
    assert plain < work(statement(Action="ram:*?et*?ole"))
    assert plain < work(statement(Resource=["acs:ram:*:*:*a*?b"]))
    assert work(statement(Resource="acs:ram:*:1:role/x")) < work(
        statement(Resource="acs:ram:*:1:role/x", Effect="Deny")
    )
    assert plain < work(statement(Condition={"StringLike": {"acs:SourceVpc": "*a"}}))


def test_longer_questions_take_more_work() -> None:
    wild = statement(
        Action="*:*?a?b*", Resource="acs:ram:*:*:*?a?b*", Condition={"StringLike": {"acs:SourceVpc": "*a*?b"}}
    )

    assert work(wild) < work(wild, action="ram:" + "a" * 100)
    assert work(wild) < work(wild, resource=ROLE + "a" * 1_000)
    assert work(wild) < work(wild, values=("v" * 100,) * 3)


def test_a_pattern_that_is_repeated_is_compared_once() -> None:
    assert work(statement(Action=["*:a*?b"])) == work(statement(Action=["*:a*?b"] * 20))


def test_patterns_of_resources_share_the_places_of_characters() -> None:
    computed: list[str] = []

    class Counted(CharacterPlaces):
        def __missing__(self, character: str) -> int:
            computed.append(character)
            return super().__missing__(character)

    hostile = [f"acs:oss:*:*:*?a?{number}*?b*" for number in range(40)]
    (compiled_statement,) = compiled(*[statement(Action="oss:*", Resource=hostile)]).statements
    access = read_access("oss:GetObject", "acs:oss::1:" + "ab" * 500)

    compiled_statement.matches_resource(access._replace(places=Counted(access.relative_id)))

    assert "a" in computed
    assert len(computed) == len(set(computed))


def test_no_access_takes_more_work_than_the_largest() -> None:
    read = policy(statement(Action="*:*?a?b*", Resource="acs:*:*:*:*?a?b*")).statements
    whole = PermissionWork.of(read, [])

    assert whole.estimate("a" * 128, "a" * 2_048, []) == whole.largest


def test_ordinary_policies_are_evaluated_without_an_estimate() -> None:
    system = compile_permissions(list(SYSTEM_POLICIES.items()))

    assert system.work is None
    assert compiled(statement(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}})).work is None
    assert estimated_access_work(system, "ram:GetRole", ROLE, ()) == 0


@pytest.mark.parametrize(("over", "estimated"), [(0, False), (1, True)])
def test_policies_need_an_estimate_once_an_access_can_take_more_than_is_answered_at_once(
    monkeypatch: pytest.MonkeyPatch, over: int, estimated: bool
) -> None:
    largest = PermissionWork.of(policy(statement()).statements, []).largest
    monkeypatch.setattr("rolecall.policy.permission.compiler.LONG_WORK", largest - over)

    assert (compiled(statement()).work is not None) is estimated


def test_an_access_of_too_much_work_is_denied() -> None:
    permissions = compiled(statement())
    costly = PermissionWork.of(policy(statement()).statements, [])

    at_the_budget = replace(
        permissions, work=replace(costly, fixed=costly.fixed + WORK_BUDGET - costly.estimate("ram:GetRole", ROLE, []))
    )
    over_it = replace(permissions, work=replace(costly, fixed=WORK_BUDGET + 1))

    assert evaluated(at_the_budget).outcome is Outcome.ALLOW
    assert evaluated(over_it).outcome is Outcome.IMPLICIT_DENY


def test_the_largest_documents_of_a_principal_are_long_work() -> None:
    hostile = parse_permission_policy(document(*[statement(Resource=["acs:*:*:*:" + "*?a" * 12] * 2)] * 30))
    permissions = compile_permissions([(f"p{number}", hostile) for number in range(40)])

    assert estimated_access_work(permissions, "ram:GetRole", ROLE, ()) > LONG_WORK
