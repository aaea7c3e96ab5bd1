"""A real server with TLS whose callers are known by their certificates, and the files of a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from rolecall_client.connection.settings import TlsFiles
from tests.cli.serving import served
from tests.security.certificates import Authority


@dataclass(frozen=True)
class TlsService:
    """The address of the server, and the authority of its certificate and its clients'."""

    address: str
    authority: Authority

    def files(self, folder: Path, name: str = "a") -> TlsFiles:
        """Return the files of a client that has this name."""
        folder.mkdir(exist_ok=True)
        files = TlsFiles(
            ca=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem", server_name="localhost"
        )
        files.ca.write_bytes(self.authority.pem)
        self.issue(files, name)
        return files

    def issue(self, files: TlsFiles, name: str) -> None:
        """Replace the certificate and the key by those of another name."""
        assert files.cert is not None
        assert files.key is not None
        certificate, key = self.authority.issue(x509.UniformResourceIdentifier(f"spiffe://td/{name}"))
        for path, content in ((files.cert, certificate), (files.key, key)):
            new = path.with_suffix(".new")
            new.write_bytes(content)
            new.replace(path)


@contextmanager
def tls_service(folder: Path) -> Iterator[TlsService]:
    """Give a server that asks for certificates of its authority."""
    authority = Authority(folder / "authority")
    flags = {"tls-cert": "cert.pem", "tls-key": "key.pem", "tls-client-ca": "ca.pem", "callers": "callers.yaml"}
    options = [text for name, file in flags.items() for text in (f"--{name}", str(authority.folder / file))]
    with served(*options, directory=folder) as address:
        yield TlsService(address, authority)
