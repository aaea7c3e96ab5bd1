"""`lint`: explain the findings of the linter, and the reasons for which a document is refused. `validate` looks for them."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Output, PlainOutputOption
from rolecall.cli.text.terminal import print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rolecall.cli.linting.explained import FindingExplanation

ExplainOption = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="ID",
        help="The finding, such as `wildcard-under-equals`, or the reason, such as `DUPLICATE_KEY`, to explain.",
        show_default=False,
    ),
]
FilesOfValidate = Annotated[list[str] | None, typer.Argument(hidden=True)]


def lint(
    files: FilesOfValidate = None, explain: ExplainOption = None, output: PlainOutputOption = Output.TABLE
) -> None:
    """Explain findings of the linter, and why documents are refused.

    With --explain: what is wrong and why, a wrong and a right example, and the fix. Without: the list of all. `rolecall validate`
    looks for them in files. No server is needed.
    """
    from rolecall.cli.linting.explained import explanations

    known = explanations()
    if files:
        by_id = len(files) == 1 and files[0] in known
        hint = f"lint --explain {files[0]}" if by_id else f"validate {' '.join(files)}"
        raise CommandError("`rolecall lint` reads no files", hint=f"write `rolecall {hint}`")
    if explain is None:
        _list(known.values(), output)
        return
    found = known.get(explain) or known.get(explain.lower()) or known.get(explain.upper())
    if found is None:
        close = difflib.get_close_matches(explain, known)
        hint = f"did you mean `{close[0]}`? " if close else ""
        raise CommandError(f"there is no finding or reason `{explain}`", hint=f"{hint}`rolecall lint` lists all")
    if output is Output.JSON:
        print_json(found.record())
    else:
        sys.stdout.write(f"{found}\n")


def _list(explanations: Iterable[FindingExplanation], output: Output) -> None:
    if output is Output.JSON:
        print_json({"explanations": [each.record() for each in explanations]})
        return
    for each in explanations:
        sys.stdout.write(f"{each.id} ({each.severity}): {each.what}\n")
