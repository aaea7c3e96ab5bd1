"""The callers file as values: whom the server trusts to name callers, the callers, and their policies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from rolecall.callers.credential import CredentialKind
from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.principal import Principal


@dataclass(frozen=True, slots=True)
class TrustDomain:
    """A SPIFFE trust domain, the path of the CA certificates (PEM) that may issue its ids, and what the file contains.

    `authority` is empty until the file is read (`CallersFile.with_authorities`).
    """

    name: str
    path: str
    authority: bytes = b""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the keys of an issuer come from: a file or an https URL, of which one is empty; and what they may sign with."""

    file: str
    url: str
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """An issuer of the callers' own tokens."""

    issuer: str
    keys: KeySource


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider:
    """A provider of federated identities, whose tokens a query may carry.

    A token that was issued more than `max_token_age_seconds` ago is refused. With `allow_asserted` a caller that has
    the right may also assert the claims without a token.
    """

    arn: str
    issuer: str
    audiences: tuple[str, ...]
    keys: KeySource
    max_token_age_seconds: int
    allow_asserted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerMatch:
    """Which credentials are meant: of one kind, by a text in which `*` stands for one segment.

    `text` is a SPIFFE id, a DNS name, the subject of an OIDC token, the hash of a static token, a uid, or empty for
    `local: true`. `issuer` and `audience` are those of an OIDC token.
    """

    kind: CredentialKind
    text: str
    issuer: str = ""
    audience: str = ""

    @property
    def has_wildcard(self) -> bool:
        """Return whether more than one caller can match."""
        return "*" in self.text

    def __str__(self) -> str:
        if self.kind is CredentialKind.OIDC:
            return f"{self.issuer} {self.text}"
        if self.kind in (CredentialKind.SPIFFE, CredentialKind.DNS):
            return self.text
        return f"{self.kind}:{self.text}" if self.text else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerEntry:
    """One entry of `callers`: the credentials that it is about, and what they may do.

    `via` is the certificate that must be presented together with the token; None: no certificate. `until` is in
    microseconds since the epoch; None: without end.
    """

    name: str
    match: CallerMatch
    policies: tuple[str, ...]
    principal: Principal | None = None
    via: CallerMatch | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """A permission policy of the callers file, by its name."""

    name: str
    policy: PermissionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersFile:
    """What the callers file, or all files of the directory together, declare."""

    trust_domains: tuple[TrustDomain, ...] = ()
    issuers: tuple[TokenIssuer, ...] = ()
    providers: tuple[OidcProvider, ...] = ()
    callers: tuple[CallerEntry, ...] = ()
    policies: tuple[OwnPolicy, ...] = ()

    @property
    def generation(self) -> str:
        """Return the SHA-256, in hexadecimal, of everything that rights and identities depend on."""
        content = json.dumps(_content(self), sort_keys=True, default=_plain)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def token_hashes(self) -> frozenset[str]:
        """Return the hashes of all static tokens that name a caller."""
        matches = (entry.match for entry in self.callers)
        return frozenset(match.text for match in matches if match.kind is CredentialKind.TOKEN)

    def with_authorities(self, contents: Mapping[str, bytes]) -> CallersFile:
        """Return these declarations with what the CA files contain, by the name of their trust domain."""
        domains = tuple(replace(domain, authority=contents[domain.name]) for domain in self.trust_domains)
        return replace(self, trust_domains=domains)


def _content(file: CallersFile) -> object:
    # A policy is its text, from which its statements are read.
    policies = {own.name: own.policy.text for own in file.policies}
    return [asdict(replace(file, policies=())), policies]


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
