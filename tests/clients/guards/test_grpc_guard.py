"""Guards before real servers of gRPC, in threads and in an event loop, with client certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from cryptography import x509
from google.rpc import status_pb2

from rolecall_client import AsyncRolecallClient, RolecallClient, error_of_status
from rolecall_client.guards import AioGrpcGuard, AsyncGuard, GrpcGuard, Guard, RoleMap, SpiffePrincipals, TrustedProxy
from rolecall_client.v1 import caller_pb2 as c
from rolecall_client.v1.caller_pb2_grpc import CallerServiceServicer, add_CallerServiceServicer_to_server
from tests.clients.guards.conftest import CART_USER, THIEF_USER
from tests.clients.guards.orders import (
    CART,
    GET,
    METHODS,
    SERVICE,
    THIEF,
    Called,
    Orders,
    acall,
    aio_service,
    call,
    server_credentials,
    threaded_service,
    uri,
)
from tests.security.certificates import Authority

ROLES = RoleMap({f"/{SERVICE}/*": "orders.use"})
CALLERS = SpiffePrincipals({CART: CART_USER, THIEF: THIEF_USER})
KINDS = ["threaded", "awaited", "written"]
OK, DENIED, UNKNOWN = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED


def texts_of(method: str) -> list[str]:
    return ["first", "second"] if METHODS[method][1] == "stream" else ["answer"]


@pytest.mark.parametrize("method", METHODS)
def test_a_server_with_threads_answers_callers_that_may_assume_the_role_and_no_others(
    client: RolecallClient, authority: Authority, method: str
) -> None:
    orders = Orders()

    with threaded_service(Guard(client, ROLES, CALLERS), authority, orders) as address:
        allowed = call(address, authority, method, uri(CART))
        denied = call(address, authority, method, uri(THIEF))

    assert (allowed.code, allowed.texts) == (OK, texts_of(method))
    assert (denied.code, denied.texts) == (DENIED, [])
    assert len(orders.ran) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_in_an_event_loop_answers_callers_that_may_assume_the_role_and_no_others(
    async_client: AsyncRolecallClient, authority: Authority, kind: str, method: str
) -> None:
    orders = Orders()

    async with aio_service(AsyncGuard(async_client, ROLES, CALLERS), authority, getattr(orders, kind)()) as address:
        allowed = await acall(address, authority, method, uri(CART))
        denied = await acall(address, authority, method, uri(THIEF))

    assert (allowed.code, allowed.texts) == (OK, texts_of(method))
    assert (denied.code, denied.texts) == (DENIED, [])
    assert len(orders.ran) == 1


async def test_a_service_of_generated_code_is_guarded(
    client: RolecallClient, async_client: AsyncRolecallClient, authority: Authority
) -> None:
    # The code registers its methods one by one, where gRPC looks before it looks at other handlers.
    class Threaded(CallerServiceServicer):
        def WhoAmI(self, request: Any, context: Any) -> Any:  # noqa: N802
            return c.WhoAmIResponse()

    class Awaited(CallerServiceServicer):
        async def WhoAmI(self, request: Any, context: Any) -> c.WhoAmIResponse:  # noqa: N802
            return c.WhoAmIResponse()

    who_am_i = "/rolecall.v1.CallerService/WhoAmI"
    roles = RoleMap({who_am_i: "orders.use"})
    threads = grpc.server(ThreadPoolExecutor(2), interceptors=[GrpcGuard(Guard(client, roles, CALLERS))])
    loop = grpc.aio.server(interceptors=[AioGrpcGuard(AsyncGuard(async_client, roles, CALLERS))])
    add_CallerServiceServicer_to_server(Threaded(), threads)
    add_CallerServiceServicer_to_server(Awaited(), loop)
    ports = [server.add_secure_port("127.0.0.1:0", server_credentials(authority)) for server in (threads, loop)]
    threads.start()
    await loop.start()

    codes = [
        (await acall(f"localhost:{port}", authority, who_am_i, uri(name))).code
        for port in ports
        for name in (CART, THIEF)
    ]
    await loop.stop(None)
    threads.stop(None).wait()

    assert codes == [OK, DENIED, OK, DENIED]


Opened = Callable[..., Any]


@pytest.fixture(params=["threads", "event loop"])
def opened(request: pytest.FixtureRequest, address: str, client: RolecallClient, authority: Authority) -> Opened:
    """Return a function that serves behind a guard with these arguments, in threads or in the event loop."""

    @asynccontextmanager
    async def serving(
        *arguments: Any, unreachable: bool = False, proxy: Any = None, **options: Any
    ) -> AsyncIterator[tuple[str, Orders]]:
        orders = Orders()
        if request.param == "threads":
            with (
                RolecallClient("127.0.0.1:1" if unreachable else address) as asked,
                threaded_service(Guard(asked, *arguments, **options), authority, orders, proxy) as served,
            ):
                yield served, orders
        else:
            async with (
                AsyncRolecallClient("127.0.0.1:1" if unreachable else address) as asked_async,
                aio_service(
                    AsyncGuard(asked_async, *arguments, **options), authority, orders.awaited(), proxy
                ) as served,
            ):
                yield served, orders

    return serving


def reason_in(called: Called) -> str:
    return error_of_status(status_pb2.Status.FromString(called.metadata["grpc-status-details-bin"])).reason


async def test_a_deny_has_the_id_of_the_decision_and_nothing_about_the_policy(
    opened: Opened, authority: Authority
) -> None:
    found: list[Any] = []

    async with opened(ROLES, CALLERS, on_decision=found.append) as (address, _):
        called = await acall(address, authority, GET, uri(THIEF))

    assert called.details == f"the caller is not allowed to call this method; decision `{found[0].decision_id}`"
    assert reason_in(called) == "NOT_ALLOWED"
    assert (found[0].role, found[0].caller, found[0].reason) == ("orders.use", THIEF_USER, "IMPLICIT_DENY")
    assert "orders.use" not in str(called)


async def test_a_method_that_is_not_mapped_is_refused(opened: Opened, authority: Authority) -> None:
    async with opened(RoleMap({f"/{SERVICE}/List": "orders.use"}), CALLERS) as (address, orders):
        called = await acall(address, authority, GET, uri(CART))

    assert (called.code, reason_in(called)) == (DENIED, "METHOD_CLOSED")
    assert orders.ran == []


async def test_a_method_that_does_not_exist_is_unimplemented(opened: Opened, authority: Authority) -> None:
    async with opened(ROLES, CALLERS) as (address, _):
        called = await acall(address, authority, f"/{SERVICE}/Absent", uri(CART))

    assert called.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_public_method_is_open_to_every_caller_also_when_nobody_answers(
    opened: Opened, authority: Authority
) -> None:
    async with opened(RoleMap({}, public=[GET]), CALLERS, unreachable=True) as (address, _):
        called = await acall(address, authority, GET, x509.DNSName("anyone.example"))

    assert called.code is OK


@pytest.mark.parametrize(
    "names",
    [
        [],
        [x509.DNSName("cart.example")],
        [uri(CART), uri(THIEF)],
        [uri(CART), uri("spiffe://prod.example/x//y")],
        [uri("SPIFFE://prod.example/ns/shop/sa/cart")],
        [uri("spiffe://prod.example/ns/shop/sa/cart/")],
        [uri("spiffe://prod.example/ns/shop/sa/unlisted")],
        [x509.DNSName(CART.removeprefix("spiffe://").replace("/", "."))],
        [x509.RFC822Name("cart@prod.example")],
    ],
    ids=lambda names: " ".join(str(name.value) for name in names) or "none",
)
async def test_a_certificate_that_names_no_caller_or_several_is_unauthenticated(
    opened: Opened, authority: Authority, names: list[x509.GeneralName]
) -> None:
    async with opened(ROLES, CALLERS) as (address, orders):
        called = await acall(address, authority, GET, *names)

    assert (called.code, reason_in(called)) == (UNKNOWN, "UNKNOWN_CALLER")
    assert orders.ran == []


async def test_nobody_passes_when_the_service_is_unreachable(opened: Opened, authority: Authority) -> None:
    async with opened(ROLES, CALLERS, unreachable=True, timeout=0.5) as (address, orders):
        called = await acall(address, authority, GET, uri(CART))

    assert (called.code, reason_in(called)) == (grpc.StatusCode.UNAVAILABLE, "NOT_DECIDED")
    assert b"google.rpc.RetryInfo" in called.metadata["grpc-status-details-bin"]
    assert orders.ran == []


@pytest.mark.parametrize("failing", ["identify", "context"])
async def test_nobody_passes_when_a_callback_fails(opened: Opened, authority: Authority, failing: str) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("secret of the service")

    callbacks = {"identify": (ROLES, broken), "context": (ROLES, CALLERS)}
    options = {"context": broken} if failing == "context" else {}

    async with opened(*callbacks[failing], **options) as (address, orders):
        called = await acall(address, authority, GET, uri(CART))

    assert called.code is grpc.StatusCode.UNAVAILABLE
    assert "secret" not in str(called)
    assert orders.ran == []


async def test_a_callback_that_fails_after_a_decision_changes_nothing(opened: Opened, authority: Authority) -> None:
    def broken(_: Any) -> None:
        raise KeyError("x")

    async with opened(ROLES, CALLERS, on_decision=broken) as (address, _):
        allowed = await acall(address, authority, GET, uri(CART))
        denied = await acall(address, authority, GET, uri(THIEF))

    assert (allowed.code, denied.code) == (OK, DENIED)


@pytest.mark.parametrize(("role", "code"), [("orders.near", OK), ("orders.far", DENIED)])
async def test_the_address_of_the_peer_is_a_condition_key(
    opened: Opened, authority: Authority, role: str, code: Any
) -> None:
    forged = (("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"))

    async with opened(RoleMap({GET: role}), CALLERS) as (address, _):
        called = await acall(address, authority, GET, uri(CART), metadata=forged)

    assert called.code is code


async def test_a_callback_adds_condition_keys(opened: Opened, authority: Authority) -> None:
    def from_proxy(method: str, peer: Any) -> Any:
        return {"acs:SourceIp": peer.values_of("x-real-ip")}

    async with opened(RoleMap({GET: "orders.far"}), CALLERS, context=from_proxy) as (address, _):
        far = await acall(address, authority, GET, uri(CART), metadata=(("x-real-ip", "203.0.113.9"),))
        near = await acall(address, authority, GET, uri(CART))

    assert (far.code, near.code) == (OK, DENIED)


async def test_behind_a_proxy_the_certificate_is_the_one_that_it_reports(opened: Opened, authority: Authority) -> None:
    thief, cart = ((("x-forwarded-client-cert", f"Hash=0a;URI={name}"),) for name in (THIEF, CART))
    several = (("x-forwarded-client-cert", f"URI={CART}"), ("x-forwarded-client-cert", f"URI={CART}"))

    async with opened(ROLES, CALLERS, proxy=TrustedProxy(["127.0.0.1"])) as (address, _):
        behind = [await acall(address, authority, GET, uri(CART), metadata=sent) for sent in (cart, thief, several, ())]
    async with opened(ROLES, CALLERS, proxy=TrustedProxy(["10.0.0.0/8"])) as (address, _):
        direct = await acall(address, authority, GET, uri(THIEF), metadata=cart)

    assert [called.code for called in behind] == [OK, DENIED, UNKNOWN, UNKNOWN]
    assert direct.code is DENIED


async def test_an_observing_guard_lets_every_call_pass_and_counts_what_it_would_refuse(
    opened: Opened, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[Any] = []

    async with opened(ROLES, CALLERS, mode="observe", on_decision=found.append) as (address, orders):
        called = [await acall(address, authority, GET, uri(name)) for name in (CART, THIEF, "spiffe://prod.example/x")]

    assert [answer.code for answer in called] == [OK, OK, OK]
    assert sorted(decision.outcome for decision in found) == ["allowed", "denied", "unknown_caller"]
    assert len(orders.ran) == 3
    assert sum("would be refused" in line for line in caplog.messages) == 2


async def test_an_observing_guard_lets_every_call_pass_when_the_service_is_unreachable(
    opened: Opened, authority: Authority
) -> None:
    found: list[Any] = []

    async with opened(ROLES, CALLERS, unreachable=True, mode="observe", timeout=0.5, on_decision=found.append) as (
        address,
        _,
    ):
        called = await acall(address, authority, GET, uri(CART))

    assert called.code is OK
    assert [decision.outcome for decision in found] == ["undecided"]
