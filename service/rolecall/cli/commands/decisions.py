"""`decisions`: read and filter the decision log. It needs no server."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Annotated, TypeAlias

import typer

from rolecall.cli.decision_log.files import LogLine, log_lines
from rolecall.cli.decision_log.record import LoggedDecision, NotADecisionError, read_decision
from rolecall.cli.failure import FAILED, OK, CommandError
from rolecall.cli.options.shared import Output
from rolecall.cli.problems.problem import Location, Problem
from rolecall.engine.clock import now_micros

MAX_REPORTED_LINES = 10

_AGE = re.compile(r"([0-9]{1,9})([smhd])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Filter: TypeAlias = Callable[[LoggedDecision], bool]
PrintDecision: TypeAlias = Callable[[LoggedDecision], None]

FileArgument = Annotated[
    str,
    typer.Argument(metavar="FILE", help="The log, including its rotated files FILE.1, FILE.2, …; `-`: standard input."),
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Continue with new decisions as they are logged, across rotations.")
]
DeniedOption = Annotated[bool, typer.Option("--denied", help="Only decisions that denied.")]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="REASON", help="Only decisions with this reason: IMPLICIT_DENY, …")
]
RoleOption = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="Only decisions on this role: an ARN, ACCOUNT/NAME or NAME.")
]
AsOption = Annotated[
    str, typer.Option("--as", metavar="WHO", help="Only decisions on this principal or identity provider.")
]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only decisions since this time (2026-01-31T08:00:00Z), or of at most this age: 15m, 2h.",
    ),
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=0, help="Print at most the last N matching decisions; 0: all.")
]
FormatOption = Annotated[
    Output, typer.Option("--output", "-o", help="A table for people, or the lines of the log, which are JSON.")
]


def decisions(
    file: FileArgument,
    follow: FollowOption = False,
    denied: DeniedOption = False,
    reason: ReasonOption = "",
    role: RoleOption = "",
    who: AsOption = "",
    since: SinceOption = "",
    limit: LimitOption = 100,
    output: FormatOption = Output.TABLE,
) -> None:
    """Read and filter the decision log of a server.

    Prints the last matching decisions, oldest first. Lines that are not decisions are reported on standard error and counted; exit
    code 2 if there is no other line.
    """
    from rolecall.cli.render.decision_log import line_printer, row_printer

    matches = _all([*_outcome(denied=denied, reason=reason), *_role_and_principal(role, who), *_times(since)])
    log = _LogReader(matches)
    printer = _LastDecisions(row_printer() if output is Output.TABLE else line_printer(), limit)
    try:
        for line in log_lines(file, follow=follow):
            if line is None:
                printer.catch_up()
            elif decision := log.matching_decision(line):
                printer.add(decision)
        printer.catch_up()
    finally:
        log.report_bad_lines()
    printer.report_limit(log.matching)
    raise typer.Exit(FAILED if log.bad and not log.has_decisions else OK)


class _LogReader:
    """Reads the decisions of a log, counts its lines, and reports those that are not decisions."""

    def __init__(self, matches: Filter) -> None:
        self._matches = matches
        self.bad = self.matching = 0
        self.has_decisions = False

    def matching_decision(self, line: LogLine) -> LoggedDecision | None:
        """Return the decision of a line if it matches the filter."""
        try:
            decision = read_decision(line.data)
        except NotADecisionError as error:
            self._report(line, str(error))
            return None
        self.has_decisions = True
        if not self._matches(decision):
            return None
        self.matching += 1
        return decision

    def report_bad_lines(self) -> None:
        """Report how many lines were not decisions, if any."""
        if self.bad:
            lines = "1 line is not a decision" if self.bad == 1 else f"{self.bad:,} lines are not decisions"
            sys.stderr.write(f"skipped: {lines}\n")

    def _report(self, line: LogLine, message: str) -> None:
        from rolecall.cli.problems.reports import report_problems

        self.bad += 1
        if self.bad <= MAX_REPORTED_LINES:
            sys.stdout.flush()
            report_problems(
                [Problem(location=Location(line.file, line.number, 1), message=message, severity="warning")]
            )


class _LastDecisions:
    """Prints the last decisions of an existing log, and then each new one."""

    def __init__(self, print_decision: PrintDecision, limit: int) -> None:
        self._print, self._limit = print_decision, limit
        self._last: deque[LoggedDecision] | None = deque(maxlen=limit) if limit else None

    def add(self, decision: LoggedDecision) -> None:
        """Print a new decision; store one of the existing log until `catch_up`."""
        if self._last is None:
            self._print(decision)
        else:
            self._last.append(decision)

    def catch_up(self) -> None:
        """Print the last decisions of the existing log; from now on `add` prints at once."""
        for decision in self._last or ():
            self._print(decision)
        self._last = None
        sys.stdout.flush()

    def report_limit(self, matching: int) -> None:
        """Report that the limit left decisions out, if it did."""
        if self._limit and matching > self._limit:
            sys.stderr.write(f"these are the last {self._limit:,} of {matching:,} decisions; --limit 0 shows all\n")


def _all(conditions: Iterable[Filter]) -> Filter:
    tests = list(conditions)
    return lambda decision: all(test(decision) for test in tests)


def _outcome(*, denied: bool, reason: str) -> Iterable[Filter]:
    from rolecall.engine.decision import Reason

    if denied:
        yield lambda decision: not decision.allowed
    if reason:
        name = reason.upper().replace("-", "_").removeprefix("DECISION_REASON_")
        if name not in Reason.__members__:
            raise CommandError(
                f"--reason `{reason}` is not a reason", hint=f"the reasons are {', '.join(Reason.__members__)}"
            )
        yield lambda decision: decision.reason == name


def _role_and_principal(role: str, who: str) -> Iterable[Filter]:
    if role:
        key = role.partition(":role/")
        wanted = f"{key[0].rpartition(':')[2]}/{key[2]}".lower() if key[1] else role.lower()
        yield lambda decision: decision.role_key == wanted or decision.role_key.partition("/")[2] == wanted
    if who:
        wanted_who = _canonical(who)
        yield lambda decision: decision.who == wanted_who


def _canonical(who: str) -> str:
    """Return a principal as the log spells it: a role session as its role."""
    from rolecall.policy.errors import InvalidPrincipalError
    from rolecall.policy.principal import principal_of_request

    try:
        return str(principal_of_request(who))
    except InvalidPrincipalError:
        return who


def _times(since: str) -> Iterable[Filter]:
    if since:
        from rolecall.policy.wording import rfc3339

        earliest = rfc3339(_parse_since(since, now_micros()), timespec="microseconds")
        yield lambda decision: decision.time >= earliest


def _parse_since(text: str, now: int) -> int:
    from rolecall.policy.readers import read_date

    if age := _AGE.fullmatch(text):
        return max(0, now - int(age[1]) * _UNIT_SECONDS[age[2]] * 1_000_000)
    try:
        return read_date(text)
    except ValueError:
        hint = "give a time such as 2026-01-31T08:00:00Z, or an age such as 90s, 15m, 2h or 7d"
        raise CommandError(f"--since `{text}` is not a time", hint=hint) from None
