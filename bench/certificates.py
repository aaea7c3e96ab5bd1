"""Certificates of the measured servers, and of the client that calls them."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from tests.security.certificates import Authority


def certificates_in(folder: Path) -> ssl.SSLContext:
    """Write the certificates of the servers and of a client; return how the client connects."""
    folder.mkdir()
    certificate, key = Authority(folder).issue(x509.UniformResourceIdentifier("spiffe://bench/client"))
    (folder / "client.pem").write_bytes(certificate)
    (folder / "client-key.pem").write_bytes(key)
    (folder / "client-key.pem").chmod(0o600)
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.check_hostname = False
    context.load_cert_chain(folder / "client.pem", folder / "client-key.pem")
    context.set_alpn_protocols(["h2"])
    return context
