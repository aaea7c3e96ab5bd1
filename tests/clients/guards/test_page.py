"""The page about protecting a service: its code and its roles, run one after the other against a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from rolecall_client import AsyncRolecallClient
from rolecall_client.guards import (
    GuardOutcome,
    NotAllowedError,
    access,
    asgi_scope,
    certificate_names,
    identities,
    judgement,
    observer,
    proxy,
    report,
    route_map,
    rules,
    spiffe_patterns,
)
from rolecall_client.guards.decision import GuardDecision
from rolecall_client.guards.grpc_calls import refusal_of
from tests.cli.serving import REPOSITORY, environment
from tests.clients.guards.http_service import Application, get, http_service
from tests.clients.guards.orders import CART, THIEF, acall, call, server_credentials, uri
from tests.security.certificates import Authority

PAGE = (REPOSITORY / "docs/protect-a-service.md").read_text()
REFUND = "/orders.v1.Orders/Refund"
CART_SERVICE = "123456789012@cart.internal"


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return the names that the code of the page defines, when its roles are written."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "roles.yaml").write_text("".join(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)))
    command = [sys.executable, "-m", "rolecall", "apply", "-f", "roles.yaml", "--address", address]
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block.replace("127.0.0.1:50051", address), "protect-a-service.md", "exec"), names)
    yield names
    names["rolecall"].close()


def refund_handler(answer: Any) -> grpc.GenericRpcHandler:
    codec: dict[str, Any] = {
        "request_deserializer": StringValue.FromString,
        "response_serializer": StringValue.SerializeToString,
    }
    return grpc.method_handlers_generic_handler(
        "orders.v1.Orders", {"Refund": grpc.unary_unary_rpc_method_handler(answer, **codec)}
    )


async def test_the_server_of_the_page_is_guarded(page: dict[str, Any], address: str, authority: Authority) -> None:
    async def answer(request: Any, context: Any) -> StringValue:
        return StringValue(value="refunded")

    async with AsyncRolecallClient(address) as rolecall:
        server = page["orders_server"](rolecall)
        server.add_generic_rpc_handlers((refund_handler(answer),))
        port = server.add_secure_port("127.0.0.1:0", server_credentials(authority))
        await server.start()
        allowed = await acall(f"localhost:{port}", authority, REFUND, uri(CART))
        unknown = await acall(f"localhost:{port}", authority, REFUND, uri(THIEF))
        await server.stop(None)

    assert (allowed.code, unknown.code) == (grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED)


def test_the_server_with_threads_of_the_page_is_guarded(page: dict[str, Any], authority: Authority) -> None:
    server = page["threaded_orders_server"](page["rolecall"])
    server.add_generic_rpc_handlers((refund_handler(lambda request, context: StringValue(value="refunded")),))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority))
    server.start()

    allowed = call(f"localhost:{port}", authority, REFUND, uri(CART))
    unknown = call(f"localhost:{port}", authority, REFUND, uri(THIEF))
    server.stop(None).wait()

    assert (allowed.texts, unknown.code) == (["refunded"], grpc.StatusCode.UNAUTHENTICATED)


async def test_the_application_of_the_page_is_guarded(page: dict[str, Any], address: str) -> None:
    by_proxy = {"x-forwarded-client-cert": f"URI={CART}"}

    async with AsyncRolecallClient(address) as rolecall, http_service(page["guarded"](Application(), rolecall)) as port:
        answers = [
            await get(port, "/orders/7", by_proxy),
            await get(port, "/orders/7"),
            await get(port, "/orders/7/refund", by_proxy, "POST"),
            await get(port, "/healthz"),
        ]

    # The proxy reports no address, so the condition of `orders.refund` does not hold.
    assert [answer.status for answer in answers] == [200, 401, 403, 200]


def test_the_function_of_the_page_is_guarded(page: dict[str, Any]) -> None:
    assert page["refund"](7, CART_SERVICE, "127.0.0.1") == "order 7 is refunded"
    with pytest.raises(NotAllowedError):
        page["refund"](7, CART_SERVICE, address="203.0.113.9")


def test_the_observing_guard_of_the_page_counts(page: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    from rolecall_client.guards import PeerFacts

    guard = page["observing_guard"](page["rolecall"])
    assert guard.refusal(REFUND, PeerFacts(spiffe_ids=(CART,))) is None
    guard.close()

    assert page["calls"].labels("orders.refund", "denied")._value.get() == 1
    (shown,) = re.findall(r"```text\n(would be refused.*?)\n```", PAGE)
    assert re.fullmatch(re.escape(shown).replace(r"\.\.\.", r"[\w-]+"), caplog.messages[0])


def test_the_page_has_every_outcome_with_what_callers_see() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| .*? \| (.*?) \|", PAGE.partition("## What callers see")[2], re.MULTILINE)
    shown = {name: status for names, status in rows for name in re.findall(r"`(\w+)`", names)}

    refused = {outcome for outcome in GuardOutcome if not GuardDecision(outcome=outcome, method="").allowed}
    refused -= {GuardOutcome.NOT_OBSERVED}
    assert set(shown) == {*refused, GuardOutcome.ALLOWED, GuardOutcome.PUBLIC}
    for outcome in refused:
        status = refusal_of(GuardDecision(outcome=outcome, method=""))
        assert status.code.name in shown[outcome]
        assert f"`{status.reason}`" in PAGE


def test_the_page_has_the_limits_of_the_code() -> None:
    shown = set(re.findall(r"[0-9]+(?:,[0-9]{3})*", PAGE.partition("## Limits")[2].partition("\n## ")[0]))

    limits = {
        access.MAX_ENTRIES,
        route_map.MAX_SEGMENTS,
        asgi_scope.MAX_PATH_CHARACTERS,
        spiffe_patterns.MAX_PATTERNS,
        spiffe_patterns.MEMOISED,
        identities.MAX_TOKEN_BYTES,
        certificate_names.MAX_CERTIFICATE_CHARACTERS,
        certificate_names.MEMOISED,
        proxy.MAX_HEADER_CHARACTERS,
        rules.MAX_TIMEOUT_SECONDS,
        judgement.MAX_OBSERVED,
        observer.OBSERVERS,
        report.LINES_PER_SECOND,
    }
    assert shown == {f"{limit:,}" for limit in limits}
