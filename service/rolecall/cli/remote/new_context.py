"""The context that the options of `context add` describe."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import RemoteOptions
from rolecall.cli.remote.connection import given_settings

if TYPE_CHECKING:
    from rolecall_client.connection.settings import TlsFiles
    from rolecall_client.contexts.context import ServerContext, TokenOrigin

ServerNameOption = Annotated[
    str,
    typer.Option(
        "--tls-server-name",
        metavar="NAME",
        help="The name in the certificate of the server, if the address does not have it.",
    ),
]
TokenCommandOption = Annotated[
    str,
    typer.Option(
        "--token-command",
        metavar="COMMAND",
        help="A program that prints the token, with its arguments, quoted as in a shell; none reads it.",
    ),
]


def described_context(name: str, options: RemoteOptions, server_name: str, token_command: str) -> ServerContext:
    """Return the context; raise `CommandError` or `ValueError`. Its paths are absolute."""
    from rolecall_client.contexts.choice import choose
    from rolecall_client.contexts.context import ServerContext

    if options.address is None:
        raise CommandError("--address is missing", hint="give the server: `--address HOST:PORT`")
    chosen = choose(given_settings(options), {})
    return ServerContext(
        name=name,
        address=chosen.address,
        tls=_tls(chosen.tls, server_name),
        token=_token(options.token_file, token_command),
        timeout=options.timeout,
    )


def _tls(given: TlsFiles | None, server_name: str) -> TlsFiles | None:
    from rolecall_client.connection.settings import TlsFiles

    if given is None:
        if server_name:
            raise CommandError("--tls-server-name needs --tls-ca", hint="give the CA certificates of the server")
        return None
    cert, key = (path and path.expanduser().absolute() for path in (given.cert, given.key))
    return TlsFiles(ca=given.ca.expanduser().absolute(), cert=cert, key=key, server_name=server_name or None)


def _token(file: Path | None, command: str) -> TokenOrigin | None:
    from rolecall_client.contexts.context import TokenOrigin

    if file and command:
        raise CommandError("--token-file and --token-command are two sources of a token", hint="give one of them")
    if file:
        return TokenOrigin(file=file.expanduser().absolute())
    return TokenOrigin(command=_program(command)) if command else None


def _program(command: str) -> tuple[str, ...]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CommandError(f"--token-command has {str(error).lower()}", hint="quote it as in a shell") from None
    if not words:
        raise CommandError("--token-command is empty", hint="give a program and its arguments")
    program = str(Path(words[0]).expanduser().absolute()) if os.sep in words[0] else words[0]
    return (program, *words[1:])
