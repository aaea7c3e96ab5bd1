"""The names in a client certificate, as text. It needs the package `cryptography`, which is in the extra `asgi`."""

from __future__ import annotations

from functools import lru_cache

from rolecall_client.guards.peer import spiffe_ids_in

MAX_CERTIFICATE_CHARACTERS = 16_384
MEMOISED = 256

Names = tuple[tuple[str, ...], tuple[str, ...]]
"""The SPIFFE ids, valid or not, and the DNS names."""


def names_in(certificate: str) -> Names:
    """Return the names in a certificate (PEM), which the server of the connection has verified; raise `ValueError`. Memoised."""
    if len(certificate) > MAX_CERTIFICATE_CHARACTERS:
        raise ValueError(
            f"the certificate has {len(certificate)} characters; the limit is {MAX_CERTIFICATE_CHARACTERS}"
        )
    return _names_in(certificate)


@lru_cache(maxsize=MEMOISED)
def _names_in(certificate: str) -> Names:
    from cryptography import x509  # noqa: PLC0415  (an optional package)

    parsed = x509.load_pem_x509_certificate(certificate.encode())
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return spiffe_ids_in(uris), tuple(names.get_values_for_type(x509.DNSName))
