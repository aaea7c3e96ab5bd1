"""Connect to a server as the options say, and report its errors in one way."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from rolecall.cli.failure import FAILED, CommandError
from rolecall.cli.options.shared import Connection, RemoteOptions
from rolecall.cli.remote.account_names import require_same_accounts
from rolecall.cli.remote.context_errors import errors_of_contexts

if TYPE_CHECKING:
    from rolecall.cli.remote.check_client import CheckClient
    from rolecall_client.client import RolecallClient
    from rolecall_client.contexts.choice import ChosenConnection
    from rolecall_client.contexts.context import ServerContext
    from rolecall_client.contexts.given import GivenSettings
    from rolecall_client.errors import RolecallError


@contextmanager
def connect(
    connection: Connection, *, accounts: Iterable[str | None] = (), environ: Mapping[str, str] = os.environ
) -> Iterator[RolecallClient]:
    """Yield a client; report an error of the service and exit with 2.

    `accounts` are those that the command names, as written: the context in use and the server must mean the same by them.
    """
    from rolecall_client.client import RolecallClient

    chosen = chosen_connection(connection, environ)
    with errors_of_contexts():
        # A command makes one call after the other, so there is nothing to put in a batch. It asks the server itself, not an agent.
        client = RolecallClient.connect(chosen.settings(), batching=False, agent=None)
    with client, _errors_reported(chosen):
        require_same_accounts(client, chosen.context, accounts)
        yield client


@contextmanager
def connect_to_check(connection: Connection, *, accounts: Iterable[str | None] = ()) -> Iterator[CheckClient]:
    """Yield a client that can only check, as `connect` does; it is there several times sooner."""
    from rolecall.cli.remote.check_client import CheckClient

    chosen = chosen_connection(connection)
    with _errors_reported(chosen):
        with errors_of_contexts():
            client = CheckClient(chosen.settings())
        with client:
            require_same_accounts(client, chosen.context, accounts)
            yield client


@contextmanager
def _errors_reported(chosen: ChosenConnection) -> Iterator[None]:
    from rolecall_client.errors import RolecallError

    try:
        yield
    except RolecallError as error:
        _report(error, chosen)
        raise typer.Exit(FAILED) from None


def chosen_connection(connection: Connection, environ: Mapping[str, str] = os.environ) -> ChosenConnection:
    """Return how to connect, by the options, the environment, the context in use and the defaults; raise `CommandError`."""
    from rolecall_client.contexts.choice import choose

    with errors_of_contexts():
        return choose(given_settings(connection), environ)


def context_without_server(connection: RemoteOptions, name: str | None) -> ServerContext | None:
    """Return the context in use of a command that calls no server, for its names of accounts."""
    from rolecall_client.contexts.choice import context_in_use

    with errors_of_contexts():
        return context_in_use(given_settings(connection.in_context(name)), os.environ)


def named_context(name: str | None) -> ServerContext | None:
    """Return the context that an option or a variable names; None if neither does, whatever the current one is."""
    if name is None and not os.environ.get("ROLECALL_CONTEXT"):
        return None
    return context_without_server(RemoteOptions(), name)


def given_settings(connection: RemoteOptions) -> GivenSettings:
    """Return what the options of a command say."""
    from rolecall_client.contexts.given import OPTIONS, GivenSettings

    return GivenSettings(names=OPTIONS, **dataclasses.asdict(connection))


def _report(error: RolecallError, chosen: ChosenConnection) -> None:
    """Report an error of the service; of a server that cannot be reached, what is wrong with TLS if that is the reason."""
    from rolecall.cli.problems.reports import report_error, report_failure
    from rolecall.cli.remote.tls_diagnosis import tls_fault

    fault = tls_fault(chosen.address, chosen.tls) if error.code == "UNAVAILABLE" and not error.reason else None
    if fault is None:
        report_error(error, chosen.address)
    else:
        report_failure(CommandError(f"cannot reach {chosen.address}: {fault.message}", hint=fault.hint))
