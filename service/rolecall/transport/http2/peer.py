"""Who is at the other end of a connection: its address, and its certificate."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from typing import Any

_NAMES = {"URI": "peer_uri", "DNS": "peer_dns"}
_CREDENTIALS = struct.Struct("iII")  # struct ucred of unix(7): pid, uid, gid
_DER = 2  # `_ssl.ENCODING_DER`


ADMIN_FACTS = {"transport_security_type": [b"local"]}
"""What is known of a client on the admin socket."""


def peer_of(transport: Any) -> str:
    """Return the address of the client, as gRPC writes it: `ipv4:HOST:PORT`, `ipv6:[HOST]:PORT` or `unix:`."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return "unix:"
    host, port = name[:2]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"


def facts_of(transport: Any) -> dict[str, list[bytes]]:
    """Return what is known of the client, named as in gRPC; and `peer_uid`, its user on this machine, on a Unix socket."""
    tls = transport.get_extra_info("ssl_object")
    if tls is not None:
        return {"transport_security_type": [b"ssl"], **_certificate(tls)}
    uid = _uid(transport.get_extra_info("socket"))
    return {} if uid is None else {"peer_uid": [str(uid).encode()]}


def is_own_user(transport: Any) -> bool:
    """Return whether the client on a Unix socket is the user of this process, as far as the system says who it is."""
    return _uid(transport.get_extra_info("socket")) in {None, os.geteuid()}


def _certificate(tls: Any) -> dict[str, list[bytes]]:
    """Return the verified certificate of the client, its alternative names, and the certificates that it sent with it."""
    found = dict[str, list[bytes]]()
    certificate = tls.getpeercert()
    if not certificate:
        return found
    for kind, name in certificate.get("subjectAltName", ()):
        if fact := _NAMES.get(kind):
            found.setdefault(fact, []).append(name.encode("utf-8", "backslashreplace"))
    first, *others = map(ssl.DER_cert_to_PEM_cert, _chain(tls))
    found["x509_pem_cert"] = [first.encode()]
    if others:
        found["x509_pem_cert_chain"] = ["".join(others).encode()]
    return found


def _chain(tls: Any) -> list[bytes]:
    """Return the client's certificate and those that it sent with it."""
    if hasattr(tls, "get_unverified_chain"):
        return list(tls.get_unverified_chain()) or [tls.getpeercert(binary_form=True)]
    # Python has no public name for it before 3.13. A session that was resumed may have the certificate alone.
    chain = tls._sslobj.get_unverified_chain()  # noqa: SLF001
    return [each.public_bytes(_DER) for each in chain] if chain else [tls.getpeercert(binary_form=True)]


def _uid(connected: Any) -> int | None:
    """Return the user at the other end of a Unix socket, which the kernel vouches for; None on any other."""
    if connected is None or connected.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    _, uid, _ = _CREDENTIALS.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)
