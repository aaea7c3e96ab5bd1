"""Spans of OpenTelemetry: one for each call, and for each check with what answered it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from google.rpc import code_pb2

from rolecall_client.checks import AsyncChecks, CallOptions, Checks, Metadata
from rolecall_client.errors import RolecallError
from rolecall_client.methods import CHECK, Method
from rolecall_client.v1 import decision_pb2 as d

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Ended = Callable[[RolecallError | None], object]
"""Called when a stream has ended, with its error if it failed."""

_NOTHING: AbstractContextManager[Metadata] = nullcontext(())
_answered_by: ContextVar[list[str] | None] = ContextVar("rolecall_answered_by", default=None)


class Spans:
    """Makes the spans of one client; without a tracer none."""

    def __init__(self, tracer: Tracer | None, target: str) -> None:
        self._traced = None if tracer is None else _Traced(tracer, target)

    def of_call(self, method: Method[Any, Any]) -> AbstractContextManager[Metadata]:
        """Make a span of a call; give the metadata that carries it to the server."""
        return _NOTHING if self._traced is None else self._traced.call(method)

    def of_stream(self, method: Method[Any, Any]) -> tuple[Metadata, Ended]:
        """Start the span of a stream; return the metadata that carries it to the server, and what ends it."""
        return ((), _ignore) if self._traced is None else self._traced.stream(method)

    def noted(self, checks: Checks, name: str) -> Checks:
        """Return a layer that notes its name as what answers."""
        return checks if self._traced is None else _NotedChecks(checks, name)

    def noted_later(self, checks: AsyncChecks, name: str) -> AsyncChecks:
        """Return a layer of an event loop that notes its name as what answers."""
        return checks if self._traced is None else _AsyncNotedChecks(checks, name)

    def traced(self, checks: Checks) -> Checks:
        """Return the first layer, which makes the span of a check."""
        return checks if self._traced is None else _TracedChecks(checks, self._traced)

    def traced_later(self, checks: AsyncChecks) -> AsyncChecks:
        """Return the first layer of an event loop, which makes the span of a check."""
        return checks if self._traced is None else _AsyncTracedChecks(checks, self._traced)


class _Traced:
    """Makes spans with a tracer."""

    def __init__(self, tracer: Tracer, target: str) -> None:
        from opentelemetry import propagate, trace  # noqa: PLC0415 - an extra

        self._tracer, self._kind = tracer, trace.SpanKind.CLIENT
        self._inject, self._in_context = propagate.inject, trace.set_span_in_context
        self._error = trace.StatusCode.ERROR
        self._server = _server_of(target)

    @contextmanager
    def call(self, method: Method[Any, Any]) -> Iterator[Metadata]:
        # A check has its span already, whatever answers it.
        if method is CHECK:
            yield self._metadata()
            return
        with self._current_span(method) as span, self._outcome(span):
            yield self._metadata()

    @contextmanager
    def check(self) -> Iterator[Span]:
        token = _answered_by.set(answered_by := [""])
        try:
            with self._current_span(CHECK) as span, self._outcome(span):
                yield span
                span.set_attribute("rolecall.answered_by", answered_by[0])
        finally:
            _answered_by.reset(token)

    def stream(self, method: Method[Any, Any]) -> tuple[Metadata, Ended]:
        span = self._tracer.start_span(method.full_name, kind=self._kind, attributes=self._attributes(method))

        def end(error: RolecallError | None) -> None:
            self._finish(span, error)
            span.end()

        return self._metadata(self._in_context(span)), end

    def _current_span(self, method: Method[Any, Any]) -> AbstractContextManager[Span]:
        return self._tracer.start_as_current_span(
            method.full_name,
            kind=self._kind,
            attributes=self._attributes(method),
            record_exception=False,
            set_status_on_exception=False,
        )

    @contextmanager
    def _outcome(self, span: Span) -> Iterator[None]:
        try:
            yield
        except RolecallError as error:
            self._finish(span, error)
            raise
        self._finish(span, None)

    def _finish(self, span: Span, error: RolecallError | None) -> None:
        code = "OK" if error is None else error.code
        span.set_attribute("rpc.grpc.status_code", code_pb2.Code.Value(code))
        if error is not None:
            span.set_attribute("error.type", code)
            if error.reason:
                span.set_attribute("rolecall.reason", error.reason)
            span.set_status(self._error, error.message)

    def _metadata(self, context: Any = None) -> Metadata:  # noqa: ANN401
        carrier: dict[str, str] = {}
        self._inject(carrier, context)
        return tuple(carrier.items())

    def _attributes(self, method: Method[Any, Any]) -> dict[str, str | int]:
        service, _, name = method.full_name.partition("/")
        return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name, **self._server}


class _TracedChecks:
    def __init__(self, checks: Checks, traced: _Traced) -> None:
        self._checks, self._traced = checks, traced

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        with self._traced.check() as span:
            return _described(span, self._checks.check(query, consistency, options))


class _AsyncTracedChecks:
    def __init__(self, checks: AsyncChecks, traced: _Traced) -> None:
        self._checks, self._traced = checks, traced

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        with self._traced.check() as span:
            return _described(span, await self._checks.check(query, consistency, options))


class _NotedChecks:
    def __init__(self, checks: Checks, name: str) -> None:
        self._checks, self._name = checks, name

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        _note(self._name)
        return self._checks.check(query, consistency, options)


class _AsyncNotedChecks:
    def __init__(self, checks: AsyncChecks, name: str) -> None:
        self._checks, self._name = checks, name

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        _note(self._name)
        return await self._checks.check(query, consistency, options)


def _note(name: str) -> None:
    """Note that a layer was asked: the last one that was asked is the one that answered."""
    if (answered_by := _answered_by.get()) is not None:
        answered_by[0] = name


def _described(span: Span, response: d.CheckAssumeRoleResponse) -> d.CheckAssumeRoleResponse:
    span.set_attribute("rolecall.allowed", response.decision.allowed)
    reason = response.decision.reason
    if reason in d.DecisionReason.values():
        span.set_attribute("rolecall.reason", d.DecisionReason.Name(reason).removeprefix("DECISION_REASON_"))
    return response


def _server_of(target: str) -> Mapping[str, str | int]:
    host, _, port = target.rpartition(":")
    if target.startswith("unix:") or not port.isdecimal():
        return {"server.address": target}
    return {"server.address": host.removeprefix("dns:///").strip("[]"), "server.port": int(port)}


def _ignore(_error: RolecallError | None) -> None:
    """Make no span."""
