"""`check` and `explain`: may this principal assume this role? Decided by a server, or offline from a policy file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import DENIED, FAILED, NO_ROLE, OK, CommandError
from rolecall.cli.options.request import ExplainedRequest, RequestOptions, offline_query, remote_query, with_role_of
from rolecall.cli.options.shared import Output, OutputOption, RemoteOptions, expanded
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.remote.connection import connect, connect_to_check, context_without_server
from rolecall.cli.remote.near_names import has_no_role, nearest_role, report_names
from rolecall.cli.text.terminal import print_json, record

if TYPE_CHECKING:
    from rolecall.cli.sources.found import FoundPolicy, FoundRole
    from rolecall_client.v1.decision_pb2 import (
        CheckAssumeRoleResponse,
        Consistency,
        Decision,
        ExplainAssumeRoleResponse,
    )

FullyConsistent = Annotated[
    bool,
    typer.Option(
        "--fully-consistent", help="Let the server catch up with its store first; by default it decides from memory."
    ),
]
AtLeastAsFresh = Annotated[
    str,
    typer.Option(
        "--at-least-as-fresh",
        metavar="TOKEN",
        help="The consistency token of a write that the decision must take into account.",
    ),
]
AtRevision = Annotated[
    int | None,
    typer.Option("--at-revision", metavar="N", min=0, help="Decide with the role as of this revision."),
]
Time = Annotated[
    str,
    typer.Option(
        "--time",
        metavar="TIME",
        help="Decide as of this time (`2026-12-24T18:00:00+08:00`, `...Z`); default: now.",
    ),
]


@expanded
def check(
    request: RequestOptions,
    connection: RemoteOptions,
    output: OutputOption = Output.TABLE,
    fully_consistent: FullyConsistent = False,
    at_least_as_fresh: AtLeastAsFresh = "",
) -> None:
    """Decide whether a principal may assume a role.

    Exit code 0: allowed, 1: denied, 2: error, 3: denied, since there is no such role. With --policy no server is needed.
    """
    near = ""
    if request.policy:
        _refuse_server_options(fully_consistent or at_least_as_fresh)
        found = _policy(request)
        request = with_role_of(request, found)
        response = _check_offline(request, connection, found)
    else:
        with connect_to_check(request.connection(connection), accounts=request.accounts) as client:
            consistency = _consistency(fully_consistent, at_least_as_fresh)
            response = client.check(remote_query(request, client), consistency=consistency)
            near = nearest_role(client, request.role_on_server, response.decision)
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.decision import show_decision

        show_decision(response.decision, request)
    report_names(request.condition_keys, response.decision, near)
    raise _exit(response.decision)


@expanded
def explain(
    request: ExplainedRequest,
    connection: RemoteOptions,
    output: OutputOption = Output.TABLE,
    time: Time = "",
    at_revision: AtRevision = None,
    fully_consistent: FullyConsistent = False,
    at_least_as_fresh: AtLeastAsFresh = "",
) -> None:
    """Decide, and show why.

    Shows every statement, every condition, and the smallest change that would allow the request. Exit codes are those of `check`.
    With --policy no server is needed. A permission policy in that file is asked about --action and --resource.
    """
    at, near = _parse_time(time), ""
    if request.policy:
        _refuse_server_options(fully_consistent or at_least_as_fresh or at_revision is not None)
        found = _policy(request)
        if _is_about_access(request, found.document):
            from rolecall.cli.commands.explain_access import explain_permission

            raise explain_permission(request, found.document, _micros(at), output)
        request = with_role_of(request, found)
        response = _explain_offline(request, connection, found, at)
    else:
        _require(request)
        with connect(request.connection(connection), accounts=request.accounts) as client:
            response = client.explain(
                remote_query(request, client),
                consistency=_consistency(fully_consistent, at_least_as_fresh),
                at_revision=at_revision,
                assume_time=at,
            )
            near = nearest_role(client, request.role_on_server, response.decision)
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.explanation import show_explanation

        show_explanation(response, request, past=at_revision is not None)
    report_names(request.condition_keys, response.decision, near)
    raise _exit(response.decision)


def _policy(request: RequestOptions) -> FoundRole | FoundPolicy:
    from rolecall.cli.sources.one_policy import one_policy

    return one_policy(request.policy, request.role)


def _check_offline(
    request: RequestOptions, connection: RemoteOptions, found: FoundRole | FoundPolicy
) -> CheckAssumeRoleResponse:
    from rolecall import offline
    from rolecall.cli.checks.role_check import require_valid

    context = context_without_server(connection, request.server_context)
    query, role = offline_query(request, found, context)
    require_valid(found, context.accounts if context else {})
    with _engine_errors(found):
        return offline.check(query, role)


def _explain_offline(
    request: RequestOptions, connection: RemoteOptions, found: FoundRole | FoundPolicy, at: datetime | None
) -> ExplainAssumeRoleResponse:
    from rolecall import offline
    from rolecall.cli.checks.role_check import require_valid

    context = context_without_server(connection, request.server_context)
    query, role = offline_query(request, found, context)
    require_valid(found, context.accounts if context else {})
    with _engine_errors(found):
        return offline.explain(query, role, now=_micros(at))


def _micros(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1_000_000)


def _is_about_access(request: ExplainedRequest, document: str) -> bool:
    """Return whether the file has a permission policy; raise `CommandError` if the options do not fit its kind."""
    from rolecall.cli.sources.policies import policy_kind
    from rolecall.policy.kind import PolicyKind

    kind = policy_kind(document)
    if kind is PolicyKind.PERMISSION and not request.action:
        hint = "say what is asked: `--action ram:GetRole --resource acs:ram::ID:role/NAME`"
        raise CommandError(f"`{request.policy}` is a permission policy", hint=hint)
    if kind is PolicyKind.TRUST and request.action:
        raise CommandError(
            "--action is for permission policies", hint=f"leave it out: `{request.policy}` is a trust policy"
        )
    if not request.action:
        _require(request)
    return bool(request.action)


def _require(request: ExplainedRequest) -> None:
    """Raise `CommandError` if a request to assume a role has no principal, or options that only an access has."""
    if request.action or request.resource != "*":
        raise CommandError("--action and --resource need --policy with a permission policy")
    if not request.as_:
        raise CommandError("--as is missing", hint="name the principal, such as `--as acs:ram::ID:user/NAME`")


@contextmanager
def _engine_errors(found: FoundRole | FoundPolicy) -> Iterator[None]:
    """Report errors of the engine in this process in the same form as errors of a server."""
    from rolecall.cli.checks.policy_check import violation_problems
    from rolecall.engine.errors import EngineError
    from rolecall.policy.errors import InvalidPolicyError, PolicyError
    from rolecall.roles.errors import RoleError

    try:
        yield
    except InvalidPolicyError as error:
        raise ProblemsError(violation_problems(error, found.location_of)) from None
    except (PolicyError, RoleError, EngineError) as error:
        from rolecall.cli.problems.reports import report_error
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


def _refuse_server_options(given: object) -> None:
    if given:
        raise CommandError(
            "--at-revision, --fully-consistent and --at-least-as-fresh need a server; leave out --policy"
        )


def _parse_time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--time `{text}` is not a time", hint="write it as `2026-12-24T18:00:00Z`") from None
    if at.tzinfo is None:
        raise CommandError(
            f"--time `{text}` has no zone", hint=f"write `{at.isoformat()}Z` for UTC, or add an offset such as +08:00"
        )
    return at.astimezone(UTC)


def _exit(decision: Decision) -> typer.Exit:
    if has_no_role(decision):
        return typer.Exit(NO_ROLE)
    return typer.Exit(OK if decision.allowed else DENIED)
