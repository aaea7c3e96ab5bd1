"""`whoami` and `can`: how a server recognises its caller, and what it lets it do."""

from __future__ import annotations

from typing import Annotated

import typer

from rolecall.cli.failure import DENIED
from rolecall.cli.options.shared import Connection, Output, OutputOption, RemoteOptions, expanded, keys_and_context
from rolecall.cli.remote.connection import connect
from rolecall.cli.remote.context_completion import context_names
from rolecall.cli.text.terminal import print_json, record

ActionArgument = Annotated[str, typer.Argument(metavar="ACTION", help="The action, such as `ram:CreateRole`.")]
ResourceArgument = Annotated[
    str, typer.Argument(metavar="[RESOURCE]", help="The ARN of the resource; without one the action names none.")
]
ContextOption = Annotated[
    list[str],
    typer.Option(
        "--context",
        metavar="KEY=VALUE|NAME",
        autocompletion=context_names,
        help="A condition key of the request or the resource, such as `ram:ServiceNames=VALUE`; a repeated key adds a value. "
        "Without `=`: the context to use.",
    ),
]


@expanded
def whoami(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Show how a server recognises you, and what gives you rights."""
    with connect(connection) as client:
        answer = client.who_am_i()
    if output is Output.JSON:
        print_json(record(answer))
    else:
        from rolecall.cli.render.caller import show_caller

        show_caller(answer)


@expanded
def can(
    action: ActionArgument,
    connection: RemoteOptions,
    resource: ResourceArgument = "",
    context: ContextOption = [],  # noqa: B006 - typer copies it
    output: OutputOption = Output.TABLE,
) -> None:
    """Show whether you may do something on a server. Exit code 1: you may not."""
    keys, name = keys_and_context(context)
    with connect(connection.in_context(name)) as client:
        answer = client.can_i(action, resource, keys)
    if output is Output.JSON:
        print_json(record(answer))
    else:
        from rolecall.cli.render.caller import show_access

        show_access(answer)
    if not answer.allowed:
        raise typer.Exit(DENIED)
