"""The caller's identity, taken from the connection and never from the content of a request.

Over mTLS it is the only SPIFFE id of the client certificate, or its first DNS name if the certificate has no URI. The common name
is not an identity: authorities do not verify it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from grpc.aio import ServicerContext

LOCAL = "local"
"""Every caller of a server that listens only on this machine."""

ANONYMOUS = "anonymous"
"""Every caller of a server that runs with `--insecure`."""

MAX_SPIFFE_ID_BYTES = 2_048

CallContext = ServicerContext[Any, Any]
Identify = Callable[[CallContext], str | None]

_SPIFFE_ID = re.compile(rb"spiffe://[a-z0-9._-]{1,255}(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._-]+)*")
_DNS_NAME = re.compile(rb"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_-]+)*")


def fixed_identity(name: str) -> Identify:
    """Return an `Identify` that gives every caller the same name."""

    def identify(context: CallContext) -> str:  # noqa: ARG001
        return name

    return identify


def by_certificate(context: CallContext) -> str | None:
    """Return the identity in the client certificate; None if it has none, a malformed one, or several URIs."""
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
