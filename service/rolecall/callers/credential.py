"""What a call has proved about its caller."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum


class CredentialKind(StrEnum):
    """How a caller was recognised."""

    SPIFFE = "spiffe"
    DNS = "dns"
    OIDC = "oidc"
    TOKEN = "token"  # noqa: S105  (a kind, not a secret)
    UID = "uid"
    LOCAL = "local"
    LOCAL_ADMIN = "local-admin"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A verified credential. Two callers have equal credentials only if they are the same caller.

    `identity` is the name in logs, idempotency, page tokens, limits and `rolecall:Caller`: the SPIFFE id, the DNS name in lower
    case, issuer and subject of a token, `uid:1000`, or the kind. `issuer`, `subject` and `audiences` are those of an OIDC
    token, `token_sha256` is that of a static token in hexadecimal. `expires_at` is in microseconds since the epoch; None: the
    connection's own end.
    """

    kind: CredentialKind
    identity: str
    issuer: str = ""
    subject: str = ""
    audiences: tuple[str, ...] = ()
    token_sha256: str = ""
    uid: int | None = None
    expires_at: int | None = None

    @property
    def scope(self) -> str:
        """Return a text that no other caller has: request ids and page tokens of the caller are valid within it."""
        # A SPIFFE id and a DNS name with a dot are names of no other kind.
        if self.kind in _NAMED_ALONE or (self.kind is CredentialKind.DNS and "." in self.identity):
            return self.identity
        return json.dumps([self.kind, self.identity, self.issuer, self.subject, self.token_sha256])


_NAMED_ALONE = (CredentialKind.SPIFFE, CredentialKind.LOCAL, CredentialKind.ANONYMOUS)

LOCAL = Credential(kind=CredentialKind.LOCAL, identity="local")
"""Every caller of a server that listens only on this machine, without TLS."""

LOCAL_ADMIN = Credential(kind=CredentialKind.LOCAL_ADMIN, identity="local-admin")
"""Every caller on the admin socket."""

ANONYMOUS = Credential(kind=CredentialKind.ANONYMOUS, identity="anonymous")
"""Every caller of a server that runs with `--insecure`."""
