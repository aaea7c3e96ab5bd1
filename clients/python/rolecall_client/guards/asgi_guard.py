"""Guards an application of ASGI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from rolecall_client.guards.asgi_scope import AsgiApp, Receive, Scope, Send, peer_of, route_of
from rolecall_client.guards.async_guard import AsyncGuard
from rolecall_client.guards.decision import RETRY_SECONDS, GuardDecision, GuardOutcome
from rolecall_client.guards.proxy import TrustedProxy

_POLICY_VIOLATION, _TRY_AGAIN_LATER = 1008, 1013


class HttpRefusal(NamedTuple):
    """The answer to a refused request. It says nothing about roles and policies."""

    status: int
    title: str
    close_code: int


_REFUSALS = {
    GuardOutcome.DENIED: HttpRefusal(403, "Forbidden", _POLICY_VIOLATION),
    GuardOutcome.CLOSED: HttpRefusal(403, "Forbidden", _POLICY_VIOLATION),
    GuardOutcome.UNKNOWN_CALLER: HttpRefusal(401, "Unauthorized", _POLICY_VIOLATION),
}
_UNDECIDED = HttpRefusal(503, "Service Unavailable", _TRY_AGAIN_LATER)


class AsgiGuard:
    """Lets a request reach the application only if the guard lets it pass: `app = AsgiGuard(app, guard)`.

    The guard has a `RouteMap`. A refused request is answered with 403, 401 or 503 and a JSON problem (RFC 9457), a refused
    WebSocket is closed before it is accepted. The certificate of a client comes from the server's `tls` extension, or from a
    `TrustedProxy`. Make it the outermost middleware. One inside it must not change the verb or the path, which were judged.
    """

    def __init__(self, app: AsgiApp, guard: AsyncGuard, *, proxy: TrustedProxy | None = None) -> None:
        self._app, self._guard, self._proxy = app, guard, proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of the application's server."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        decision = await self._guard.refusal(route_of(scope), peer_of(scope, self._proxy))
        if decision is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse(scope, send, decision)

    async def _refuse(self, scope: Scope, send: Send, decision: GuardDecision) -> None:
        if scope["type"] == "http" or "websocket.http.response" in (scope.get("extensions") or {}):
            await self._answer(scope, send, decision)
        elif scope["type"] == "websocket":
            refusal = _REFUSALS.get(decision.outcome, _UNDECIDED)
            await send({"type": "websocket.close", "code": refusal.close_code, "reason": refusal.title})
        else:
            raise ValueError(f"a guard knows `http` and `websocket`, and not `{scope['type']}`")

    async def _answer(self, scope: Scope, send: Send, decision: GuardDecision) -> None:
        refusal = _REFUSALS.get(decision.outcome, _UNDECIDED)
        kind = "http" if scope["type"] == "http" else "websocket.http"
        body = b"" if scope.get("method") == "HEAD" else _problem(refusal, decision)
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(_problem(refusal, decision))).encode()),
            (b"cache-control", b"no-store"),
            *self._further_headers(refusal),
        ]
        await send({"type": f"{kind}.response.start", "status": refusal.status, "headers": headers})
        await send({"type": f"{kind}.response.body", "body": body})

    def _further_headers(self, refusal: HttpRefusal) -> list[tuple[bytes, bytes]]:
        if refusal.status == 401 and self._guard.challenge:
            return [(b"www-authenticate", self._guard.challenge.encode())]
        return [(b"retry-after", str(RETRY_SECONDS).encode())] if refusal is _UNDECIDED else []


def _problem(refusal: HttpRefusal, decision: GuardDecision) -> bytes:
    problem: Mapping[str, str | int] = {"type": "about:blank", "title": refusal.title, "status": refusal.status}
    known = {"decision_id": decision.decision_id} if decision.decision_id else {}
    return json.dumps({**problem, **known}).encode()
