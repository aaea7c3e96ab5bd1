"""Connect to a server as the options say, and report its errors in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rolecall.cli.failure import FAILED, CommandError
from rolecall.cli.files import read_text
from rolecall.cli.options import DEFAULT_TIMEOUT_SECONDS, Connection
from rolecall.cli.reports import report_error

MAX_TOKEN_BYTES = 16 * 1024

if TYPE_CHECKING:
    import grpc

    from rolecall_client.client import RolecallClient


@contextmanager
def connect(connection: Connection) -> Iterator[RolecallClient]:
    """Yield a client; report an error of the service and exit with 2."""
    from rolecall_client.client import RolecallClient
    from rolecall_client.errors import RolecallError

    _require_address(connection.address)
    timeout = connection.timeout or DEFAULT_TIMEOUT_SECONDS
    credentials, token = _credentials(connection), _token(connection)
    with RolecallClient(connection.address, credentials=credentials, token=token, timeout=timeout) as client:
        try:
            yield client
        except RolecallError as error:
            report_error(error, connection.address)
            raise typer.Exit(FAILED) from None


def _require_address(address: str) -> None:
    if not address or any(character.isspace() for character in address):
        raise CommandError(f"`{address}` is not an address", hint="write --address HOST:PORT")


def _token(connection: Connection) -> Callable[[], str] | None:
    """Return what reads the token from its file; it has been read once, so that a missing file is reported."""
    from rolecall_client.bearer import may_have_token

    if connection.token_file is None:
        return None
    path = connection.token_file
    _read_token(path)
    if not (connection.tls_ca or may_have_token(connection.address, None)):
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


def _credentials(connection: Connection) -> grpc.ChannelCredentials | None:
    import grpc

    if connection.tls_ca is None and (connection.tls_cert or connection.tls_key):
        raise CommandError(
            "--tls-cert and --tls-key need --tls-ca", hint="give the CA certificates that verify the server"
        )
    if connection.tls_ca is None:
        return None
    if bool(connection.tls_cert) != bool(connection.tls_key):
        raise CommandError("--tls-cert and --tls-key must be given together")
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(connection.tls_ca),
        private_key=_pem(connection.tls_key) if connection.tls_key else None,
        certificate_chain=_pem(connection.tls_cert) if connection.tls_cert else None,
    )


def _pem(path: Path) -> bytes:
    data = path.read_bytes()
    if b"-----BEGIN" not in data:
        raise CommandError(f"`{path}` is not a PEM file")
    return data
