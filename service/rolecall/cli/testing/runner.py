"""Run test cases: decide their requests, and compare the decisions with what they expect."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rolecall.cli.problems.problem import Problem, ProblemsError
from rolecall.cli.sources import UnknownRole
from rolecall.cli.testing.cases import Case, Suite
from rolecall.cli.testing.expectations import failure_of, missing_role_hint
from rolecall.cli.testing.requests import request_of, request_problems
from rolecall.cli.testing.results import Result
from rolecall.cli.testing.role_set import RoleSet, RoleSetBuilder
from rolecall.cli.testing.suites import Collection
from rolecall.engine.decision import Reason
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.explanation import Explanation, explain_decision
from rolecall.engine.request import AssumeRoleRequest

ISSUER = "oidc:iss"


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """A case with its parsed request, ready to run."""

    suite: Suite
    case: Case
    role_set: RoleSet
    request: AssumeRoleRequest


@dataclass(frozen=True, slots=True)
class Prepared:
    """The cases that can run, how many cannot, and every problem of any file, role or case, which are the reasons."""

    cases: tuple[PreparedCase, ...]
    not_run: int
    problems: tuple[Problem, ...]


def prepare(collection: Collection, builder: RoleSetBuilder) -> Prepared:
    """Return every case with its request; raise `ProblemsError` if there are problems and no case can run.

    A case about a role that has a problem does not run: it would be denied as one about a role that does not exist.
    """
    prepared: list[PreparedCase] = []
    problems = list(collection.problems)
    for suite in collection.suites:
        role_set = builder.role_set(suite.roles)
        for case in suite.cases:
            try:
                request = request_of(case, role_set)
            except ProblemsError as error:
                problems += error.problems
                continue
            if request.role_key in role_set.roles or (role_set.complete and not collection.problems):
                prepared.append(PreparedCase(suite, case, role_set, request))
    all_problems = tuple(dict.fromkeys([*builder.problems, *problems]))
    if all_problems and not prepared:
        raise ProblemsError(all_problems)
    return Prepared(tuple(prepared), sum(len(suite.cases) for suite in collection.suites) - len(prepared), all_problems)


def run(
    prepared: Iterable[PreparedCase],
    problems: list[Problem],
    *,
    now: int,
    unknown: Sequence[UnknownRole],
    traced: bool,
    issuer: str = "",
) -> Iterator[Result]:
    """Yield the result of each case that the engine does not refuse; add the problems of the others to `problems`.

    With `traced`, results have every statement that applies; `issuer` is that of manifests.
    """
    for each in prepared:
        try:
            yield _result(each, now=now, unknown=unknown, traced=traced, issuer=issuer)
        except InvalidRequestError as error:
            problems += request_problems(error, each.case).problems


def _result(prepared: PreparedCase, *, now: int, unknown: Sequence[UnknownRole], traced: bool, issuer: str) -> Result:
    case, role_set, request = prepared.case, prepared.role_set, prepared.request
    began = time.perf_counter()
    at = now if case.time is None else case.time
    decision = role_set.point.check(request, at).decision
    role = role_set.roles.get(request.role_key)
    failure = failure_of(case, decision, role)
    explanation = explain_decision(role_set.point, request, at) if failure or traced else None
    hint = ""
    if decision.reason is Reason.ROLE_NOT_FOUND:
        hint = missing_role_hint(case, role_set, unknown) if failure else ""
    elif failure and case.who.startswith("k8s:") and ISSUER in decision.missing_keys and not issuer:
        hint = "the trust policy requires the issuer: give it with --oidc-issuer, or as a claim of the case"
    return Result(
        file=prepared.suite.file,
        case=case,
        decision=decision,
        role=role,
        time=at,
        seconds=time.perf_counter() - began,
        failure=failure,
        hint=hint,
        explanation=explanation if failure else None,
        applied=_applied(explanation),
    )


def _applied(explanation: Explanation | None) -> frozenset[int]:
    traces = explanation.statements if explanation else ()
    return frozenset(trace.statement.index for trace in traces if trace.applies)
