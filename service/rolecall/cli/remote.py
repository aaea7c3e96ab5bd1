"""Connect to a server as the options say, and report its errors in one way."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rolecall.cli.account_names import require_same_accounts
from rolecall.cli.context_errors import errors_of_contexts
from rolecall.cli.failure import FAILED, CommandError
from rolecall.cli.files import read_text
from rolecall.cli.options import DEFAULT_TIMEOUT_SECONDS, Connection, RemoteOptions
from rolecall.cli.reports import report_error, report_failure
from rolecall.cli.tls_diagnosis import tls_fault

MAX_TOKEN_BYTES = 16 * 1024

if TYPE_CHECKING:
    import grpc

    from rolecall_client.client import RolecallClient
    from rolecall_client.connection.settings import TlsFiles
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
    from rolecall_client.errors import RolecallError

    chosen = chosen_connection(connection, environ)
    credentials, token = _credentials(chosen.tls), _token(chosen)
    timeout = chosen.timeout or DEFAULT_TIMEOUT_SECONDS
    with RolecallClient(chosen.address, credentials=credentials, token=token, timeout=timeout) as client:
        try:
            require_same_accounts(client, chosen.context, accounts)
            yield client
        except RolecallError as error:
            _report(error, chosen)
            raise typer.Exit(FAILED) from None


def chosen_connection(connection: Connection, environ: Mapping[str, str] = os.environ) -> ChosenConnection:
    """Return how to connect, by the options, the environment, the context in use and the defaults; raise `CommandError`."""
    from rolecall_client.contexts.choice import choose

    with errors_of_contexts():
        return choose(_given(connection), environ)


def context_without_server(connection: RemoteOptions, name: str | None) -> ServerContext | None:
    """Return the context in use of a command that calls no server, for its names of accounts."""
    from rolecall_client.contexts.choice import context_in_use

    with errors_of_contexts():
        return context_in_use(_given(connection.in_context(name)), os.environ)


def _given(connection: Connection) -> GivenSettings:
    from rolecall_client.contexts.given import OPTIONS, GivenSettings

    return GivenSettings(names=OPTIONS, **dataclasses.asdict(connection))


def _report(error: RolecallError, chosen: ChosenConnection) -> None:
    """Report an error of the service; of a server that cannot be reached, what is wrong with TLS if that is the reason."""
    fault = tls_fault(chosen.address, chosen.tls) if error.code == "UNAVAILABLE" and not error.reason else None
    if fault is None:
        report_error(error, chosen.address)
    else:
        report_failure(CommandError(f"cannot reach {chosen.address}: {fault.message}", hint=fault.hint))


def _token(chosen: ChosenConnection) -> Callable[[], str] | None:
    """Return what reads the token from its file; it has been read once, so that a missing file is reported."""
    from rolecall_client.bearer import may_have_token

    if chosen.token is None or chosen.token.file is None:
        return None
    path = chosen.token.file
    _read_token(path)
    if not (chosen.tls or may_have_token(chosen.address, None)):
        raise CommandError(
            "--token-file: a token is sent over TLS, or to this machine", hint="give --tls-ca with the CA of the server"
        )
    return lambda: _read_token(path)


def _read_token(path: Path) -> str:
    # In metadata only printable ASCII is possible. The message shows nothing of the file: it may be another secret.
    token = read_text(path, MAX_TOKEN_BYTES).strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise CommandError(f"--token-file: `{path}` has no token")
    return token


def _credentials(tls: TlsFiles | None) -> grpc.ChannelCredentials | None:
    import grpc

    if tls is None:
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca),
        private_key=_pem(tls.key) if tls.key else None,
        certificate_chain=_pem(tls.cert) if tls.cert else None,
    )


def _pem(path: Path) -> bytes:
    data = path.read_bytes()
    if b"-----BEGIN" not in data:
        raise CommandError(f"`{path}` is not a PEM file")
    return data
