"""What is known of the peer of a call: the names in its certificate, its headers, its IP address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

SPIFFE_SCHEME = "spiffe:"

Headers = tuple[tuple[str, str], ...]
"""The metadata of a call or the headers of a request, with names in lower case."""


class UnknownCallerError(Exception):
    """A call does not name exactly one caller. The message is for the log; the caller must not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFacts:
    """The peer of a call. `spiffe_ids` are the URIs of its certificate that begin with `spiffe:`, valid or not.

    `source_ip` is empty where it is not known. Nothing here comes from a header, except `headers` and, where a proxy is trusted,
    what it reports.
    """

    spiffe_ids: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    headers: Headers = field(default=(), repr=False)  # tokens are in it
    source_ip: str = ""

    def values_of(self, name: str) -> tuple[str, ...]:
        """Return every value of a header; `name` is in lower case."""
        return tuple(value for key, value in self.headers if key == name)


def spiffe_ids_in(uris: Iterable[str]) -> tuple[str, ...]:
    """Return those URIs of a certificate that are meant as SPIFFE ids, also if they are malformed."""
    # A malformed one must be seen: with it the certificate names nobody, and its DNS name does not count.
    return tuple(uri for uri in uris if uri[: len(SPIFFE_SCHEME)].lower() == SPIFFE_SCHEME)


def plain_address(host: str) -> str:
    """Return an IP address as it is compared, IPv4 as IPv4; empty text if `host` is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
