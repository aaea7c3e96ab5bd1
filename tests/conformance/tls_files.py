"""The TLS files and the tokens of the world: the server's, and those of a client that are good or bad in several ways."""

from __future__ import annotations

import datetime as dt
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from tests.cli.serving import ACCOUNT
from tests.security.certificates import Authority

CLIENT = "client"
TOKENS = {name: f"rct_{name[0] * 43}" for name in ("first", "second")}
UNKNOWN_TOKEN = "rct_" + "x" * 43
_ENTRY = '  - {{name: "{name}", match: {{token_sha256: {hash}}}, via: {{spiffe: "spiffe://td/*"}}, policies: [AdministratorAccess]}}\n'


class TlsWorld:
    """An authority, another one that nobody trusts, and the files of one client, whose certificate can be replaced."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self._authority = folder, Authority(folder / "server")
        self._other = Authority(folder / "other")
        entries = (_ENTRY.format(name=n, hash=sha256(t.encode()).hexdigest()) for n, t in TOKENS.items())
        with self._callers.open("a") as file:
            file.writelines(entries)
        self.rotate(CLIENT)
        expired = self._authority.issue(_spiffe(CLIENT), valid_for=dt.timedelta(days=-1))
        self._write("expired", *expired)
        self.set_token("first")

    @property
    def token_file(self) -> Path:
        """Return the file with the client's token."""
        return self.folder / "token"

    @property
    def server_flags(self) -> dict[str, object]:
        """Return the settings of a server that asks for certificates of the authority."""
        names = {"tls_cert": "cert.pem", "tls_key": "key.pem", "tls_client_ca": "ca.pem"}
        files = {name: self._authority.folder / file for name, file in names.items()}
        return {**files, "callers": self._callers, "account_id": ACCOUNT}

    def described(self) -> dict[str, str]:
        """Return the files of a client, for `world.json`."""
        return {
            "ca": str(self._authority.folder / "ca.pem"),
            "cert": str(self.folder / "client.pem"),
            "key": str(self.folder / "client.key"),
            "other_ca": str(self._other.folder / "ca.pem"),
            "expired_cert": str(self.folder / "expired.pem"),
            "expired_key": str(self.folder / "expired.key"),
            "server_name": "localhost",
        }

    def rotate(self, name: str) -> None:
        """Replace the certificates of client and server by new ones of the same authority; `name` is the client's new one."""
        self.name = name
        self._write("client", *self._authority.issue(_spiffe(name)))
        certificate, key = self._authority.issue(x509.DNSName("localhost"))
        _replace(self._authority.folder / "cert.pem", certificate)
        _replace(self._authority.folder / "key.pem", key)

    def set_token(self, name: str) -> None:
        """Put the token of this name into the token file; `unknown` is one that the server refuses."""
        _replace(self.token_file, TOKENS.get(name, UNKNOWN_TOKEN).encode())

    @property
    def _callers(self) -> Path:
        return self._authority.folder / "callers.yaml"

    def _write(self, name: str, certificate: bytes, key: bytes) -> None:
        _replace(self.folder / f"{name}.pem", certificate)
        _replace(self.folder / f"{name}.key", key)


def _spiffe(name: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(f"spiffe://td/{name}")


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.chmod(0o600)
    new.replace(path)
