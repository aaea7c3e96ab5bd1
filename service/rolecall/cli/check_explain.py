"""`check` and `explain`: may this principal assume this role? Of a server, or offline of a trust policy at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import DENIED, FAILED, OK, CommandError
from rolecall.cli.options import Connection, Output, OutputOption, expanded
from rolecall.cli.problem import Location, ProblemsError
from rolecall.cli.remote import client
from rolecall.cli.request import RequestOptions, offline_query, remote_query
from rolecall.cli.terminal import print_json, record

if TYPE_CHECKING:
    from rolecall_client.v1.decision_pb2 import (
        CheckAssumeRoleResponse,
        Consistency,
        Decision,
        ExplainAssumeRoleResponse,
    )

FullyConsistent = Annotated[
    bool,
    typer.Option(
        "--fully-consistent", help="Let the server read its store first. Without it: what it holds in memory."
    ),
]
AtLeastAsFresh = Annotated[
    str,
    typer.Option("--at-least-as-fresh", metavar="TOKEN", help="The consistency token of a write that must be seen."),
]
AtRevision = Annotated[
    int | None,
    typer.Option("--at-revision", metavar="N", min=1, help="Decide with the role as it was at this revision."),
]
Time = Annotated[
    str,
    typer.Option(
        "--time",
        metavar="TIME",
        help="Decide as if it were this time (`2026-12-24T18:00:00+08:00`, `...Z`); default: now.",
    ),
]


@expanded
def check(
    question: RequestOptions,
    connection: Connection,
    output: OutputOption = Output.TABLE,
    fully_consistent: FullyConsistent = False,
    at_least_as_fresh: AtLeastAsFresh = "",
) -> None:
    """Decide whether a principal may assume a role.

    Exit code 0: allowed, 1: denied, 2: the question could not be answered. With --policy no server is needed.
    """
    if question.policy:
        _require_server(fully_consistent or at_least_as_fresh)
        response = _check_offline(question)
    else:
        with client(connection) as asked:
            consistency = _consistency(fully_consistent, at_least_as_fresh)
            response = asked.check(remote_query(question, asked), consistency=consistency)
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.decision import show_decision

        show_decision(response.decision, question)
    raise _exit(response.decision)


@expanded
def explain(
    question: RequestOptions,
    connection: Connection,
    output: OutputOption = Output.TABLE,
    time: Time = "",
    at_revision: AtRevision = None,
    fully_consistent: FullyConsistent = False,
    at_least_as_fresh: AtLeastAsFresh = "",
) -> None:
    """Decide, and show why.

    Shows every statement, every condition, and the smallest change that would allow. Exit codes are those of `check`. With
    --policy no server is needed.
    """
    moment = _moment(time)
    if question.policy:
        _require_server(fully_consistent or at_least_as_fresh or at_revision is not None)
        response = _explain_offline(question, moment)
    else:
        with client(connection) as asked:
            response = asked.explain(
                remote_query(question, asked),
                consistency=_consistency(fully_consistent, at_least_as_fresh),
                at_revision=at_revision,
                assume_time=moment,
            )
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.explanation import show_explanation

        show_explanation(response, question)
    raise _exit(response.decision)


def _check_offline(question: RequestOptions) -> CheckAssumeRoleResponse:
    from rolecall import offline

    query, role = offline_query(question)
    with _engine_errors(question.policy):
        return offline.check(query, role)


def _explain_offline(question: RequestOptions, moment: datetime | None) -> ExplainAssumeRoleResponse:
    from rolecall import offline

    query, role = offline_query(question)
    now = None if moment is None else round(moment.timestamp() * 1_000_000)
    with _engine_errors(question.policy):
        return offline.explain(query, role, now=now)


@contextmanager
def _engine_errors(file: str) -> Iterator[None]:
    """Report what the engine of this process raises as that of a server is reported."""
    from rolecall.cli.policy_check import violation_problems
    from rolecall.engine.errors import EngineError
    from rolecall.policy.errors import InvalidPolicyError, PolicyError
    from rolecall.roles.errors import RoleError

    try:
        yield
    except InvalidPolicyError as error:
        raise ProblemsError(violation_problems(error, lambda _, line, column: Location(file, line, column))) from None
    except (PolicyError, RoleError, EngineError) as error:
        from rolecall.cli.reports import report_error
        from rolecall.transport.error_status import status_of
        from rolecall_client.errors import error_of_status

        report_error(error_of_status(status_of(error)))
        raise typer.Exit(FAILED) from None


def _consistency(fully_consistent: bool, token: str) -> Consistency | None:
    from rolecall_client.v1.decision_pb2 import Consistency

    if fully_consistent and token:
        raise CommandError("only one of --fully-consistent and --at-least-as-fresh may be given")
    if token:
        return Consistency(at_least_as_fresh=token)
    return Consistency(fully_consistent=True) if fully_consistent else None


def _require_server(asked: object) -> None:
    if asked:
        raise CommandError("--at-revision, --fully-consistent and --at-least-as-fresh ask a server; leave --policy out")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--time `{text}` is not a time", hint="write it as `2026-12-24T18:00:00Z`") from None
    if moment.tzinfo is None:
        raise CommandError(
            f"--time `{text}` has no zone", hint=f"write `{text}Z` for UTC, or add an offset such as +08:00"
        )
    return moment.astimezone(UTC)


def _exit(decision: Decision) -> typer.Exit:
    return typer.Exit(OK if decision.allowed else DENIED)
