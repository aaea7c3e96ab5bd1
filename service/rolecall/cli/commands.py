"""The commands of `rolecall`, in the order in which a newcomer meets them.

Only the command that is asked for is imported: the others stand as a name and a line of help, so that `rolecall --help` and
the offline commands answer at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import typer


class Entry(NamedTuple):
    """A command: where it is, and the first line of its help."""

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "explain": Entry("check_explain", "explain", "Decide, and show why."),
    "check": Entry("check_explain", "check", "Decide whether a principal may assume a role."),
    "who-can": Entry("who_can", "who_can", "Show whom a role trusts."),
    "what-can": Entry("what_can", "what_can", "Show which roles a principal can assume."),
    "validate": Entry("validate", "validate", "Find what is wrong with trust policies."),
    "test": Entry("testing.command", "policy_tests", "Hold trust policies against test cases."),
    "serve": Entry("serve", "serve", "Serve over gRPC until SIGTERM or Ctrl-C."),
    "quickstart": Entry("quickstart", "quickstart", "Serve here, with example roles."),
    "apply": Entry("apply", "apply", "Bring roles to what files declare."),
    "export": Entry("export", "export", "Write roles as `apply` reads them."),
    "role": Entry("roles", "app", "Create, read, change and delete roles."),
    "watch": Entry("watch", "watch", "Print changes of roles as they happen."),
    "decisions": Entry("decisions", "decisions", "Read and filter the decision log of a server."),
    "migrate": Entry("migrate", "migrate", "Bring the tables of a store to this version."),
    "store": Entry("store", "app", "Move a store to another database."),
    "backup": Entry("backup", "backup", "Write a whole store into one file."),
    "restore": Entry("backup", "restore", "Put a backup into an empty store."),
    "audit": Entry("audit", "app", "Examine what a store has kept."),
    "schema": Entry("about", "schema", "Print the JSON schema of `apply` files, or of test cases."),
    "version": Entry("about", "version", "Print the version."),
}

GROUPS = {name for name, entry in COMMANDS.items() if entry.attribute == "app"}
"""The commands that have commands of their own."""

_HELP = (
    "May this principal assume this role? Rolecall keeps RAM-style roles and decides, explains and serves over gRPC. "
    "Exit codes: 0 done or allowed, 1 denied or not as it should be, 2 error."
)


def build_app(wanted: str | None) -> typer.Typer:
    """Return the command line with the command `wanted` in full; None: with all of them."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
        help=_HELP,
    )
    for name, entry in COMMANDS.items():
        command: typer.Typer | Callable[..., object] = _loaded(entry) if wanted in (None, name) else _not_loaded
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=entry.help)
        else:
            app.command(name, short_help=entry.help)(command)
    return app


def _loaded(entry: Entry) -> typer.Typer | Callable[..., object]:
    module = importlib.import_module(f"rolecall.cli.{entry.module}")
    command: typer.Typer | Callable[..., object] = getattr(module, entry.attribute)
    return command


def _not_loaded() -> None:
    """Stand for a command that was not asked for."""
