"""`callers explain`: whether a caller may do something by a callers file, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.callers.files import loaded
from rolecall.cli.failure import DENIED, OK, CommandError
from rolecall.cli.options.shared import Output, PlainOutputOption, lists
from rolecall.cli.text.terminal import add_row, console, marks, print_json, table, visible

if TYPE_CHECKING:
    from rolecall.callers.credential import Credential
    from rolecall.callers.declarations import CallersFile
    from rolecall.callers.rights import KnownCaller
    from rolecall.policy.permission.evaluator import AccessEvaluation
    from rolecall.policy.permission.explain import PermissionTrace

ActionArgument = Annotated[str, typer.Argument(metavar="ACTION", help="Such as `ram:CreateRole`.", show_default=False)]
ResourceArgument = Annotated[
    str, typer.Argument(metavar="[RESOURCE]", help="An ARN, or `*` for a call that names none.")
]
AsOption = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="IDENTITY",
        help="The caller: a SPIFFE id, a DNS name, `ISSUER SUBJECT` of a token, `token:SHA256`, `uid:NUMBER`, `local`, "
        "`local-admin` or `anonymous`.",
        show_default=False,
    ),
]
CallersOption = Annotated[
    str,
    typer.Option(
        "--callers", metavar="FILE|DIR", help="The callers file (`-`: standard input); default: a server without one."
    ),
]
AudienceOption = Annotated[
    list[str],
    typer.Option("--audience", metavar="TEXT", help="An audience of the token; default: all that the file names."),
]
ViaOption = Annotated[
    str, typer.Option("--via", metavar="IDENTITY", help="The client certificate beside which the token arrives.")
]
ContextOption = Annotated[
    list[str],
    typer.Option("--context", metavar="KEY=VALUE", help="A condition key of the access, such as acs:ResourceTag/team."),
]
SourceOption = Annotated[str, typer.Option("--source-ip", metavar="ADDRESS", help="Where the caller connects from.")]


def explain(
    action: ActionArgument,
    identity: AsOption,
    resource: ResourceArgument = "*",
    callers: CallersOption = "",
    audience: AudienceOption = [],  # noqa: B006
    via: ViaOption = "",
    context: ContextOption = [],  # noqa: B006
    source_ip: SourceOption = "",
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Show whether a caller may do something, and which statements decide.

    Exit code 0 if it may, 1 if not. The observe period of a server does not matter here. No server is needed.
    """
    from rolecall.callers.directory import CallerDirectory
    from rolecall.policy.evaluator import Outcome

    file = loaded(callers).file if callers else None
    credential = _credential("--as", identity, audience or _audiences(file))
    certificate = _credential("--via", via, ()) if via else None
    caller = CallerDirectory(file).caller(
        credential, source_ip=source_ip, secure=_is_secure(credential), certificate=certificate
    )
    keys = {key: tuple(values) for key, values in lists(context, "--context").items()}
    try:
        evaluation, traces = caller.explain(action, resource, keys), caller.trace(action, resource, keys)
    except ValueError as error:
        raise CommandError(str(error)) from None
    allowed = evaluation is not None and evaluation.outcome is Outcome.ALLOW
    if output is Output.JSON:
        print_json(_record(caller, action, resource, evaluation, traces))
    else:
        _show(caller, evaluation, traces)
    raise typer.Exit(OK if allowed else DENIED)


def _credential(option: str, identity: str, audiences: list[str] | tuple[str, ...]) -> Credential:
    from rolecall.callers.identities import InvalidIdentityError, credential_of

    try:
        return credential_of(identity, audiences)
    except InvalidIdentityError as error:
        raise CommandError(f"{option}: {error}") from None


def _audiences(file: CallersFile | None) -> tuple[str, ...]:
    entries = file.callers if file else ()
    return tuple(dict.fromkeys(entry.match.audience for entry in entries if entry.match.audience))


def _is_secure(credential: Credential) -> bool:
    """Return whether a caller of this kind connects over TLS."""
    from rolecall.callers.credential import CredentialKind

    return credential.kind in (CredentialKind.SPIFFE, CredentialKind.DNS, CredentialKind.OIDC, CredentialKind.TOKEN)


def _record(
    caller: KnownCaller,
    action: str,
    resource: str,
    evaluation: AccessEvaluation | None,
    traces: tuple[PermissionTrace, ...],
) -> dict[str, object]:
    return {
        "allowed": evaluation is not None and evaluation.outcome == "ALLOW",
        "outcome": _outcome(evaluation),
        "caller": caller.credential.identity,
        "action": action,
        "resource": resource,
        "principal": str(caller.principal) if caller.principal else "",
        "entries": list(caller.entries),
        "policies": list(caller.policies),
        "refusal": caller.granted.refusal,
        "missing_keys": list(evaluation.missing_keys) if evaluation else [],
        "statements": [_statement_record(trace) for trace in traces],
    }


def _statement_record(trace: PermissionTrace) -> dict[str, object]:
    return {
        "policy": trace.origin.policy,
        "index": trace.origin.index,
        "sid": trace.origin.sid,
        "effect": trace.statement.effect.value,
        "applies": trace.applies,
        "action_matches": trace.action_matched,
        "resource_matches": trace.resource_matched,
        "out_of_reach": trace.out_of_reach,
        "conditions": [{"clause": c.condition.clause, "holds": c.holds} for c in trace.conditions],
    }


def _outcome(evaluation: AccessEvaluation | None) -> str:
    return "IMPLICIT_DENY" if evaluation is None else evaluation.outcome.value


def _show(caller: KnownCaller, evaluation: AccessEvaluation | None, traces: tuple[PermissionTrace, ...]) -> None:
    out = console(sys.stdout)
    allowed = evaluation is not None and evaluation.outcome == "ALLOW"
    denied = f"{marks(out).no} DENIED  {_outcome(evaluation)}: {_why(caller, evaluation)}"
    headline = f"{marks(out).yes} ALLOWED" if allowed else denied
    out.print(headline, style="bold green" if allowed else "bold red", soft_wrap=True)
    for name, fact in (
        ("caller", caller.credential.identity),
        ("is", str(caller.principal) if caller.principal else ""),
        ("entries", ", ".join(caller.entries)),
        ("policies", ", ".join(caller.policies)),
        ("missing", ", ".join(evaluation.missing_keys) if evaluation else ""),
    ):
        if fact:
            out.print(f"  {name:<8} {visible(fact)}", soft_wrap=True)
    if traces:
        rows = table("POLICY", "STATEMENT", "EFFECT", "RESULT")
        for trace in traces:
            label = str(trace.origin.index) + (f" {trace.origin.sid}" if trace.origin.sid else "")
            add_row(rows, (trace.origin.policy, label, trace.statement.effect.value, _result(trace)))
        out.print(rows)


def _why(caller: KnownCaller, evaluation: AccessEvaluation | None) -> str:
    if caller.granted.refusal:
        return caller.granted.refusal
    if evaluation is None:
        return "no entry matches this caller"
    return "a Deny statement applies" if evaluation.outcome == "EXPLICIT_DENY" else "no Allow statement applies"


def _result(trace: PermissionTrace) -> str:
    if trace.applies:
        return "applies"
    if trace.out_of_reach:
        return "actions `rolecall:` need a pattern that begins with `rolecall:`"
    if not trace.action_matched:
        return "another action"
    if not trace.resource_matched:
        return "another resource"
    failed = next(c for c in trace.conditions if not c.holds)
    return f"does not hold: {failed.condition.clause}"
