"""Print problems and errors, by default on standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rolecall.cli.failure import CommandError
from rolecall.cli.problems.problem import Problem
from rolecall.cli.text.terminal import console, visible

if TYPE_CHECKING:
    from rich.console import Console

    from rolecall.cli.linting.judging import SuppressedProblem
    from rolecall_client.errors import RolecallError

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_CHANGES_MEANING = " (this can allow more than what is written)"
_WORDS = re.compile(r"\s+")


def report_failure(error: CommandError) -> None:
    """Print why a command cannot continue."""
    out = console(sys.stderr)
    _headline(out, error.message)
    _help(out, error.hint)


def report_error(error: RolecallError, address: str = "") -> None:
    """Print an error of the server, or of the engine in this process."""
    out = console(sys.stderr)
    _headline(out, _sentence(error, address), "" if error.violations else error.reason or error.code)
    for violation in error.violations:
        _violation(out, violation.field, violation.message, violation.reason)
    _cut_note(out, error)
    _help(out, _advice(error, address))
    if error.request_id and error.code in {"INTERNAL", "UNKNOWN"}:
        out.print(f"  request id: {visible(error.request_id)}", soft_wrap=True)


def report_hint(hint: str) -> None:
    """Print what to do next, beside an answer."""
    _help(console(sys.stderr), hint)


def report_problems(problems: Iterable[Problem], out: Console | None = None) -> None:
    """Print problems as a compiler does; those of a file that are equal are printed once, with all their locations."""
    from rolecall.cli.problems.problem_groups import grouped

    out = out or console(sys.stderr)
    for group in grouped(problems):
        _problem(out, group.first, group.also_at)


def report_suppressed(suppressed: Sequence[SuppressedProblem], *, listed: bool) -> None:
    """Print how many findings are accepted; `listed`: also the findings, with the reasons."""
    out = console(sys.stderr)
    if listed:
        list_suppressed(suppressed, out)
    if suppressed:
        out.print(f"{len(suppressed)} suppressed")


def list_suppressed(suppressed: Iterable[SuppressedProblem], out: Console) -> None:
    """Print findings that are accepted, with the reasons."""
    from rich.text import Text

    for each in suppressed:
        problem, why = each.problem, each.suppression
        until = f" (until {why.until})" if why.until else ""
        line = f"{problem.location}: suppressed {problem.severity}: {problem.message} [{problem.reason}]"
        out.print(Text(visible(line), style="dim"), soft_wrap=True)
        out.print(Text(f"  {_one_line(f'reason: {why.reason}{until}, {why.location}')}", style="dim"), soft_wrap=True)


def _problem(out: Console, problem: Problem, also_at: str) -> None:
    from rich.text import Text

    reason = f" [{problem.reason}]" if problem.reason else ""
    line = Text.assemble(
        (visible(f"{problem.location}: "), "bold"),
        (f"{problem.severity}: ", _STYLES[problem.severity]),
        visible(problem.message),
        (visible(reason), "dim"),
    )
    out.print(line, soft_wrap=True)
    if also_at:
        out.print(Text.assemble("  ", ("also at: ", "bold"), visible(also_at)), soft_wrap=True)
    _help(out, problem.hint + (_CHANGES_MEANING if problem.hint and problem.changes_meaning else ""))


def _headline(out: Console, message: str, reason: str = "") -> None:
    from rich.text import Text

    text = Text.assemble(("error: ", _STYLES["error"]), _one_line(message), (f" [{reason}]" if reason else "", "dim"))
    out.print(text, soft_wrap=True)


def _violation(out: Console, field: str, message: str, reason: str) -> None:
    from rich.text import Text

    text = Text.assemble(
        "  ", (visible(field), "bold"), f": {_one_line(message)}", (f" [{reason}]" if reason else "", "dim")
    )
    out.print(text, soft_wrap=True)


def _help(out: Console, hint: str) -> None:
    from rich.text import Text

    if hint:
        out.print(Text.assemble("  ", ("help: ", "bold cyan"), _one_line(hint)), soft_wrap=True)


def _cut_note(out: Console, error: RolecallError) -> None:
    total, shown = error.metadata.get("total_violations", ""), len(error.violations)
    if total.isdigit() and int(total) > shown:
        out.print(f"  and {int(total) - shown} more")


def _sentence(error: RolecallError, address: str) -> str:
    """Return the message of an error without its first violation, which is listed below it."""
    if error.code == "UNAVAILABLE" and not error.reason:
        return f"cannot reach {address}: {error.message}"
    if not error.violations:
        return error.message
    first = error.violations[0]
    return error.message.removesuffix(f"; {first.field}: {first.message}")


def _advice(error: RolecallError, address: str) -> str:
    if error.code == "UNAVAILABLE" and not error.reason:
        return f"is a server listening on {address}? start one with `rolecall serve`, or choose another with --address or --context"
    if error.code == "UNIMPLEMENTED" and not error.reason:
        return f"is the server on {address} a Rolecall of this version?"
    if error.code == "DEADLINE_EXCEEDED":
        return "wait longer with --timeout SECONDS"
    if error.reason == "STALE_ETAG":
        return "`rolecall role get` shows the role and its etag"
    return _advice_about_accounts(error)


def _advice_about_accounts(error: RolecallError) -> str:
    """Return what to do about a server without a default account."""
    without = [violation for violation in error.violations if "no default account" in violation.message]
    if not without:
        return ""
    here = "write the role as ACCOUNT/NAME" if without[0].field == "role" else "name the account with --account-id ID"
    return f"{here}, or give the server a default account: `rolecall serve --account-id ID`"


def _one_line(text: str) -> str:
    return visible(_WORDS.sub(" ", text))
