"""`quickstart`: start a server on this machine with the example roles, and print one decision about each."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.setting_options import settings_of
from rolecall.cli.options.shared import Connection
from rolecall.cli.problems.problem import ProblemsError
from rolecall.config.settings import Config

DEFAULT_ACCOUNT = "123456789012"

_PROBE_SECONDS = 2.0
_EXAMPLES = Path(__file__).parent.parent / "example_files"
_NEXT = (
    "explain",
    "--role",
    "break-glass",
    "--as",
    "acs:ram::123456789012:user/alice",
    "--context",
    "acs:SourceIp=203.0.113.9",
)

ListenOption = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="HOST:PORT", help="The address to listen on [default: 127.0.0.1:50051; ROLECALL_LISTEN]."
    ),
]
OpsOption = Annotated[
    str | None,
    typer.Option(
        "--ops-listen",
        metavar="HOST:PORT",
        help="The address of /metrics, /livez and /readyz [default: 127.0.0.1:9464; ROLECALL_OPS_LISTEN].",
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The store of the roles [default: sqlite:///rolecall.db, in this directory; ROLECALL_STORE].",
    ),
]
AccountOption = Annotated[
    str | None,
    typer.Option(
        "--account-id", metavar="ID", help=f"The default account [default: {DEFAULT_ACCOUNT}; ROLECALL_ACCOUNT_ID]."
    ),
]
ExamplesOption = Annotated[
    Path,
    typer.Option(
        "--examples",
        metavar="DIR",
        help="The directory of the examples, with `roles` and `questions.yaml` [default: those of this version].",
        show_default=False,
    ),
]


def quickstart(
    listen: ListenOption = None,
    ops_listen: OpsOption = None,
    store: StoreOption = None,
    account_id: AccountOption = None,
    examples: ExamplesOption = _EXAMPLES,
) -> None:
    """Start a server on this machine with example roles.

    Applies the example roles if the store has no roles, prints one decision about each of them, and serves until Ctrl-C.
    """
    if not examples.joinpath("questions.yaml").is_file():
        raise CommandError(f"there are no examples in `{examples}`", hint="give their directory: --examples DIR")
    flags = {
        "listen": listen,
        "ops_listen": ops_listen,
        "store": store,
        "account_id": account_id or os.environ.get("ROLECALL_ACCOUNT_ID") or DEFAULT_ACCOUNT,
        # The output is the table of decisions; the server's log would hide it.
        "log_level": os.environ.get("ROLECALL_LOG_LEVEL") or "warning",
    }
    config = settings_of(Config, flags, "serve")
    _require_free(config)
    raise typer.Exit(_serve(config, examples))


def _serve(config: Config, examples: Path) -> int:
    from rolecall.server import main, server

    def ready(bound: server.BoundAddresses) -> None:
        threading.Thread(target=_demonstrate, args=(bound.address, examples), daemon=True).start()

    return main.run(config, ready=ready)


def _demonstrate(address: str, examples: Path) -> None:
    """Print the decisions, on a thread beside the server. An error is reported and does not stop the server."""
    from rolecall.cli.entry import guarded
    from rolecall.cli.examples import show_examples

    guarded(lambda: show_examples(Connection(address=address), examples, next_command(address)))


def next_command(address: str) -> str:
    """Return a command line to try in another terminal."""
    address_option = () if _is_called_anyway(address) else ("--address", address)
    return shlex.join((*_program(), *_NEXT, *address_option))


def _is_called_anyway(address: str) -> bool:
    """Return whether a command that names no server calls this one: no variable or current context names another."""
    from rolecall.cli.remote.connection import chosen_connection

    try:
        return chosen_connection(Connection()).address == address
    except (CommandError, ProblemsError):
        return False


def _program() -> tuple[str, ...]:
    """Return the words that start this program in a shell: its name if the shell finds it, else its path."""
    started = Path(sys.argv[0])
    if started.name != "rolecall":
        return (sys.executable, "-m", "rolecall")
    found = shutil.which("rolecall")
    if found and Path(found).resolve() == started.resolve():
        return ("rolecall",)
    return (os.path.relpath(started),)


def _require_free(config: Config) -> None:
    """Raise `CommandError` if the address is not local, or if another program listens on it."""
    listen = config.listen
    if not listen.loopback:
        raise CommandError(
            f"`{listen.text}` can be reached from other machines",
            hint="quickstart serves this machine only; use `rolecall serve` for others",
        )
    if not listen.host or not listen.port or not _answers(listen.host, listen.port):
        return
    if _is_rolecall(listen.text):
        raise CommandError(
            f"a rolecall server is running on {listen.text} already",
            hint=f"use it: `{next_command(listen.text)}`, or stop it, or start another with --listen 127.0.0.1:PORT",
        )
    raise CommandError(f"another program listens on {listen.text}", hint="choose another port: --listen 127.0.0.1:PORT")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS):
            return True
    except OSError:
        return False


def _is_rolecall(address: str) -> bool:
    from rolecall_client.client import RolecallClient
    from rolecall_client.errors import RolecallError
    from rolecall_client.v1.role_pb2 import ListRolesRequest

    with RolecallClient(address, timeout=_PROBE_SECONDS) as client:
        try:
            client.list_roles(ListRolesRequest(page_size=1))
        except RolecallError as error:
            return bool(error.reason)
    return True
