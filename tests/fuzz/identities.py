"""The names in client certificates: SPIFFE ids and DNS names."""

from __future__ import annotations

import re

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.security.identity import UnidentifiedCallerError, by_certificate
from tests.fuzz.target import Target, outcome

_SEGMENT, _DOMAIN, _LABEL = (
    re.compile(rb"[A-Za-z0-9._-]+"),
    re.compile(rb"[a-z0-9._-]{1,255}"),
    re.compile(rb"[a-z0-9_-]+"),
)


def check_names(data: bytes) -> None:
    """A certificate, whose names are lines (`u` URI, `d` DNS), has the one identity of the rules, or none."""
    lines = data.split(b"\n")
    uris = [line[1:] for line in lines if line[:1] == b"u"]
    names = [line[1:] for line in lines if line[:1] == b"d"]
    facts = {"peer_uri": uris, "peer_dns": names}
    credential = outcome(lambda: by_certificate(facts), UnidentifiedCallerError)
    expected = _expected(uris, names)
    assert (credential.identity if isinstance(credential, Credential) else None) == expected
    if isinstance(credential, Credential):
        assert credential.kind == (
            CredentialKind.SPIFFE if credential.identity.startswith("spiffe:") else CredentialKind.DNS
        )


def _expected(uris: list[bytes], names: list[bytes]) -> str | None:
    """Read the rules of `docs/security.md` with `split` in place of one regular expression."""
    spiffe = [uri for uri in uris if uri.lower().startswith(b"spiffe:")]
    if spiffe:
        return spiffe[0].decode("ascii") if len(spiffe) == 1 and _is_id(spiffe[0]) else None
    folded = {name.lower() for name in names}
    only = folded.pop() if len(folded) == 1 else b""
    if only in {b"local", b"local-admin", b"anonymous"}:
        return None
    return only.decode("ascii") if 0 < len(only) <= 253 and all(map(_LABEL.fullmatch, only.split(b"."))) else None


def _is_id(uri: bytes) -> bool:
    if len(uri) > 2_048 or not uri.startswith(b"spiffe://"):
        return False
    domain, *segments = uri.removeprefix(b"spiffe://").split(b"/")
    return bool(_DOMAIN.fullmatch(domain)) and all(
        _SEGMENT.fullmatch(segment) and segment not in {b".", b".."} for segment in segments
    )


TARGETS = (
    Target(
        name="certificate-names",
        check=check_names,
        words=("uspiffe://", "uSPIFFE://", "\nu", "\nd", "/..", "/.", "//", "%2e", "*.", "prod.example", "\r", "\0", "/ns/a/sa/b"),
        seeds=(b"uspiffe://prod.example/ns/shop/sa/orders\nda.example", b"dA.example\nda.example", b"uhttps://a\ndb", b"d*.a.b"),
        max_bytes=600,
    ),
)  # fmt: skip
