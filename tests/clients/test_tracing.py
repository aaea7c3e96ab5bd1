"""The spans of both clients, recorded by the SDK of OpenTelemetry, against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rolecall_client import AnswerCacheOptions, AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.checks import CallOptions
from rolecall_client.local import LocalOptions
from rolecall_client.tracing import Spans
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.serving import ACCOUNT
from tests.clients.test_client import ALICE, BOB, POLICY
from tests.clients.test_requests import recording

CHECK_SPAN = "rolecall.v1.DecisionService/CheckAssumeRole"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> trace.Tracer:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test")


@pytest.fixture(scope="module", autouse=True)
def roles(address: str) -> None:
    with RolecallClient(address) as client:
        client.create_role(r.CreateRoleRequest(role_name="one", assume_role_policy_document=POLICY))


@pytest.fixture
def client(address: str, tracer: trace.Tracer) -> Iterator[RolecallClient]:
    with RolecallClient(address, tracer=tracer) as client:
        yield client


@pytest.fixture
async def async_client(address: str, tracer: trace.Tracer) -> AsyncIterator[AsyncRolecallClient]:
    async with AsyncRolecallClient(address, tracer=tracer) as client:
        yield client


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_check_is_a_span_with_its_decision(
    client: RolecallClient, exporter: InMemorySpanExporter, address: str
) -> None:
    client.check(query(ALICE, "one"))
    client.check(query(BOB, "one"))

    allowed, denied = exporter.get_finished_spans()
    host, _, port = address.rpartition(":")
    assert (allowed.name, allowed.kind) == (CHECK_SPAN, trace.SpanKind.CLIENT)
    assert facts(allowed) == {
        "rpc.system": "grpc",
        "rpc.service": "rolecall.v1.DecisionService",
        "rpc.method": "CheckAssumeRole",
        "rpc.grpc.status_code": 0,
        "server.address": host,
        "server.port": int(port),
        "rolecall.allowed": True,
        "rolecall.reason": "ALLOW",
        "rolecall.answered_by": "service",
    }
    assert (facts(denied)["rolecall.allowed"], facts(denied)["rolecall.reason"]) == (False, "IMPLICIT_DENY")
    assert denied.status.status_code is trace.StatusCode.UNSET  # a deny is no error


async def test_the_asynchronous_client_makes_the_same_spans(
    client: RolecallClient, async_client: AsyncRolecallClient, exporter: InMemorySpanExporter
) -> None:
    client.check(query(ALICE, "one"))
    client.get_role("one")
    await async_client.check(query(ALICE, "one"))
    await async_client.get_role("one")

    spans = exporter.get_finished_spans()
    assert [(span.name, facts(span)) for span in spans[:2]] == [(span.name, facts(span)) for span in spans[2:]]


def test_a_failed_call_is_an_error_of_its_span(client: RolecallClient, exporter: InMemorySpanExporter) -> None:
    with pytest.raises(RolecallError):
        client.get_role("none")
    with pytest.raises(RolecallError):
        client.check(query("nonsense", "one"))

    missing, malformed = exporter.get_finished_spans()
    assert missing.name == "rolecall.v1.RoleService/GetRole"
    assert missing.status.status_code is trace.StatusCode.ERROR
    assert [facts(missing)[key] for key in ("rpc.grpc.status_code", "error.type", "rolecall.reason")] == [
        5,
        "NOT_FOUND",
        "ROLE_NOT_FOUND",
    ]
    assert (malformed.name, facts(malformed)["error.type"]) == (CHECK_SPAN, "INVALID_ARGUMENT")
    assert not malformed.events  # no stack trace: the error is an answer


def test_the_server_gets_the_trace(tracer: trace.Tracer, exporter: InMemorySpanExporter) -> None:
    with recording() as (plain, service), tracer.start_as_current_span("outer") as outer:
        with RolecallClient(service.address, tracer=tracer) as client:
            client.check(query(ALICE, "one"))
            client.who_am_i()
        plain.who_am_i()

    sent = [str(dict(call.metadata).get("traceparent", "")) for call in service.calls]
    check, who_am_i, _ = exporter.get_finished_spans()
    assert [text.split("-")[1:3] for text in sent[:2]] == [ids(check), ids(who_am_i)]
    assert sent[2] == ""
    assert check.parent is not None
    assert check.parent.span_id == outer.get_span_context().span_id


def ids(span: ReadableSpan) -> list[str]:
    context = span.get_span_context()
    assert context is not None
    return [trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)]


def test_a_stream_is_a_span_that_ends_with_it(client: RolecallClient, exporter: InMemorySpanExporter) -> None:
    list(client.stream([query(ALICE, "one")] * 3))
    events = client.watch_roles()
    next(events)
    before = len(exporter.get_finished_spans())
    events.close()

    names = [span.name.partition("/")[2] for span in exporter.get_finished_spans()]
    assert (before, names) == (1, ["StreamCheckAssumeRole", "WatchRoles"])


def test_a_span_of_a_check_names_the_layer_that_answered(tracer: trace.Tracer, exporter: InMemorySpanExporter) -> None:
    spans = Spans(tracer, "rolecall:1")
    service = spans.noted(Answering(always=True), "service")
    cache = spans.noted(Answering(service, always=False), "cache")
    checks = spans.traced(cache)

    for role in ("unknown", "known"):
        checks.check(query(ALICE, role), None, CallOptions(timeout=1))

    answered = [facts(span)["rolecall.answered_by"] for span in exporter.get_finished_spans()]
    assert answered == ["service", "cache"]


def answered_by(exporter: InMemorySpanExporter) -> list[str]:
    spans = [span for span in exporter.get_finished_spans() if span.name == CHECK_SPAN]
    return [facts(span)["rolecall.answered_by"] for span in spans]


async def test_an_answer_from_the_cache_is_a_span_of_the_cache(
    address: str, tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    options = AnswerCacheOptions(watch=False)
    with RolecallClient(address, tracer=tracer, cache=options) as client:
        for _ in range(2):
            client.check(query(ALICE, "one"))
    async with AsyncRolecallClient(address, tracer=tracer, cache=options) as other:
        for _ in range(2):
            await other.check(query(ALICE, "one"))

    assert answered_by(exporter) == ["service", "cache"] * 2


async def test_a_decision_in_the_process_is_a_span_of_its_own(
    address: str, tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    asked = query(ALICE, f"{ACCOUNT}/one")
    with RolecallClient(address, tracer=tracer, local=LocalOptions()) as client:
        assert client.replica is not None
        assert client.replica.wait_until_ready(30)
        client.check(asked)
        client.check(asked, consistency=d.Consistency(fully_consistent=True))
    async with AsyncRolecallClient(address, tracer=tracer, local=LocalOptions()) as other:
        await other.check(query(ALICE, "one"))  # the tasks of an event loop start with the first check
        assert other.replica is not None
        assert await other.replica.until_ready(30)
        await other.check(asked)

    assert answered_by(exporter) == ["local", "service", "service", "local"]


class Answering:
    """A layer that answers about the role `known`, or about every role."""

    def __init__(self, later: Any = None, *, always: bool) -> None:
        self._later, self._always = later, always

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        if self._always or query.role == "known":
            return d.CheckAssumeRoleResponse()
        response: d.CheckAssumeRoleResponse = self._later.check(query, consistency, options)
        return response


def test_without_a_tracer_no_layer_is_added() -> None:
    spans, layer = Spans(None, "rolecall:1"), Answering(always=True)

    assert spans.noted(layer, "service") is layer
    assert spans.traced(layer) is layer


@pytest.mark.parametrize(
    ("target", "server"),
    [
        ("rolecall:7", {"server.address": "rolecall", "server.port": 7}),
        ("dns:///rolecall:7", {"server.address": "rolecall", "server.port": 7}),
        ("[::1]:7", {"server.address": "::1", "server.port": 7}),
        ("unix:/run/x:7", {"server.address": "unix:/run/x:7"}),
    ],
)
def test_a_span_names_the_server(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, target: str, server: dict[str, object]
) -> None:
    checks = Spans(tracer, target).traced(Answering(always=True))

    checks.check(query(ALICE, "one"), None, CallOptions(timeout=1))

    found = facts(exporter.get_finished_spans()[0])
    assert {key: value for key, value in found.items() if key.startswith("server.")} == server


def test_interceptors_of_the_caller_see_every_call(address: str) -> None:
    seen = list[str]()

    class Noting(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            seen.append(client_call_details.method)
            return continuation(client_call_details, request)

    with RolecallClient(address, interceptors=[Noting()]) as client:
        client.check(query(ALICE, "one"))
        client.who_am_i()

    assert seen == ["/rolecall.v1.DecisionService/CheckAssumeRole", "/rolecall.v1.CallerService/WhoAmI"]


async def test_asynchronous_interceptors_see_every_call(address: str) -> None:
    seen = list[bytes]()

    class Noting(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            seen.append(client_call_details.method)
            return await continuation(client_call_details, request)

    async with AsyncRolecallClient(address, interceptors=[Noting()]) as client:
        await client.check(query(ALICE, "one"))

    assert seen == [b"/rolecall.v1.DecisionService/CheckAssumeRole"]
