"""Certificates of a test with any names, and servers and channels that use them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.server.serving import Served, served

ADMINISTRATORS = """\
trust_domains: {td: ca.pem, example.org: ca.pem, bench: ca.pem}
callers:
  - {name: td, match: {spiffe: "spiffe://td/*"}, policies: [AdministratorAccess]}
  - {name: workloads, match: {spiffe: "spiffe://td/*/*"}, policies: [AdministratorAccess]}
  - {name: proxy, match: {spiffe: "spiffe://example.org/*"}, policies: [AdministratorAccess]}
  - {name: bench, match: {spiffe: "spiffe://bench/*"}, policies: [AdministratorAccess]}
  - {name: hosts, match: {dns: "*.example"}, policies: [AdministratorAccess]}
"""
"""A callers file in which the callers of tests that are not about rights may do everything."""

_LONG = dt.timedelta(days=30)
_PEM = serialization.Encoding.PEM


class Authority:
    """A certificate authority that issues certificates with any alternative names, in files of a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        # Of two CAs with one name and no key identifiers gRPC would try only one.
        self._name = _named(folder.name)
        self._certificate = self._sign(folder.name, self._key.public_key(), (), authority=True)
        (folder / "ca.pem").write_bytes(self._certificate.public_bytes(_PEM))
        certificate, key = self.issue(x509.DNSName("localhost"))
        (folder / "cert.pem").write_bytes(certificate)
        (folder / "key.pem").write_bytes(key)
        (folder / "key.pem").chmod(0o600)
        (folder / "callers.yaml").write_text(ADMINISTRATORS)

    @property
    def pem(self) -> bytes:
        """Return the certificate of the authority."""
        return self._certificate.public_bytes(_PEM)

    def issue(
        self, *names: x509.GeneralName, common_name: str = "client", valid_for: dt.timedelta = _LONG
    ) -> tuple[bytes, bytes]:
        """Return a certificate with these alternative names, and its key; with a negative time it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(common_name, key.public_key(), names, authority=False, valid_for=valid_for)
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return certificate.public_bytes(_PEM), private

    @asynccontextmanager
    async def served(self, **flags: object) -> AsyncIterator[Served]:
        """Give a server that asks for client certificates of this authority, whose callers may do everything."""
        names = {"tls_cert": "cert.pem", "tls_key": "key.pem", "tls_client_ca": "ca.pem", "callers": "callers.yaml"}
        files = {name: str(self.folder / file) for name, file in names.items()}
        async with served(**{**files, **flags}) as service:
            yield service

    @asynccontextmanager
    async def client(
        self, service: Served, *names: x509.GeneralName, common_name: str = "client", issuer: Authority | None = None
    ) -> AsyncIterator[Any]:
        """Give a connection of its own to a server, with a new certificate that has these names, perhaps of another authority."""
        certificate, key = (issuer or self).issue(*names, common_name=common_name)
        async with self.connected(service, certificate, key) as channel:
            yield channel

    @asynccontextmanager
    async def connected(
        self, service: Served, certificate: bytes | None = None, key: bytes | None = None
    ) -> AsyncIterator[Any]:
        """Give a connection of its own to a server, with a certificate or without one."""
        credentials = grpc.ssl_channel_credentials(self.pem, key, certificate)
        address = f"localhost:{service.server.bound.address.rpartition(':')[2]}"
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
            yield channel

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        names: Sequence[x509.GeneralName],
        *,
        authority: bool,
        valid_for: dt.timedelta = _LONG,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(
            self._name, _named(name), key, x509.random_serial_number(), now - _LONG, now + valid_for
        ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
