"""What a call brings along: the address of its connection, its certificate, its user on this machine, and its token."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote

from rolecall.security.certificate_chains import PresentedChain
from rolecall.security.identity import CallContext, ConnectionFacts

AUTHORIZATION = "authorization"


def is_secure(facts: ConnectionFacts) -> bool:
    """Return whether the connection has TLS."""
    return list(facts.get("transport_security_type", ())) == [b"ssl"]


def is_admin(facts: ConnectionFacts) -> bool:
    """Return whether the connection is one of the admin socket, which transports mark so."""
    return list(facts.get("transport_security_type", ())) == [b"local"]


def chain_of(facts: ConnectionFacts) -> PresentedChain | None:
    """Return the client certificate and those sent with it; None without one."""
    certificate = facts.get("x509_pem_cert")
    if not certificate:
        return None
    return PresentedChain(certificate[0], b"".join(facts.get("x509_pem_cert_chain", ())))


def uid_of(facts: ConnectionFacts) -> int | None:
    """Return the user at the other end of a Unix socket; None where the transport cannot know it."""
    given = facts.get("peer_uid")
    return int(given[0]) if given else None


def source_ip(peer: str) -> str:
    """Return the IP address of a peer as gRPC writes it, IPv4 as IPv4; empty for a Unix socket."""
    kind, _, rest = unquote(peer).partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def is_local(peer: str) -> bool:
    """Return whether the peer is on this machine."""
    address = source_ip(peer)
    return not address or ip_address(address).is_loopback


def authorization(context: CallContext) -> tuple[str, ...]:
    """Return every value of `authorization` in the metadata of a call."""
    # The HTTP/2 transport knows without reading all metadata that there is none, as in most calls.
    if not getattr(context, "has_authorization", True):
        return ()
    given = context.invocation_metadata() or ()
    for key, _ in given:
        if key == AUTHORIZATION:
            return tuple(str(value) for name, value in given if name == AUTHORIZATION)
    return ()
