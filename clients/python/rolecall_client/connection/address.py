"""Addresses of a service: `HOST:PORT`, where the port may be missing, or a target of gRPC."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

DEFAULT_PORT = 50051

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_VERBATIM = ("unix:", "unix-abstract:", "ipv4:", "ipv6:")
"""Targets of gRPC that are used as they are."""

_SCHEMES = frozenset({"dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds"})
"""Hosts that gRPC would read as the scheme of a target, before a port."""

AGENT_RULE = "write unix:PATH, the socket of an agent on this machine"
# `unix://run/agent.sock` names a host: it is never a socket, and the service would answer everything.
_SOCKET = re.compile(r"unix:(?!//[^/])\S+")

_DNS = re.compile(r"(dns:(?://[^/]*/)?)(.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[^\[\]/]+\]|[^\[\]:/?#@]+)(?::(.*))?", re.DOTALL)


def target_of(address: str) -> str:
    """Return the gRPC target of an address: `HOST:PORT`, `HOST` (port 50051), `dns:///HOST:PORT` or `unix:PATH`.

    Raise `ValueError` for a scheme such as `http://`, and for a text that is no address.
    """
    if not address or any(character.isspace() for character in address):
        raise ValueError(f"`{address}` is not an address; write HOST:PORT")
    if address.startswith(_VERBATIM):
        return address
    if dns := _DNS.fullmatch(address):
        return dns[1] + _with_port(dns[2], address)
    if scheme := _SCHEME.match(address):
        rest = address[scheme.end() :].partition("/")[0]
        raise ValueError(f"an address has no scheme `{scheme[0]}`; write `{rest}`, and TLS is a setting of its own")
    target = _with_port(address, address)
    return f"dns:///{target}" if target.partition(":")[0].lower() in _SCHEMES else target


def is_agent(address: str) -> bool:
    """Return whether an address is that of an agent on this machine: a unix socket."""
    return bool(_SOCKET.fullmatch(address))


def _with_port(name: str, address: str) -> str:
    if _is_ipv6(name):
        return f"[{name}]:{DEFAULT_PORT}"
    match = _HOST_AND_PORT.fullmatch(name)
    if match is None:
        raise ValueError(f"`{address}` is not an address; write HOST:PORT")
    host, port = match.groups()
    if port is None:
        return f"{host}:{DEFAULT_PORT}"
    if not (re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) and 0 < int(port) < 65_536):
        raise ValueError(f"the port of `{address}` is not a number from 1 to 65535")
    return name


def _is_ipv6(name: str) -> bool:
    try:
        IPv6Address(name)
    except AddressValueError:
        return False
    return True
