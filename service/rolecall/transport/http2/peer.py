"""Who is at the other end of a connection: its address, and the names in its certificate."""

from __future__ import annotations

from typing import Any

_FACTS = {"URI": "peer_uri", "DNS": "peer_dns"}


def peer_of(transport: Any) -> str:
    """Return the address of the client, as gRPC writes it: `ipv4:HOST:PORT`, `ipv6:[HOST]:PORT` or `unix:`."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return "unix:"
    host, port = name[:2]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"


def names_of(transport: Any) -> dict[str, list[bytes]]:
    """Return the alternative names in the client's verified certificate, as gRPC names them; empty without one."""
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls else None
    found = dict[str, list[bytes]]()
    for kind, name in (certificate or {}).get("subjectAltName", ()):
        if fact := _FACTS.get(kind):
            found.setdefault(fact, []).append(name.encode("utf-8", "backslashreplace"))
    return found
