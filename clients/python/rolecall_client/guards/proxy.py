"""A proxy in front of a service that is trusted to say who calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from rolecall_client.guards.peer import Headers, PeerFacts, UnknownCallerError, plain_address, spiffe_ids_in

CERTIFICATE_HEADER = "x-forwarded-client-cert"
MAX_HEADER_CHARACTERS = 8_192

_PAIR = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;=]*)(;|\Z)', re.ASCII)


class TrustedProxy:
    """A proxy that ends TLS, such as Envoy, at one of `networks` (`10.1.0.0/16`, `127.0.0.1`).

    It reports the client's certificate in `certificate_header`, in Envoy's format, and must remove what clients send under that
    name (`forward_client_cert_details: SANITIZE_SET`). A request with several certificates, or several such headers, names no
    caller. With `address_header` (`x-forwarded-for`) it reports the client's address too: the last one that is not of a proxy.

    The headers count only in requests that come from `networks`, so the server must not replace the address of the peer by one from
    a header: with uvicorn use `--no-proxy-headers`. Raise `ValueError` if a network is invalid.
    """

    def __init__(
        self,
        networks: Iterable[str],
        *,
        certificate_header: str = CERTIFICATE_HEADER,
        address_header: str = "",
    ) -> None:
        if isinstance(networks, str):
            raise TypeError(f"`networks` is a list; write [{networks!r}]")
        self._networks = tuple(ip_network(network) for network in networks)
        if not self._networks:
            raise ValueError("a proxy has at least one network")
        if wide := next((network for network in self._networks if network.prefixlen == 0), None):
            raise ValueError(f"`{wide}` trusts every peer; name the addresses of the proxy")
        self._certificate_header, self._address_header = certificate_header.lower(), address_header.lower()

    def is_proxy(self, address: str) -> bool:
        """Return whether a peer with this address is the proxy."""
        if not address:
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks)

    def peer(self, headers: Headers) -> PeerFacts:
        """Return the client behind the proxy; raise `UnknownCallerError`."""
        uris, dns_names = certificate_names([value for name, value in headers if name == self._certificate_header])
        return PeerFacts(
            spiffe_ids=spiffe_ids_in(uris), dns_names=dns_names, headers=headers, source_ip=self._client(headers)
        )

    def _client(self, headers: Headers) -> str:
        if not self._address_header:
            return ""
        hops = [hop for name, value in headers if name == self._address_header for hop in value.split(",")]
        for hop in reversed(hops):
            address = plain_address(hop.strip())
            if not address or not self.is_proxy(address):
                return address
        return ""


def certificate_names(values: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """certificate = NAME "=" value {";" NAME "=" value}, of which the values of URI and DNS are returned.

    Raise `UnknownCallerError` if there are several, or if one cannot be read.
    """
    if not values:
        return (), ()
    if len(values) > 1 or len(values[0]) > MAX_HEADER_CHARACTERS:
        raise UnknownCallerError(f"the proxy sent {len(values)} headers with a certificate, or a long one")
    names: dict[str, list[str]] = {"uri": [], "dns": []}
    position = 0
    while position < len(values[0]):
        pair = _PAIR.match(values[0], position)
        if pair is None:  # also a comma: a second certificate
            raise UnknownCallerError(f"the proxy's header with the certificate cannot be read at character {position}")
        names.setdefault(pair[1].lower(), []).append(pair[2].strip('"'))
        position = pair.end()
    return tuple(names["uri"]), tuple(names["dns"])
