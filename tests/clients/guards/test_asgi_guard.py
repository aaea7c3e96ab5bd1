"""Guards before real HTTP servers, with client certificates, and behind a proxy that reports them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from rolecall_client import AsyncRolecallClient
from rolecall_client.guards import AsgiGuard, AsyncGuard, OidcBearer, RouteMap, SpiffePrincipals, TrustedProxy
from tests.clients.guards.conftest import CART_USER, THIEF_USER
from tests.clients.guards.http_service import Application, get, get_with_certificate, http_service, https_service
from tests.clients.guards.orders import CART, THIEF, uri
from tests.security.certificates import Authority

ROUTES = RouteMap(
    {
        "GET /orders/{id}": "orders.use",
        "POST /orders/{id}/refund": "orders.absent",
        "GET /near": "orders.near",
        "GET /far": "orders.far",
    },
    public=["GET /healthz"],
)
CALLERS = SpiffePrincipals({CART: CART_USER, THIEF: THIEF_USER})


def certificate(name: str) -> dict[str, str]:
    return {"x-forwarded-client-cert": f'By=spiffe://prod.example/proxy;Hash=0a1b;Subject="CN=x,O=y";URI={name}'}


@pytest.fixture
def app() -> Application:
    return Application()


@pytest.fixture
def guard(async_client: AsyncRolecallClient) -> AsyncGuard:
    return AsyncGuard(async_client, ROUTES, CALLERS)


async def test_a_client_is_known_by_the_certificate_of_its_connection(
    guard: AsyncGuard, app: Application, authority: Authority, tmp_path: Path
) -> None:
    async with https_service(AsgiGuard(app, guard), authority) as port:
        allowed = await get_with_certificate(port, "/orders/7", authority, tmp_path, uri(CART))
        denied = await get_with_certificate(port, "/orders/7", authority, tmp_path, uri(THIEF))

    assert (allowed.status, allowed.body) == (200, "/orders/7")
    assert (denied.status, denied.problem["title"]) == (403, "Forbidden")
    assert app.reached == ["GET /orders/7"]


@pytest.mark.parametrize(
    "names",
    [
        [],
        [x509.DNSName("cart.example")],
        [uri(CART), uri(THIEF)],
        [uri("SPIFFE://x")],
        [x509.IPAddress(ip_address("127.0.0.1"))],
    ],
    ids=["none", "dns", "two", "malformed", "address"],
)
async def test_a_certificate_that_names_no_caller_or_several_is_unauthorized(
    guard: AsyncGuard, app: Application, authority: Authority, tmp_path: Path, names: list[x509.GeneralName]
) -> None:
    async with https_service(AsgiGuard(app, guard), authority) as port:
        answer = await get_with_certificate(port, "/orders/7", authority, tmp_path, *names)

    assert (answer.status, answer.problem["title"]) == (401, "Unauthorized")
    assert app.reached == []


async def test_a_denied_request_gets_a_problem_with_the_id_of_the_decision_and_nothing_about_the_policy(
    async_client: AsyncRolecallClient, app: Application
) -> None:
    found: list[Any] = []
    guard = AsyncGuard(async_client, ROUTES, CALLERS, on_decision=found.append)

    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["127.0.0.1"]))) as port:
        answer = await get(port, "/orders/7", certificate(THIEF))

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.problem == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "decision_id": found[0].decision_id,
    }
    assert (found[0].pattern, found[0].role) == ("GET /orders/{id}", "orders.use")


async def test_a_public_route_is_open_and_every_route_that_is_not_mapped_is_closed(
    guard: AsyncGuard, app: Application
) -> None:
    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["127.0.0.1"]))) as port:
        public = await get(port, "/healthz")
        closed = [
            await get(port, path, certificate(CART), method)
            for method, path in [
                ("GET", "/orders"),
                ("POST", "/orders/7"),
                ("WEBSOCKET", "/orders/7"),
                ("get", "/orders/7"),
                ("GET", "/orders/7/"),
                ("GET", "//orders/7"),
                ("GET", "/healthz/../orders/7"),
                ("GET", "/orders/%2e%2e/healthz"),
                ("GET", "/orders%2f7"),
                ("GET", "/orders/7%2frefund"),
                ("GET", "/orders/7%5C"),
                ("GET", "/orders/%00"),
                ("GET", "/orders/7%0d%0ax"),
                ("GET", "/ORDERS/7"),
                ("GET", "http://other/orders/7/x"),
            ]
        ]

    assert public.status == 200
    assert [answer.status for answer in closed] == [403] * len(closed)
    assert app.reached == ["GET /healthz"]


async def test_a_head_request_is_judged_as_get_and_answered_without_a_body(guard: AsyncGuard, app: Application) -> None:
    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["127.0.0.1"]))) as port:
        allowed = await get(port, "/orders/7", certificate(CART), "HEAD")
        denied = await get(port, "/orders/7", certificate(THIEF), "HEAD")

    assert (allowed.status, denied.status, denied.body) == (200, 403, "")
    # uvicorn removes the body by itself; other servers may not.
    head = {"type": "http", "method": "HEAD", "path": "/absent", "headers": []}
    assert (await answered(AsgiGuard(app, guard), head))[1]["body"] == b""


async def test_routes_are_below_the_root_path_of_the_application(guard: AsyncGuard, app: Application) -> None:
    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["127.0.0.1"])), root_path="/api") as port:
        answer = await get(port, "/orders/7", certificate(CART))

    assert (answer.status, answer.body) == (200, "/api/orders/7")


async def test_nobody_passes_when_the_service_is_unreachable(app: Application) -> None:
    async with AsyncRolecallClient("127.0.0.1:1") as unreachable:
        guard = AsyncGuard(unreachable, ROUTES, CALLERS, timeout=0.5)
        async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["127.0.0.1"]))) as port:
            answer = await get(port, "/orders/7", certificate(CART))
            public = await get(port, "/healthz")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "decision_id" not in answer.problem
    assert public.status == 200


async def test_an_observing_guard_lets_every_request_pass(async_client: AsyncRolecallClient, app: Application) -> None:
    guard = AsyncGuard(async_client, ROUTES, CALLERS, mode="observe")

    async with http_service(AsgiGuard(app, guard)) as port:
        answers = [await get(port, path) for path in ("/orders/7", "/absent", "//")]
        await guard.close()

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert guard.counts.by_role() == {("orders.use", "unknown_caller"): 1, ("", "closed"): 2}


async def test_a_header_counts_only_if_it_comes_from_the_proxy(guard: AsyncGuard, app: Application) -> None:
    async with http_service(AsgiGuard(app, guard)) as port:
        without_proxy = await get(port, "/orders/7", certificate(CART))
    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["10.0.0.0/8"]))) as port:
        from_elsewhere = await get(port, "/orders/7", certificate(CART))

    assert (without_proxy.status, from_elsewhere.status) == (401, 401)


async def test_a_peer_cannot_make_itself_the_proxy_with_a_header(guard: AsyncGuard, app: Application) -> None:
    forged = {**certificate(CART), "x-forwarded-for": "10.1.2.3", "forwarded": "for=10.1.2.3", "x-real-ip": "10.1.2.3"}

    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["10.0.0.0/8"])), proxy_headers=False) as port:
        answer = await get(port, "/orders/7", forged)

    assert answer.status == 401


async def test_the_address_of_a_client_comes_from_the_connection_or_from_the_header_that_the_proxy_is_said_to_set(
    guard: AsyncGuard, app: Application, authority: Authority, tmp_path: Path
) -> None:
    headers = {**certificate(CART), "x-forwarded-for": "192.0.2.1, 203.0.113.9, 127.0.0.1"}
    named = TrustedProxy(["127.0.0.1"], address_header="X-Forwarded-For")

    async with https_service(AsgiGuard(app, guard), authority) as port:
        near = await get_with_certificate(port, "/near", authority, tmp_path, uri(CART))
    async with http_service(AsgiGuard(app, guard, proxy=named), proxy_headers=False) as port:
        far = await get(port, "/far", headers)
    async with http_service(AsgiGuard(app, guard, proxy=TrustedProxy(["127.0.0.1"])), proxy_headers=False) as port:
        unknown = await get(port, "/far", headers)
        also_unknown = await get(port, "/near", headers)

    assert (near.status, far.status) == (200, 200)
    assert (unknown.status, also_unknown.status) == (403, 403)


async def test_a_caller_without_a_token_is_challenged(async_client: AsyncRolecallClient, app: Application) -> None:
    guard = AsyncGuard(async_client, ROUTES, OidcBearer("acs:ram::123456789012:oidc-provider/cluster"))

    async with http_service(AsgiGuard(app, guard)) as port:
        without = await get(port, "/orders/7")
        unverified = await get(port, "/orders/7", {"authorization": "Bearer e30.e30.c2ln"})

    assert (without.status, without.headers["www-authenticate"]) == (401, "Bearer")
    assert unverified.status in {401, 503}


SOCKET = {"type": "websocket", "path": "/feed", "headers": [], "client": ("127.0.0.1", 1), "root_path": ""}


async def answered(guarded: AsgiGuard, scope: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await guarded(scope, receive, send)
    return sent


async def test_a_refused_websocket_is_closed_before_it_is_accepted(guard: AsyncGuard, app: Application) -> None:
    closed = await answered(AsgiGuard(app, guard), dict(SOCKET))
    response = await answered(AsgiGuard(app, guard), {**SOCKET, "extensions": {"websocket.http.response": {}}})

    assert closed == [{"type": "websocket.close", "code": 1008, "reason": "Forbidden"}]
    assert [message["type"] for message in response] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert response[0]["status"] == 403
    assert app.reached == []


async def test_a_request_cannot_take_the_route_of_a_websocket(
    async_client: AsyncRolecallClient, app: Application
) -> None:
    guard = AsyncGuard(async_client, RouteMap({}, public=["WEBSOCKET /feed"]), CALLERS)

    async with http_service(AsgiGuard(app, guard)) as port:
        answer = await get(port, "/feed", method="WEBSOCKET")

    assert answer.status == 403


async def test_a_websocket_has_a_route_of_its_own(async_client: AsyncRolecallClient, app: Application) -> None:
    guard = AsyncGuard(async_client, RouteMap({"* /*": "orders.use"}, public=["WEBSOCKET /feed"]), CALLERS)

    await answered(AsgiGuard(app, guard), dict(SOCKET))
    refused = await answered(AsgiGuard(app, guard), {**SOCKET, "path": "/other"})

    assert app.reached == ["websocket /feed"]
    assert refused[0]["type"] == "websocket.close"


async def test_a_lifespan_passes_and_an_unknown_kind_of_connection_does_not(
    guard: AsyncGuard, app: Application
) -> None:
    assert await answered(AsgiGuard(app, guard), {"type": "lifespan"}) == []
    with pytest.raises(ValueError, match="and not `webtransport`"):
        await answered(AsgiGuard(app, guard), {"type": "webtransport"})


@pytest.mark.parametrize(
    "paths",
    [
        {"path": "/orders/7\\"},
        {"path": "/orders/" + "7" * 9_000},
        {"path": "/orders/7", "raw_path": b"/orders%2F7"},
        {"path": "/orders/7", "raw_path": b"/orders/7%5c"},
        {"path": "/orders/7", "raw_path": b"/orders/7%00"},
        {"path": "/orders/7\x00"},
        {"path": "orders/7"},
        {"path": ""},
        {"path": None},
    ],
    ids=str,
)
async def test_a_path_of_any_server_that_two_readers_could_read_differently_is_closed(
    guard: AsyncGuard, app: Application, paths: dict[str, Any]
) -> None:
    answer = await answered(AsgiGuard(app, guard), {"type": "http", "method": "GET", "headers": [], **paths})

    assert answer[0]["status"] == 403
    assert guard.counts.by_role() == {("", "closed"): 1}


@pytest.mark.parametrize(
    "scope",
    [
        {"extensions": {"tls": {"client_cert_chain": ["no certificate"]}}},
        {"extensions": {"tls": {"client_cert_chain": ["x" * 17_000]}}},
        {"extensions": {"tls": {"client_cert_chain": 7}}},
        {"extensions": {"tls": {"client_cert_chain": ()}}},
        {"client": ("not an address", 1), "headers": [(b"\xff", b"\xff")]},
        {"client": None, "headers": None},
    ],
)
async def test_a_peer_that_cannot_be_read_is_nobody(guard: AsyncGuard, app: Application, scope: dict[str, Any]) -> None:
    request = {"type": "http", "method": "GET", "path": "/orders/7", "headers": [], "client": ("127.0.0.1", 1), **scope}

    answer = await answered(AsgiGuard(app, guard, proxy=TrustedProxy(["10.0.0.0/8"])), request)

    assert answer[0]["status"] == 401
    assert app.reached == []


async def test_a_certificate_that_the_server_could_not_verify_is_nobody(
    guard: AsyncGuard, app: Application, authority: Authority
) -> None:
    chain = [authority.issue(uri(CART))[0].decode()]
    request = {"type": "http", "method": "GET", "path": "/orders/7", "headers": [], "client": ("127.0.0.1", 1)}

    verified = await answered(AsgiGuard(app, guard), {**request, "extensions": {"tls": {"client_cert_chain": chain}}})
    failed = await answered(
        AsgiGuard(app, guard),
        {**request, "extensions": {"tls": {"client_cert_chain": chain, "client_cert_error": "expired"}}},
    )

    assert (verified[0]["status"], failed[0]["status"]) == (200, 401)
