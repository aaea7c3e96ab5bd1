"""`apply`: make the roles of a server match the declaration files, in one atomic write."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolecall.cli.failure import CHANGES, OK, CommandError
from rolecall.cli.linting.options import LintOptions
from rolecall.cli.options.prune_options import PruneOptions
from rolecall.cli.options.shared import Connection, Output, OutputOption, ReasonOption, expanded
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.remote.connection import chosen_connection, connect
from rolecall.cli.remote.server_violations import message_of, not_shown
from rolecall.cli.text.terminal import console, print_json, record
from rolecall.engine.clock import now_micros

if TYPE_CHECKING:
    from rolecall.cli.checks.role_check import AnyAccounts
    from rolecall.cli.declarations import DeclaredRole, DeclaredRoles
    from rolecall_client.client import RolecallClient
    from rolecall_client.errors import Violation
    from rolecall_client.v1.role_pb2 import ApplyRolesResponse, RoleDeclaration

PROGRESS_MIN_ROLES = 200
ROLES_PER_UPDATE = 100

_FIELD_PATH = re.compile(r"roles\[(?P<index>[0-9]+)\]\.(?P<field>\w+)", re.ASCII)

FileOption = Annotated[
    list[Path],
    typer.Option(
        "--file",
        "-f",
        metavar="PATH",
        help="A YAML or JSON file of roles (see `rolecall schema`), a directory of them, or `-` for standard input; repeatable.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check everything and show what would change, without writing.")
]
SourceOption = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="TEXT",
        help="Where the files come from, such as a repository and commit; stored with the revision.",
    ),
]
RequestIdOption = Annotated[
    str,
    typer.Option(
        "--request-id",
        metavar="UUID",
        help="Makes a retry safe: the same id returns the first result. Default: a new id.",
    ),
]


ExitCodeOption = Annotated[
    bool, typer.Option("--exit-code", help="With --dry-run: end with exit code 4 if something would change.")
]


@expanded
def apply(
    file: FileOption,
    connection: Connection,
    pruning: PruneOptions,
    linter: LintOptions,
    dry_run: DryRunOption = False,
    exit_code: ExitCodeOption = False,
    reason: ReasonOption = "",
    source: SourceOption = "",
    request_id: RequestIdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the roles match the declaration files.

    Every rule is checked before anything is sent. All changes are one atomic write. Applying the same files twice changes nothing.
    """
    from rolecall.cli.declarations import check_declarations

    if exit_code and not dry_run:
        raise CommandError("--exit-code is for a dry run", hint="add --dry-run")
    if linter != LintOptions() and not dry_run:
        raise CommandError("--lint-config, --suppress and --verbose are for a dry run", hint="add --dry-run")
    selector = pruning.selector
    checked = check_declarations(file, _accounts(connection), linter.linting(file, now_micros()) if dry_run else None)
    pruning.require_account(checked.roles)
    accounts = {*(role.message.account_id for role in checked.roles), *pruning.prune_account}
    write = _Write(
        roles=checked.roles,
        timeout=connection.timeout,
        fields={
            "prune_tags": selector,
            "prune_account_ids": pruning.prune_account,
            "change_reason": reason,
            "source": source,
            "request_id": request_id,
        },
    )
    with connect(connection, accounts=accounts) as client, errors_in_files(checked.roles):
        if selector is not None and not dry_run:
            found = write.send(client, dry_run=True).changes
            pruning.guard.require_few(found)
            pruning.guard.confirm(found)
        response = write.send(client, dry_run=dry_run)
    _show(response, checked if dry_run else None, output, verbose=linter.verbose)
    if dry_run:
        pruning.guard.require_few(response.changes)
        raise typer.Exit(CHANGES if exit_code and _changes_anything(response) else OK)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """One apply, which can be tried before it is made."""

    roles: Sequence[DeclaredRole]
    timeout: float | None
    fields: Mapping[str, Any]

    def send(self, client: RolecallClient, *, dry_run: bool) -> ApplyRolesResponse:
        """Send the roles, and return what changed, or with `dry_run` would change."""
        from rolecall_client.client import APPLY_TIMEOUT_SECONDS

        with _progress(self.roles) as messages:
            return client.apply_roles(
                messages, validate_only=dry_run, timeout=self.timeout or APPLY_TIMEOUT_SECONDS, **self.fields
            )


def _accounts(connection: Connection) -> AnyAccounts:
    """Return the names of accounts as the context in use has them; the server may have more."""
    from rolecall.cli.checks.role_check import AnyAccounts

    context = chosen_connection(connection).context
    return AnyAccounts(context.default_account, context.accounts) if context else AnyAccounts()


def _show(response: ApplyRolesResponse, dry_run: DeclaredRoles | None, output: Output, *, verbose: bool) -> None:
    """Show the changes, and those of a dry run with the findings of the linter."""
    if output is Output.JSON:
        print_json({**record(response), **(_findings(dry_run) if dry_run else {})})
        return
    from rolecall.cli.problems.reports import report_problems, report_suppressed
    from rolecall.cli.render.changes import show_changes

    if dry_run:
        report_problems(dry_run.findings)
        report_suppressed(dry_run.suppressed, listed=verbose)
    show_changes(response.changes, dry_run=dry_run is not None)


def _findings(checked: DeclaredRoles) -> Mapping[str, object]:
    return {
        "findings": [finding.record() for finding in checked.findings],
        "suppressed": [suppressed.record() for suppressed in checked.suppressed],
    }


def _changes_anything(response: ApplyRolesResponse) -> bool:
    from rolecall_client.v1.role_pb2 import CHANGE_KIND_UNCHANGED

    return any(change.kind != CHANGE_KIND_UNCHANGED for change in response.changes)


@contextmanager
def errors_in_files(declared: Sequence[DeclaredRole]) -> Iterator[None]:
    """Report violations of declared roles at their file, line and column."""
    from rolecall_client.errors import RolecallError

    try:
        yield
    except RolecallError as error:
        problems = [_problem_of(violation, declared) for violation in error.violations]
        if not problems or not any(problem.location.line for problem in problems):
            raise
        raise ProblemsError([*problems, *not_shown(error)]) from None


def _problem_of(violation: Violation, declared: Sequence[DeclaredRole]) -> Problem:
    path = _FIELD_PATH.match(violation.field)
    if path is None or int(path["index"]) >= len(declared):
        return Problem(location=Location(violation.field), message=violation.message, reason=violation.reason)
    role, field = declared[int(path["index"])], path["field"]
    if field == "assume_role_policy_document":
        # Line and column are those of the document that was sent; in the file it may be YAML, or indented.
        location = role.source.locate(violation.pointer, violation.line, violation.column)
        where = violation.pointer or "/"
    else:
        location, where = role.location_of(field), field
    name = f"role `{role.message.role_name}`"
    sentence = message_of(violation).removeprefix(f"{name}: ")
    # Without the name of the role, so that one unknown account is one problem, as for `RoleCheck`.
    message = f"account_id {sentence}" if field == "account_id" else f"{name}: {where}: {sentence}"
    return Problem(
        location=location,
        message=message,
        reason=violation.reason,
        pointer=violation.pointer,
    )


@contextmanager
def _progress(declared: Sequence[DeclaredRole]) -> Iterator[Iterable[RoleDeclaration]]:
    """Yield the messages to send; on a terminal, show a progress bar if there are many."""
    messages = [role.message for role in declared]
    out = console(sys.stderr)
    if len(messages) < PROGRESS_MIN_ROLES or not out.is_terminal:
        yield messages
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("sending", total=len(messages))

        def counted() -> Iterator[RoleDeclaration]:
            for number, message in enumerate(messages, start=1):
                yield message
                if not number % ROLES_PER_UPDATE:
                    progress.update(task, completed=number)
            # The server applies everything in one write, so there is no further progress to show.
            progress.update(task, description="applying", completed=len(messages))

        yield counted()
