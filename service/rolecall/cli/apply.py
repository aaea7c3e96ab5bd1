"""`apply`: bring the roles of a server to what files declare, in one atomic write."""

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
from rolecall.cli.remote import client
from rolecall.cli.terminal import console, print_json, record

if TYPE_CHECKING:
    from rolecall.cli.declarations import DeclaredRole
    from rolecall_client.errors import RolecallError, Violation
    from rolecall_client.v1.role_pb2 import RoleDeclaration

SHOW_PROGRESS_FROM = 200
ROLES_A_STEP = 100

_ELEMENT = re.compile(r"roles\[(?P<index>[0-9]+)\]\.?(?P<field>\w*)(?P<pointer>/.*)?", re.ASCII | re.DOTALL)
_POLICY_MESSAGE = re.compile(r"(?P<pointer>/\S*?): (?P<message>.*)", re.DOTALL)
_LINE = re.compile(r" \(line (?P<line>[0-9]+), column (?P<column>[0-9]+)\)", re.ASCII)

FileOption = Annotated[
    list[Path],
    typer.Option(
        "--file",
        "-f",
        metavar="PATH",
        help="A YAML or JSON file of roles (see `rolecall schema`), or a directory of them; repeatable.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check everything and show what would change, but write nothing.")
]
PruneOption = Annotated[
    str | None,
    typer.Option(
        "--prune",
        metavar="KEY=VALUE[,...]",
        help="Delete roles that carry all of these tags and are not declared. Without it nothing is deleted.",
    ),
]
SourceOption = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="TEXT",
        help="Where the files come from (a repository and commit, say); kept with the revision.",
    ),
]
RequestIdOption = Annotated[
    str,
    typer.Option(
        "--request-id",
        metavar="UUID",
        help="Repeat an apply safely: the same id gives the first result. Default: a new one.",
    ),
]


@expanded
def apply(
    file: FileOption,
    connection: Connection,
    dry_run: DryRunOption = False,
    prune: PruneOption = None,
    reason: ReasonOption = "",
    source: SourceOption = "",
    request_id: RequestIdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Bring roles to what files declare.

    All of it in one write, or nothing; applying the same again changes nothing.
    """
    from rolecall.cli.declarations import read_declarations

    selector = None if prune is None else pairs(prune.split(","), "--prune")
    declared = read_declarations(file)
    with client(connection) as asked, errors_in_files(declared), _progress(declared) as messages:
        response = asked.apply_roles(
            messages,
            prune_tags=selector,
            validate_only=dry_run,
            change_reason=reason,
            source=source,
            request_id=request_id,
        )
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.changes import show_changes

        show_changes(response.changes, dry_run=dry_run)


@contextmanager
def errors_in_files(declared: Sequence[DeclaredRole]) -> Iterator[None]:
    """Tell violations of single roles with the file, line and column that they come from."""
    from rolecall_client.errors import RolecallError

    try:
        yield
    except RolecallError as error:
        problems = [_located(violation, declared) for violation in error.violations]
        if not problems or not any(problem.place.line for problem in problems):
            raise
        raise ProblemsError([*problems, *_uncounted(error)]) from None


def _located(violation: Violation, declared: Sequence[DeclaredRole]) -> Problem:
    match = _ELEMENT.match(violation.field)
    if match is None or int(match["index"]) >= len(declared):
        return Problem(place=Location(violation.field), message=violation.message, reason=violation.reason)
    role = declared[int(match["index"])]
    # The server names the role too, for callers that have no files.
    message = violation.message.removeprefix(f"role `{role.message.role_name}`: ")
    if match["field"] == "assume_role_policy_document":
        return _in_policy(message, violation.reason, role, match["pointer"] or "")
    return Problem(
        place=role.place_of(match["field"]),
        message=f"role `{role.message.role_name}`: {match['field']}: {message}",
        reason=violation.reason,
    )


def _in_policy(told: str, reason: str, role: DeclaredRole, pointer: str) -> Problem:
    """Return a violation of a trust policy at its element; the server's line and column are those of the text it was sent."""
    if split := _POLICY_MESSAGE.fullmatch(told):
        pointer, told = split["pointer"], split["message"]
    at = _LINE.search(told)
    line, column = (int(at["line"]), int(at["column"])) if at else (0, 0)
    place = role.source.place("" if pointer == "/" else pointer, line, column)
    sentence = _LINE.sub("", told, count=1)
    return Problem(
        place=place,
        message=f"role `{role.message.role_name}`: {pointer or '/'}: {sentence}",
        reason=reason,
        pointer=pointer,
    )


def _uncounted(error: RolecallError) -> Iterator[Problem]:
    total = error.metadata.get("total_violations", "")
    more = int(total) - len(error.violations) if total.isdigit() else 0
    if more > 0:
        yield Problem(
            place=Location("rolecall"),
            severity="note",
            message=f"the server found {more} more; correct these and apply again",
        )


@contextmanager
def _progress(declared: Sequence[DeclaredRole]) -> Iterator[Iterable[RoleDeclaration]]:
    """Give the messages to send; many of them move a bar on a terminal."""
    messages = [role.message for role in declared]
    out = console(sys.stderr)
    if len(messages) < SHOW_PROGRESS_FROM or not out.is_terminal:
        yield messages
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("sending", total=len(messages))

        def counted() -> Iterator[RoleDeclaration]:
            for number, message in enumerate(messages, start=1):
                yield message
                if not number % ROLES_A_STEP:
                    progress.update(task, completed=number)
            # All of it is one write: there is nothing to count from here on.
            progress.update(task, description="applying", completed=len(messages))

        yield counted()
