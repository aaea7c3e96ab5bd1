"""Who calls. Told from how the connection was made, never from anything that a request says.

Over mTLS the caller is the one SPIFFE id of its certificate, or without any URI its first DNS name. The common name is
not an identity: nobody checks who may have which.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from grpc.aio import ServicerContext

LOCAL = "local"
"""Whoever reaches a server that listens on this machine alone."""

ANONYMOUS = "anonymous"
"""Whoever reaches a server that was told to take calls without authentication."""

MAX_SPIFFE_ID_BYTES = 2_048

Context = ServicerContext[Any, Any]
Identify = Callable[[Context], str | None]

_SPIFFE_ID = re.compile(rb"spiffe://[a-z0-9._-]{1,255}(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._-]+)*")
_DNS_NAME = re.compile(rb"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_-]+)*")


def fixed_identity(name: str) -> Identify:
    """Return what takes everybody for one caller."""

    def identify(context: Context) -> str:  # noqa: ARG001
        return name

    return identify


def by_certificate(context: Context) -> str | None:
    """Return the caller that its certificate names, or None when it does not name exactly one."""
    facts = context.auth_context()
    uris = list(facts.get("peer_uri", ()))
    if uris:
        return _spiffe_id(uris)
    names = list(facts.get("peer_dns", ()))
    return names[0].decode("ascii") if names and _DNS_NAME.fullmatch(names[0]) else None


def _spiffe_id(uris: list[bytes]) -> str | None:
    if len(uris) != 1 or len(uris[0]) > MAX_SPIFFE_ID_BYTES or not _SPIFFE_ID.fullmatch(uris[0]):
        return None
    return uris[0].decode("ascii")
