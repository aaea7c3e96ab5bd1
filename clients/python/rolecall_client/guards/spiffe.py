"""The one name in a client certificate, by the rules of SPIFFE X509-SVID.

1. Its only SPIFFE id, beside any DNS names and any other URIs. Several SPIFFE ids, or a malformed one, are no name.
2. Without a SPIFFE id, its only DNS name, in lower case. Several DNS names, or one with a wildcard, are no name.

The server recognises its own clients by the same rules.
"""

from __future__ import annotations

import re

from rolecall_client.guards.peer import PeerFacts, UnknownCallerError

MAX_SPIFFE_ID_BYTES = 2_048
MAX_DNS_NAME_BYTES = 253

_SPIFFE_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._-]+)*", re.ASCII)
_DNS_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)


def spiffe_id_of(peer: PeerFacts) -> str:
    """Return the SPIFFE id of the peer's certificate; raise `UnknownCallerError`."""
    if len(peer.spiffe_ids) != 1:
        raise UnknownCallerError(f"the certificate has {len(peer.spiffe_ids) or 'no'} SPIFFE ids, not one")
    if not is_spiffe_id(peer.spiffe_ids[0]):
        raise UnknownCallerError("the SPIFFE id of the certificate is malformed")
    return peer.spiffe_ids[0]


def dns_name_of(peer: PeerFacts) -> str:
    """Return the DNS name of the peer's certificate; raise `UnknownCallerError`."""
    if peer.spiffe_ids:
        raise UnknownCallerError("the certificate has a SPIFFE id, so its DNS names do not count")
    names = {name.lower() for name in peer.dns_names}
    if len(names) != 1:
        raise UnknownCallerError(f"the certificate has {len(names) or 'no'} DNS names, not one")
    name = next(iter(names))
    if len(name) > MAX_DNS_NAME_BYTES or not _DNS_NAME.fullmatch(name):
        raise UnknownCallerError("the DNS name of the certificate has a wildcard or is malformed")
    return name


def is_spiffe_id(text: str) -> bool:
    """Return whether a text is a SPIFFE id."""
    return len(text) <= MAX_SPIFFE_ID_BYTES and bool(_SPIFFE_ID.fullmatch(text))


def service_account_of(spiffe: str, trust_domain: str) -> tuple[str, str]:
    """Return the namespace and the name of the service account that an id names; raise `UnknownCallerError`."""
    match spiffe.removeprefix("spiffe://").split("/"):
        case [domain, "ns", namespace, "sa", name] if domain == trust_domain:
            return namespace, name
    raise UnknownCallerError(f"`{spiffe}` is not of the form `spiffe://{trust_domain}/ns/NAMESPACE/sa/NAME`")
