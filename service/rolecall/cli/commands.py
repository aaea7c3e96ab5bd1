"""The commands of `rolecall`, in the order in which a newcomer meets them.

Only the requested command is imported. The others are registered with their name and one line of help, so that
`rolecall --help` and the offline commands start fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import typer


class Entry(NamedTuple):
    """A command: its module and attribute, and the first line of its help."""

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "explain": Entry("check_explain", "explain", "Decide, and show why."),
    "check": Entry("check_explain", "check", "Decide whether a principal may assume a role."),
    "who-can": Entry("who_can", "who_can", "Show whom a role trusts."),
    "what-can": Entry("what_can", "what_can", "Show which roles a principal can assume."),
    "validate": Entry("validate", "validate", "Find what is wrong with roles, trust policies and permission policies."),
    "lint": Entry("linting.command", "lint", "Explain the findings of the linter, and why documents are refused."),
    "test": Entry("testing.command", "policy_tests", "Run test cases against trust policies."),
    "serve": Entry("serve", "serve", "Serve over gRPC until SIGTERM or Ctrl-C."),
    "agent": Entry("agent", "agent", "Decide on this node, by the roles that a server sends."),
    "quickstart": Entry("quickstart", "quickstart", "Start a server on this machine with example roles."),
    "apply": Entry("apply", "apply", "Make the roles match the declaration files."),
    "export": Entry("export", "export", "Write roles as a file that `apply` reads."),
    "account": Entry("accounts", "app", "List the accounts of a server."),
    "role": Entry("roles", "app", "Create, read, change and delete roles."),
    "callers": Entry("callers.command", "app", "Write, check, explain and compare callers files."),
    "context": Entry("context", "app", "List, choose and show servers by name."),
    "token": Entry("token", "app", "Make static tokens for callers."),
    "whoami": Entry("whoami", "whoami", "Show how a server recognises you, and what gives you rights."),
    "can": Entry("whoami", "can", "Show whether you may do something on a server."),
    "changes": Entry("changes", "changes", "List what was changed: when, by whom and why."),
    "watch": Entry("watch", "watch", "Print changes of roles as they happen."),
    "decisions": Entry("decisions", "decisions", "Read and filter the decision log of a server."),
    "migrate": Entry("migrate", "migrate", "Migrate the schema of a store to this version."),
    "store": Entry("store", "app", "Copy a store to another database."),
    "backup": Entry("backup", "backup", "Write a whole store into one file."),
    "restore": Entry("backup", "restore", "Restore a backup into an empty store."),
    "audit": Entry("audit", "app", "Verify the contents of a store."),
    "schema": Entry("about", "schema", "Print the JSON schema of a file that commands read."),
    "version": Entry("about", "version", "Print the version of Rolecall and of what it runs on."),
}

GROUPS = {name for name, entry in COMMANDS.items() if entry.attribute == "app"}
"""The commands that have subcommands."""

_HELP = (
    "May this principal assume this role? Rolecall stores RAM-style roles, and decides and explains over gRPC. "
    "Exit codes: 0 done or allowed, 1 denied or a check failed, 2 error, 3 no such role to assume, 4 a dry run found changes."
)


def build_app(requested: str | None) -> typer.Typer:
    """Return the command line with the command `requested` loaded; None loads all commands."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    app.callback(help=_HELP)(_overview)
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
        from rolecall.cli.about import version

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


def _load(entry: Entry) -> typer.Typer | Callable[..., object]:
    module = importlib.import_module(f"rolecall.cli.{entry.module}")
    command: typer.Typer | Callable[..., object] = getattr(module, entry.attribute)
    return command


def _not_loaded() -> None:
    """Do nothing; registered in place of a command that was not requested."""
