"""`explain --policy FILE --action ACTION`: what a permission policy in a file says about one access, and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from rolecall.cli.checks.policy_check import violation_problems
from rolecall.cli.failure import DENIED, OK, CommandError
from rolecall.cli.options.shared import Output
from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.text.terminal import console, print_json
from rolecall.engine.clock import now_micros
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError
from rolecall.policy.evaluator import Outcome
from rolecall.policy.keys import CURRENT_TIME, PRINCIPAL_ARN, lookup_name
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.evaluator import evaluate_access
from rolecall.policy.permission.explain import explain_access
from rolecall.policy.permission.near_miss import near_misses_of_access
from rolecall.policy.permission.parser import parse_permission_policy

if TYPE_CHECKING:
    from rolecall.cli.options.request import ExplainedRequest
    from rolecall.policy.permission.document import PermissionPolicy

_OF_A_ROLE = ("role", "role_tag", "account_id", "claim", "external_id", "session_name", "source_identity", "duration")
"""The options that say nothing about an access."""


def explain_permission(options: ExplainedRequest, document: str, now: int | None, output: Output) -> typer.Exit:
    """Print what the permission policy `document` says about the access of the options; return how the command ends."""
    from rolecall.cli.render.access import AccessExplanation, access_record, print_access

    _refuse_options_of_a_role(options)
    policies = [(options.policy, _parsed(document, options.policy))]
    permissions = compile_permissions(policies)
    values = _values(options, permissions.keys)
    at = now_micros() if now is None else now
    try:
        traces = explain_access(policies, permissions, options.action, options.resource, values, at)
    except ValueError as error:
        raise CommandError(str(error)) from None
    explanation = AccessExplanation(
        action=options.action,
        resource=options.resource,
        evaluation=evaluate_access(permissions, options.action, options.resource, values, at),
        traces=traces,
        near_misses=near_misses_of_access(traces, options.action, options.resource),
    )
    if output is Output.JSON:
        print_json(access_record(explanation))
    else:
        print_access(console(sys.stdout), explanation)
    return typer.Exit(OK if explanation.evaluation.outcome is Outcome.ALLOW else DENIED)


def _refuse_options_of_a_role(options: ExplainedRequest) -> None:
    given = [name for name in _OF_A_ROLE if getattr(options, name)]
    if given:
        flag = f"--{given[0].replace('_', '-')}"
        raise CommandError(
            f"{flag} is about assuming a role", hint="leave it out with --action; keys are given by --context"
        )


def _parsed(document: str, file: str) -> PermissionPolicy:
    try:
        return parse_permission_policy(document)
    except InvalidPolicyError as error:
        raise ProblemsError(violation_problems(error, lambda _, line, column: Location(file, line, column))) from None


def _values(options: ExplainedRequest, keys: Sequence[str]) -> list[RequestedValues]:
    given = {lookup_name(key): tuple(values) for key, values in options.condition_keys.items()}
    if CURRENT_TIME in given:
        raise CommandError(f"--context cannot set `{CURRENT_TIME}`", hint="give the time with --time")
    if options.as_:
        given.setdefault(PRINCIPAL_ARN, (_principal_arn(options.as_),))
    return [given.get(key) for key in keys]


def _principal_arn(who: str) -> str:
    from rolecall.policy.principal import PrincipalKind, principal_of_request

    try:
        principal = principal_of_request(who)
    except InvalidPrincipalError as error:
        raise CommandError(f"--as: {error}") from None
    if principal.kind not in (PrincipalKind.USER, PrincipalKind.ROLE):
        raise CommandError(
            "--as: a permission policy is about users and role sessions", hint="name one, or leave --as out"
        )
    return str(principal)
