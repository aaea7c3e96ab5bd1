"""Make a CA, and a certificate with a SPIFFE id for each party of the example: `python certificates.py [FOLDER]`.

A real system gets them from SPIRE, from cert-manager, or from the CA of its mesh.
"""

from __future__ import annotations

import datetime as dt
import sys
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PARTIES = {
    "rolecall": "spiffe://demo.example/ns/rolecall/sa/rolecall",
    "orders": "spiffe://demo.example/ns/shop/sa/orders",
    "shop": "spiffe://demo.example/ns/shop/sa/shop",
    "operator": "spiffe://demo.example/ns/ops/sa/operator",
}
CA = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "demo CA")])
DAYS = dt.timedelta(days=30)


def main(folder: Path) -> None:
    """Write the certificates into a folder."""
    folder.mkdir(exist_ok=True)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = builder(CA, ca_key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    (folder / "ca.pem").write_bytes(pem(ca.sign(ca_key, hashes.SHA256())))
    for name, spiffe_id in PARTIES.items():
        write(folder, name, spiffe_id, ca_key)


def write(folder: Path, name: str, spiffe_id: str, ca_key: ec.EllipticCurvePrivateKey) -> None:
    """Write the certificate and the key of one party."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = [
        x509.UniformResourceIdentifier(spiffe_id),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    certificate = builder(subject, key).add_extension(x509.SubjectAlternativeName(names), critical=False)
    (folder / f"{name}.pem").write_bytes(pem(certificate.sign(ca_key, hashes.SHA256())))
    key_file = folder / f"{name}.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """Return a certificate of the CA that is not signed yet."""
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(CA)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + DAYS)
    )


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "certificates"))
