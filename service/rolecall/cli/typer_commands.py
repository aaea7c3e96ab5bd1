"""The command line as Typer builds it.

Only the requested command is imported. The others are registered with their name and one line of help, so that commands start fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Annotated

import typer

from rolecall.cli.command_table import COMMANDS, GROUPS, PURPOSE, CommandEntry
from rolecall.cli.failure import CommandError

__all__ = ["COMMANDS", "GROUPS", "CommandEntry", "build_app", "load"]


def build_app(requested: str | None) -> typer.Typer:
    """Return the command line with the command `requested` loaded; None loads all commands."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    app.callback(help=PURPOSE)(_overview)
    for name, entry in COMMANDS.items():
        command: typer.Typer | Callable[..., object] = _load(entry) if requested in (None, name) else _not_loaded
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=entry.help)
        else:
            app.command(name, short_help=entry.help)(command)
    return app


def load(name: str) -> typer.Typer | Callable[..., object] | None:
    """Return the command of a name; None if there is none."""
    return _load(COMMANDS[name]) if name in COMMANDS else None


def _print_version(wanted: bool) -> None:
    if wanted:
        from rolecall.cli.commands.about import version

        version()
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version of Rolecall and of what it runs on.",
    ),
]


def _overview(version: VersionOption = False) -> None:
    """Do nothing; its parameters are the options of the program itself."""


def _load(entry: CommandEntry) -> typer.Typer | Callable[..., object]:
    module = importlib.import_module(f"rolecall.cli.{entry.module}")
    command: typer.Typer | Callable[..., object] = getattr(module, entry.attribute)
    return command


def _not_loaded() -> None:
    """Refuse to run; registered in place of a command that was not requested."""
    # Doing nothing would end with 0, which means allowed.
    raise CommandError("the command must be the first word", hint="see `rolecall --help`")
