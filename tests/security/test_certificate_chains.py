"""An identity is accepted only from the CA that may issue it, although the handshake accepts every CA that the server knows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from rolecall.security.certificate_chains import (
    CertificateAuthorities,
    PresentedChain,
    UntrustedCertificateError,
)

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
MICROS = int(NOW.timestamp()) * 1_000_000
DAY = dt.timedelta(days=1)
ID = "spiffe://prod.example/ns/shop/sa/orders"


class Issued:
    """A certificate with its key, which may issue others if it is that of a CA."""

    def __init__(
        self,
        name: str,
        issuer: Issued | None = None,
        *,
        ca: bool | None = True,
        path_length: int | None = None,
        days: float = 30,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        key: Any = None,
    ) -> None:
        self.key: Any = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signer = issuer or self
        builder = x509.CertificateBuilder(
            signer.name, self.name, self.key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + days * DAY
        )
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        digest = None if isinstance(signer.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        self.pem = builder.sign(signer.key, digest).public_bytes(Encoding.PEM)


PROD, OTHER, CLIENTS = Issued("prod"), Issued("other"), Issued("clients")
AUTHORITIES = CertificateAuthorities({"prod.example": PROD.pem, "other.example": OTHER.pem}, CLIENTS.pem)


def expiry(
    leaf: Issued, *others: Issued, spiffe_id: str = ID, authorities: CertificateAuthorities = AUTHORITIES
) -> int:
    chain = PresentedChain(leaf.pem, b"".join(other.pem for other in others))
    return authorities.expiry_of_id(spiffe_id, chain, MICROS)


def refused(leaf: Issued, *others: Issued, **options: Any) -> str:
    with pytest.raises(UntrustedCertificateError) as caught:
        expiry(leaf, *others, **options)
    return caught.value.fault


def test_why_a_certificate_is_refused_is_one_short_sentence_without_the_certificate() -> None:
    prefix = "the certificate does not come from the CA of the trust domain `prod.example`: "
    chains = [
        PresentedChain(Issued("leaf", OTHER, ca=False).pem),
        PresentedChain(Issued("leaf", PROD, ca=False, days=-0.5).pem),
        PresentedChain(Issued("leaf", Issued("client", PROD, ca=False), ca=False).pem),
        PresentedChain(b""),
    ]

    for chain in chains:
        with pytest.raises(UntrustedCertificateError) as caught:
            AUTHORITIES.expiry_of_id(ID, chain, MICROS)
        why = str(caught.value)
        assert why.startswith(prefix)
        assert 0 < len(why) - len(prefix) <= 200
        assert not why.removeprefix(prefix).startswith(("validation failed", "candidates exhausted"))
        assert " (encountered" not in why


def test_an_id_from_the_ca_of_its_trust_domain_is_accepted_until_its_certificate_expires() -> None:
    assert expiry(Issued("leaf", PROD, ca=False, days=3)) == MICROS + 3 * 86_400_000_000


def test_a_chain_is_valid_until_its_first_certificate_expires() -> None:
    between = Issued("between", PROD, days=2)

    assert expiry(Issued("leaf", between, ca=False), between) == MICROS + 2 * 86_400_000_000


@pytest.mark.parametrize("issuer", [OTHER, CLIENTS], ids=["of another trust domain", "of --tls-client-ca"])
def test_an_id_from_another_ca_is_refused(issuer: Issued) -> None:
    assert refused(Issued("leaf", issuer, ca=False)) == "WRONG_CA"


def test_an_id_of_a_trust_domain_without_a_ca_is_refused() -> None:
    for spiffe_id in ("spiffe://unknown.example/a", "spiffe://prod.example.attacker.test/a", "spiffe://prod/a"):
        assert refused(Issued("leaf", PROD, ca=False), spiffe_id=spiffe_id) == "UNKNOWN_TRUST_DOMAIN"


def test_a_dns_name_comes_from_a_ca_of_clients_and_from_no_trust_domain() -> None:
    named = PresentedChain(Issued("leaf", CLIENTS, ca=False).pem)

    assert AUTHORITIES.expiry_of_name(named, MICROS) == MICROS + 30 * 86_400_000_000
    for issuer in (PROD, OTHER):
        with pytest.raises(UntrustedCertificateError, match="--tls-client-ca"):
            AUTHORITIES.expiry_of_name(PresentedChain(Issued("leaf", issuer, ca=False).pem), MICROS)
    with pytest.raises(UntrustedCertificateError, match="there is none"):
        CertificateAuthorities({}, b"").expiry_of_name(named, MICROS)


def test_a_client_cannot_issue_ids_with_its_own_certificate() -> None:
    client, root = Issued("client", PROD, ca=False), Issued("root", ca=False)
    authorities = CertificateAuthorities({"prod.example": root.pem}, b"")

    assert refused(Issued("leaf", client, ca=False), client) == "WRONG_CA"
    assert refused(Issued("leaf", root, ca=False), authorities=authorities) == "WRONG_CA"


def test_an_issuer_without_the_extension_that_says_what_it_may_do_is_refused() -> None:
    silent = Issued("silent", ca=None)

    assert refused(
        Issued("leaf", silent, ca=False), authorities=CertificateAuthorities({"prod.example": silent.pem}, b"")
    )


def test_a_ca_that_only_has_the_name_of_the_right_one_is_refused() -> None:
    impostor = Issued("prod")

    assert refused(Issued("leaf", impostor, ca=False)) == "WRONG_CA"
    assert refused(Issued("leaf", impostor, ca=False), impostor) == "WRONG_CA"


def usage(*, sign: bool) -> tuple[x509.ExtensionType, bool]:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=sign, crl_sign=False, encipher_only=False, decipher_only=False,
    ), True  # fmt: skip


def test_the_limits_of_a_ca_hold() -> None:
    short, silent = Issued("short", path_length=0), Issued("silent", extensions=[usage(sign=False)])
    between = Issued("between", short)
    authorities = CertificateAuthorities({"prod.example": short.pem + silent.pem}, b"")

    assert expiry(Issued("leaf", short, ca=False), authorities=authorities)
    assert refused(Issued("leaf", between, ca=False), between, authorities=authorities) == "WRONG_CA"
    assert refused(Issued("leaf", silent, ca=False), authorities=authorities) == "WRONG_CA"


def test_a_certificate_or_ca_that_has_expired_is_refused() -> None:
    expired = Issued("expired", days=-0.5)

    assert refused(Issued("leaf", PROD, ca=False, days=-0.5)) == "WRONG_CA"
    authorities = CertificateAuthorities({"prod.example": expired.pem}, b"")
    assert refused(Issued("leaf", expired, ca=False), authorities=authorities) == "WRONG_CA"


def test_as_many_certificates_as_announced_stand_between_a_client_and_its_ca() -> None:
    page = (Path(__file__).parents[2] / "docs/security.md").read_text()
    announced = re.search(r"at most (\w+) certificates between the client's and the CA", page)
    assert announced is not None
    most, chain = ("none", "one", "two", "three", "four", "five").index(announced[1]), [PROD]
    for number in range(most + 1):
        chain.append(Issued(f"ca-{number}", chain[-1]))

    assert expiry(Issued("leaf", chain[most], ca=False), *chain[1:])
    assert refused(Issued("leaf", chain[most + 1], ca=False), *chain[1:]) == "WRONG_CA"


@pytest.mark.parametrize("length", [1, 199, 200, 201, 1_000])
def test_at_most_200_characters_say_why_a_chain_is_refused(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def malformed(_: bytes) -> None:
        raise ValueError("x" * length)

    leaf = Issued("leaf", PROD, ca=False)
    assert expiry(leaf)
    monkeypatch.setattr("rolecall.security.certificate_chains.certificates", malformed)

    with pytest.raises(UntrustedCertificateError) as caught:
        expiry(leaf)

    why = "the certificate does not come from the CA of the trust domain `prod.example`: "
    assert str(caught.value) == why + "x" * min(length, 200)


def test_what_certificates_of_workloads_usually_have_is_accepted() -> None:
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ID)])
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])

    leaf = Issued("leaf", PROD, ca=False, extensions=[(names, True), usage(sign=False), (purposes, False)])

    assert expiry(leaf)


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(public_exponent=65_537, key_size=2_048), ec.generate_private_key(ec.SECP384R1())]
)
def test_keys_of_the_usual_kinds_are_accepted(key: Any) -> None:
    root = Issued("root", key=key)

    assert expiry(Issued("leaf", root, ca=False), authorities=CertificateAuthorities({"prod.example": root.pem}, b""))


def test_a_malformed_certificate_is_refused() -> None:
    with pytest.raises(UntrustedCertificateError):
        AUTHORITIES.expiry_of_id(
            ID, PresentedChain(b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"), MICROS
        )
    with pytest.raises(UntrustedCertificateError):
        AUTHORITIES.expiry_of_id(ID, PresentedChain(b""), MICROS)
