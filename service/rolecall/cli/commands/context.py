"""`context`: list, choose and show the named servers of the user's file."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, Output, PlainOutputOption, RemoteOptions, expanded
from rolecall.cli.remote.context_completion import context_names
from rolecall.cli.remote.context_errors import errors_of_contexts
from rolecall.cli.remote.new_context import ServerNameOption, TokenCommandOption, described_context
from rolecall.cli.text.terminal import add_row, console, print_json, table, visible

if TYPE_CHECKING:
    from rolecall_client.contexts.choice import ChosenConnection
    from rolecall_client.contexts.context import ContextsFile, ServerContext, TokenOrigin

_HINT = "`rolecall context add NAME --address HOST:PORT` adds one; `rolecall schema contexts` describes the file"

app = typer.Typer(no_args_is_help=True, help="List, choose and show servers by name.")

NewName = Annotated[str, typer.Argument(metavar="NAME", help="The name of the new context.", show_default=False)]
NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The name of a context.", show_default=False, autocompletion=context_names),
]
OptionalName = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help="A context; without one: what a command would use now.",
        show_default=False,
        autocompletion=context_names,
    ),
]


@app.callback()
def context() -> None:
    """List, choose and show servers by name.

    The file is ~/.config/rolecall/config.yaml, or what ROLECALL_CONFIG names; `rolecall schema contexts` describes it.
    """


@app.command("list")
def list_(output: PlainOutputOption = Output.TABLE) -> None:
    """List the contexts of the file, and mark the current one."""
    file = _file()
    if output is Output.JSON:
        contexts = [{"name": c.name, "address": c.address, "current": c.name == file.current} for c in _all(file)]
        print_json({"file": str(file.path), "current": file.current or None, "contexts": contexts})
        return
    rows = table("CURRENT", "NAME", "ADDRESS", "TLS", "TOKEN")
    for one in _all(file):
        mark = "*" if one.name == file.current else ""
        add_row(rows, (mark, one.name, one.address, "yes" if one.tls else "no", _token_words(one.token)))
    console(sys.stdout).print(rows)
    if not file.contexts:
        sys.stderr.write(f"there are no contexts in {visible(str(file.path))}; {_HINT}\n")


@app.command()
def use(name: NameArgument, output: PlainOutputOption = Output.TABLE) -> None:
    """Make a context the current one, which commands use if nothing else names a server."""
    from rolecall_client.contexts.location import contexts_path
    from rolecall_client.contexts.writing import use_context

    with errors_of_contexts():
        try:
            file = use_context(contexts_path(os.environ), name)
        except FileNotFoundError:
            raise CommandError(f"there are no contexts: `{_file().path}` does not exist", hint=_HINT) from None
    if output is Output.JSON:
        print_json({"file": str(file.path), "current": name})
    else:
        sys.stdout.write(f"the current context is {name} ({visible(file.contexts[name].address)})\n")


@app.command()
@expanded
def add(
    name: NewName,
    connection: RemoteOptions,
    server_name: ServerNameOption = "",
    token_command: TokenCommandOption = "",
    output: PlainOutputOption = Output.TABLE,
) -> None:
    """Add a context to the file, which is made if there is none; the first context becomes the current one.

    Only what options say is written; variables do not count. No server is called.
    """
    from rolecall_client.contexts.adding import add_context
    from rolecall_client.contexts.location import contexts_path

    with errors_of_contexts():
        file = add_context(contexts_path(os.environ), described_context(name, connection, server_name, token_command))
    if output is Output.JSON:
        print_json({"file": str(file.path), "added": name, "current": file.current or None})
    else:
        current = ", the current one" if file.current == name else ""
        sys.stdout.write(
            f"added {name} ({visible(file.contexts[name].address)}){current}, in {visible(str(file.path))}\n"
        )


@app.command()
@expanded
def show(connection: Connection, name: OptionalName = "", output: PlainOutputOption = Output.TABLE) -> None:
    """Show how a command would connect, and where each setting comes from.

    The options are those of every command with a server. A token itself is never shown, and no server is called.
    """
    from rolecall.cli.remote.connection import chosen_connection

    if name and connection.context is not None:
        raise CommandError("the context is named twice", hint="leave out --context")
    chosen = chosen_connection(connection.in_context(name or connection.context))
    if output is Output.JSON:
        print_json(_record(chosen))
        return
    rows = table("SETTING", "VALUE", "FROM")
    for setting, value in _settings(chosen):
        add_row(rows, (setting, value, chosen.sources.get(setting, _source(chosen))))
    console(sys.stdout).print(rows)


def _file() -> ContextsFile:
    """Return the contexts of the user, without any if there is no file."""
    from rolecall_client.contexts.choice import contexts_of
    from rolecall_client.contexts.context import ContextsFile
    from rolecall_client.contexts.location import contexts_path

    with errors_of_contexts():
        return contexts_of(os.environ) or ContextsFile(contexts_path(os.environ), {})


def _all(file: ContextsFile) -> list[ServerContext]:
    return sorted(file.contexts.values(), key=lambda context: context.name)


def _settings(chosen: ChosenConnection) -> Iterator[tuple[str, str]]:
    if chosen.context:
        yield "context", chosen.context.name
    yield "address", chosen.address
    if chosen.tls:
        yield "tls.ca", str(chosen.tls.ca)
    if chosen.tls and chosen.tls.cert:
        yield "tls.cert", f"{chosen.tls.cert}, {chosen.tls.key}"
    if chosen.tls and chosen.tls.server_name:
        yield "tls.server_name", chosen.tls.server_name
    if chosen.token:
        yield "token", _token_words(chosen.token)
    if chosen.agent:
        yield "agent", chosen.agent
    if chosen.timeout:
        yield "timeout_seconds", f"{chosen.timeout:g}"
    for alias, account_id in sorted(chosen.context.accounts.items()) if chosen.context else ():
        yield f"accounts.{alias}", account_id
    if chosen.context and chosen.context.default_account:
        yield "default_account", chosen.context.default_account


def _record(chosen: ChosenConnection) -> dict[str, object]:
    """Return the settings in the shape of the file."""
    context, tls, token = chosen.context, chosen.tls, chosen.token
    return {
        "context": context.name if context else None,
        "address": chosen.address,
        "tls": None if tls is None else {name: value and str(value) for name, value in asdict(tls).items()},
        "token": None if token is None else _token_record(token),
        "agent": chosen.agent,
        "timeout_seconds": chosen.timeout,
        "accounts": dict(context.accounts) if context else {},
        "default_account": (context.default_account if context else "") or None,
        "sources": dict(chosen.sources),
    }


def _token_record(token: TokenOrigin) -> dict[str, object]:
    return {"file": str(token.file)} if token.file else {"command": list(token.command)}


def _token_words(token: TokenOrigin | None) -> str:
    """Return where a token comes from."""
    if token is None:
        return ""
    return f"file {token.file}" if token.file else f"command {shlex.join(token.command)}"


def _source(chosen: ChosenConnection) -> str:
    return f"context {chosen.context.name}" if chosen.context else ""
