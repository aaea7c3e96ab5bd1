"""Options that several commands share. A dataclass is a group of options; `expanded` turns each of its fields into an option."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.remote.context_completion import context_names

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_TIMEOUT_SECONDS = 10.0

T = TypeVar("T")


class Output(StrEnum):
    """The output format of a command."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[
    Output,
    typer.Option("--output", "-o", help="A table for people, or JSON with the field names of the contract."),
]
PlainOutputOption = Annotated[Output, typer.Option("--output", "-o", help="A table for people, or JSON.")]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason", metavar="TEXT", help="The reason for the change, up to 1,024 characters; stored with the revision."
    ),
]


ContextOfAccounts = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        autocompletion=context_names,
        help="The context whose aliases and default account count [ROLECALL_CONTEXT; never the current one, so that results "
        "do not depend on the user].",
    ),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOptions:
    """How to connect to a server, for commands whose own `--context` also takes the name of a context."""

    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help=f"The server to call [ROLECALL_ADDRESS; default: that of the current context, else {DEFAULT_ADDRESS}].",
        ),
    ] = None
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CA certificates (PEM) that verify the server; turns on TLS [ROLECALL_TLS_CA]."
        ),
    ] = None
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Certificate (PEM) of this client, for servers that require one [ROLECALL_TLS_CERT, beside ROLECALL_TLS_CA].",
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Private key (PEM) of --tls-cert [ROLECALL_TLS_KEY, beside ROLECALL_TLS_CA]."
        ),
    ] = None
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the token to send, such as that of a ServiceAccount; over TLS, or to this machine "
            "[ROLECALL_TOKEN_FILE].",
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.001,
            help="Time limit of each call, including retries [ROLECALL_TIMEOUT; default: "
            f"{DEFAULT_TIMEOUT_SECONDS:g}; of `apply`: 300].",
        ),
    ] = None

    def in_context(self, name: str | None) -> Connection:
        """Return these options with the name of a context; None: none is named."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(RemoteOptions)}
        return Connection(**values, context=name)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection(RemoteOptions):
    """How to connect to a server, and the context that says it where no other option does."""

    context: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=context_names,
            help="The context to use, instead of the current one or of variables [ROLECALL_CONTEXT].",
        ),
    ] = None


def expanded(function: Callable[..., T]) -> Callable[..., T]:
    """Return a command in which each parameter that is a group of options is replaced by the group's fields."""
    signature = inspect.signature(function)
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint) and isinstance(hint, type)}

    @functools.wraps(function)
    def command(**values: Any) -> T:  # noqa: ANN401
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
        return function(**values)

    parameters = [
        parameter
        for name, original in signature.parameters.items()
        for parameter in _parameters(original.replace(annotation=hints[name]), groups.get(name))
    ]
    # Typer reads both the signature and the annotations; required parameters come first, as in any signature.
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
    del command.__wrapped__
    return command


def pairs(values: list[str], option: str) -> dict[str, str]:
    """Return `KEY=VALUE` texts as a mapping; raise `CommandError` on any other text and on a repeated key."""
    read: dict[str, str] = {}
    for key, value in _split(values, option):
        if key in read:
            raise CommandError(f"{option} `{key}` is given twice")
        read[key] = value
    return read


def lists(values: list[str], option: str) -> Mapping[str, list[str]]:
    """Return `KEY=VALUE` texts as a mapping from each key to all its values; raise `CommandError` on any other text."""
    read: dict[str, list[str]] = {}
    for key, value in _split(values, option):
        read.setdefault(key, []).append(value)
    return read


def keys_and_context(values: list[str]) -> tuple[Mapping[str, list[str]], str | None]:
    """Return the condition keys among the values of `--context`, and the name of a context among them, or None.

    The two cannot be confused: a condition key has `=`, and the name of a context never has. Raise `CommandError`.
    """
    from rolecall_client.contexts.names import is_context_name

    names = [value for value in values if "=" not in value]
    if len(names) > 1:
        raise CommandError(f"--context names the contexts `{names[0]}` and `{names[1]}`", hint="name one")
    if names and not is_context_name(names[0]):
        raise CommandError(
            f"--context takes KEY=VALUE, or the name of a context, not `{names[0]}`",
            hint="a condition key is written with its value: `--context acs:SourceIp=10.0.0.1`",
        )
    return lists([value for value in values if "=" in value], "--context"), next(iter(names), None)


def _split(values: list[str], option: str) -> Iterator[tuple[str, str]]:
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CommandError(f"{option} takes KEY=VALUE, not `{text}`")
        yield key, value


def _parameters(parameter: inspect.Parameter, group: type | None) -> Iterator[inspect.Parameter]:
    if group is None:
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        return
    hints = get_type_hints(group, include_extras=True)
    for field in dataclasses.fields(group):
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name]
        )
