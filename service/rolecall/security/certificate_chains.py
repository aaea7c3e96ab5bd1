"""Which CA a client certificate comes from: that of a SPIFFE trust domain, or one of `--tls-client-ca`.

The TLS handshake accepts every CA that the server knows. An id of a trust domain must come from that domain's own CA, and a DNS
name from a CA of `--tls-client-ca`: otherwise each CA could issue the identities of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from rolecall.security.credential_faults import CredentialFault

MAX_CHAIN = 4
"""How many certificates may stand between a client's certificate and the CA."""

_MICROS = 1_000_000


class UntrustedCertificateError(Exception):
    """A client certificate does not come from the CA that may issue its identity."""

    def __init__(self, fault: CredentialFault, why: str) -> None:
        self.fault = fault
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class PresentedChain:
    """A client certificate and those that its client sent with it, in PEM."""

    certificate: bytes
    intermediates: bytes = b""


class CertificateAuthorities:
    """The CAs of every trust domain, and those that issue DNS names, in PEM."""

    def __init__(self, trust_domains: Mapping[str, bytes], client_authority: bytes) -> None:
        self._domains = {name: _Authority(pem) for name, pem in trust_domains.items()}
        self._clients = _Authority(client_authority)

    def expiry_of_id(self, spiffe_id: str, chain: PresentedChain, now: int) -> int:
        """Return until when the certificate of a SPIFFE id is valid, in microseconds; raise `UntrustedCertificateError`."""
        name = spiffe_id.removeprefix("spiffe://").partition("/")[0]
        authority = self._domains.get(name)
        if authority is None:
            why = f"the trust domain `{name}` is not one of the callers file"
            raise UntrustedCertificateError(CredentialFault.UNKNOWN_TRUST_DOMAIN, why)
        return authority.expiry(chain, now, f"the CA of the trust domain `{name}`")

    def expiry_of_name(self, chain: PresentedChain, now: int) -> int:
        """Return until when the certificate of a DNS name is valid, in microseconds; raise `UntrustedCertificateError`."""
        return self._clients.expiry(chain, now, "a CA of --tls-client-ca")


class _Authority:
    """CA certificates of one purpose."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem

    @cached_property
    def _store(self) -> Store | None:
        roots = certificates(self._pem)
        return Store(roots) if roots else None

    def expiry(self, chain: PresentedChain, now: int, what: str) -> int:
        """Return when the first certificate of a verified chain expires."""
        if self._store is None:
            raise UntrustedCertificateError(
                CredentialFault.WRONG_CA, f"the certificate does not come from {what}: there is none"
            )
        time = datetime.fromtimestamp(now / _MICROS, UTC)
        policies = {"ca_policy": _CA_POLICY, "ee_policy": ExtensionPolicy.permit_all()}
        builder = PolicyBuilder().store(self._store).time(time).max_chain_depth(MAX_CHAIN)
        try:
            leaf, *others = [*certificates(chain.certificate), *certificates(chain.intermediates)]
            verified = builder.extension_policies(**policies).build_client_verifier().verify(leaf, others)
        except (VerificationError, ValueError) as error:
            why = f"the certificate does not come from {what}: {_shortened(error)}"
            raise UntrustedCertificateError(CredentialFault.WRONG_CA, why) from None
        return min(expiry_of(each) for each in verified.chain)


def certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text; raise `ValueError` if one is malformed."""
    return x509.load_pem_x509_certificates(pem) if b"-----BEGIN CERTIFICATE-----" in pem else []


def expiry_of(certificate: x509.Certificate) -> int:
    """Return when a certificate expires, in microseconds since the epoch."""
    return int(certificate.not_valid_after_utc.timestamp()) * _MICROS


def _require_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("the certificate is not one of a CA")


def _require_signing(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the CA may not sign certificates")


# Private CAs leave out extensions that the public web requires, such as key identifiers. What keeps a client from issuing
# certificates stays: each issuer must be a CA, may sign, and has its path length.
_CA_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _require_ca)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _require_signing)
)


def _shortened(error: Exception) -> str:
    return (
        str(error)
        .partition(" (encountered")[0]
        .removeprefix("validation failed: ")
        .removeprefix("candidates exhausted: ")[:200]
    )
