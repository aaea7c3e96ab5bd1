"""`apply`: make the roles of a server match the declaration files, in one atomic write."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.options import Connection, Output, OutputOption, ReasonOption, expanded, pairs
from rolecall.cli.problem import Location, Problem, ProblemsError
from rolecall.cli.remote import connect
from rolecall.cli.terminal import console, print_json, record

if TYPE_CHECKING:
    from rolecall.cli.declarations import DeclaredRole
    from rolecall_client.errors import RolecallError, Violation
    from rolecall_client.v1.role_pb2 import RoleDeclaration

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
PruneOption = Annotated[
    str | None,
    typer.Option(
        "--prune",
        metavar="KEY=VALUE[,...]",
        help="Delete the roles that have all of these tags and are not declared. Without this option nothing is deleted.",
    ),
]
PruneAccountOption = Annotated[
    list[str],
    typer.Option(
        "--prune-account",
        metavar="ID",
        help="With --prune: an account, an id or an alias, in which roles are deleted; default: those of the declared roles.",
    ),
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


@expanded
def apply(
    file: FileOption,
    connection: Connection,
    dry_run: DryRunOption = False,
    prune: PruneOption = None,
    prune_account: PruneAccountOption = [],  # noqa: B006 - typer copies it
    reason: ReasonOption = "",
    source: SourceOption = "",
    request_id: RequestIdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the roles match the declaration files.

    All changes are one atomic write. Applying the same files twice changes nothing.
    """
    from rolecall.cli.declarations import read_declarations
    from rolecall_client.client import APPLY_TIMEOUT_SECONDS

    selector = None if prune is None else pairs(prune.split(","), "--prune")
    declared = read_declarations(file)
    accounts = {*(role.message.account_id for role in declared), *prune_account}
    with connect(connection, accounts=accounts) as client, errors_in_files(declared), _progress(declared) as messages:
        response = client.apply_roles(
            messages,
            prune_tags=selector,
            prune_account_ids=prune_account,
            validate_only=dry_run,
            change_reason=reason,
            source=source,
            request_id=request_id,
            timeout=connection.timeout or APPLY_TIMEOUT_SECONDS,
        )
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.changes import show_changes

        show_changes(response.changes, dry_run=dry_run)


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
        raise ProblemsError([*problems, *_not_shown(error)]) from None


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
    return Problem(
        location=location,
        message=f"{name}: {where}: {_sentence(violation, name)}",
        reason=violation.reason,
        pointer=violation.pointer,
    )


def _sentence(violation: Violation, name: str) -> str:
    """Return the server's message without the position and the role, which a problem of a file states itself."""
    at = f"{violation.line}:{violation.column}: "
    return violation.message.removeprefix(at).removeprefix(f"{name}: ")


def _not_shown(error: RolecallError) -> Iterator[Problem]:
    total = error.metadata.get("total_violations")
    more = int(total) - len(error.violations) if total and total.isdigit() else 0
    if more > 0:
        yield Problem(
            location=Location("rolecall"),
            severity="note",
            message=f"the server found {more} more; correct these and apply again",
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
