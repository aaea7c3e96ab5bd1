"""What a server of ASGI knows of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from rolecall_client.guards.certificate_names import names_in
from rolecall_client.guards.peer import Headers, PeerFacts, plain_address
from rolecall_client.guards.proxy import TrustedProxy
from rolecall_client.guards.route_map import WEBSOCKET, is_plain

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_PATH_CHARACTERS = 8_192

_AMBIGUOUS = (b"%2f", b"%5c", b"%00")
"""An encoded slash or backslash, or a zero byte: some readers decode it before they split a path, and some after."""


def route_of(scope: Scope) -> str:
    """Return the route of a request as `VERB /path`, below the root path of the application.

    A path that two readers could read differently is no route of any map.
    """
    path = _below(str(scope.get("path") or ""), str(scope.get("root_path") or ""))
    return f"{_verb_of(scope)} {path if _is_clear(scope, path) else ''}"


def peer_of(scope: Scope, proxy: TrustedProxy | None) -> PeerFacts:
    """Return what is known of the peer of a request. Never raises: a peer that cannot be read is nobody."""
    try:
        headers = _headers(scope.get("headers") or ())
        address = _address(scope)
        if proxy is not None and proxy.is_proxy(address):
            return proxy.peer(headers)
        spiffe_ids, dns_names = _certificate_names(scope)
        return PeerFacts(spiffe_ids=spiffe_ids, dns_names=dns_names, headers=headers, source_ip=address)
    except Exception:  # noqa: BLE001  (it may depend on what the peer sent)
        return PeerFacts()


def _verb_of(scope: Scope) -> str:
    if scope["type"] == "websocket":
        return WEBSOCKET
    # A request may have any word as its verb, but not that of a WebSocket. Other kinds of connections have no route.
    verb = str(scope["method"]) if scope["type"] == "http" else ""
    return "" if verb == WEBSOCKET else verb


def _below(path: str, root: str) -> str:
    below = path.removeprefix(root)
    return below if below.startswith("/") else path


def _is_clear(scope: Scope, path: str) -> bool:
    raw = bytes(scope.get("raw_path") or b"").lower()
    return (
        len(path) <= MAX_PATH_CHARACTERS
        and path.isprintable()
        and "\\" not in path
        and not any(text in raw for text in _AMBIGUOUS)
        and is_plain(path.split("/")[1:])
    )


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return plain_address(str(client[0])) if client else ""


def _certificate_names(scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    extension: Mapping[str, Any] = (scope.get("extensions") or {}).get("tls") or {}
    chain = tuple(extension.get("client_cert_chain") or ())
    if not chain or extension.get("client_cert_error"):
        return (), ()
    return names_in(str(chain[0]))
