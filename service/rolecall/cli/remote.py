"""Connect to a server as the options say, and report its errors in one way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rolecall.cli.failure import FAILED, CommandError
from rolecall.cli.options import DEFAULT_TIMEOUT_SECONDS, Connection
from rolecall.cli.reports import report_error

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
    with RolecallClient(connection.address, credentials=_credentials(connection), timeout=timeout) as client:
        try:
            yield client
        except RolecallError as error:
            report_error(error, connection.address)
            raise typer.Exit(FAILED) from None


def _require_address(address: str) -> None:
    if not address or any(character.isspace() for character in address):
        raise CommandError(f"`{address}` is not an address", hint="write --address HOST:PORT")


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
