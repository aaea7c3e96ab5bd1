"""Metrics in the Prometheus format, read from plain integers at each scrape.

Labels come from closed sets: never a role, a principal or any other input of a caller.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from typing import Protocol

import grpc
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from rolecall.engine.cache import RequestCache
from rolecall.engine.decision import Reason, ServedFrom
from rolecall.engine.decision_point import DecisionPoint
from rolecall.observability.caller_metrics import CallersCollector, CallersSources
from rolecall.observability.connection_metrics import ConnectionCollector, ConnectionMetrics
from rolecall.observability.credential_metrics import CredentialCollector, CredentialSources
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.decision_log.metrics import DecisionLogCollector
from rolecall.observability.families import counter_by
from rolecall.observability.metered_writer import WRITE_BOUNDS, MeteredWriter

CODES = {code.value[0]: "".join(part.capitalize() for part in code.name.split("_")) for code in grpc.StatusCode} | {
    0: "OK"
}
"""Status codes as go-grpc-prometheus writes them, which existing dashboards expect."""

_METHOD = ("grpc_type", "grpc_service", "grpc_method")


class MethodCounters(Protocol):
    """Counters of one method; `transport.rpc.stats` maintains them."""

    service: str
    method: str
    started: int
    handled: list[int]
    buckets: list[int]
    seconds: float

    @property
    def kind(self) -> str:
        """Return the type of the method: unary, or which side streams."""
        ...

    @property
    def received(self) -> int:
        """Return how many messages were received."""
        ...

    @property
    def sent(self) -> int:
        """Return how many messages were sent."""
        ...


class CertificateMetrics(Protocol):
    """Metrics of the server's certificate; `security.tls_reload` maintains them."""

    @property
    def expires_at(self) -> float:
        """Return when it expires, in seconds since the epoch."""
        ...

    @property
    def errors(self) -> int:
        """Return how many checks of its files failed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSources:
    """Where the numbers are read. Functions are called on the ops thread. None: there is no such part, and no metrics of it."""

    method_stats: Sequence[MethodCounters]
    latency_bounds: Sequence[float]
    point: DecisionPoint
    requests: RequestCache
    writer: MeteredWriter | None
    calls_under_way: Callable[[], int]
    replication: Collector
    watches: Callable[[], int]
    refusals: Callable[[], Mapping[str, int]]
    silent_ended: Callable[[], int]
    idle_ended: Callable[[], int]
    revivals: Callable[[], int]
    loop_lag_seconds: Callable[[], float]
    decision_log: DecisionLog | None = None
    certificate: CertificateMetrics | None = None
    callers: CallersSources | None = None
    connections: ConnectionMetrics | None = None
    credentials: CredentialSources | None = None


def make_registry(sources: MetricSources) -> CollectorRegistry:
    """Return a new registry with every metric of one server."""
    registry = CollectorRegistry()
    registry.register(_CallCollector(sources.method_stats, sources.latency_bounds))
    registry.register(_DomainCollector(sources))
    registry.register(sources.replication)
    if sources.credentials is not None:
        registry.register(CredentialCollector(sources.credentials))
    if sources.decision_log is not None:
        registry.register(DecisionLogCollector(sources.decision_log))
    if sources.callers is not None:
        registry.register(CallersCollector(sources.callers))
    if sources.connections is not None:
        registry.register(ConnectionCollector(sources.connections))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class _CallCollector(Collector):
    """Calls, with the names and labels of go-grpc-prometheus. Every series exists from the start, at 0."""

    def __init__(self, method_stats: Sequence[MethodCounters], bounds: Sequence[float]) -> None:
        self._method_stats = method_stats
        self._bounds = bounds

    def collect(self) -> Iterator[Metric]:
        yield self._counter("grpc_server_started", "Calls started.", lambda stats: stats.started)
        yield self._handled()
        yield self._counter("grpc_server_msg_received", "Messages received.", lambda stats: stats.received)
        yield self._counter("grpc_server_msg_sent", "Messages sent.", lambda stats: stats.sent)
        yield self._latencies()

    def _counter(self, name: str, text: str, value: Callable[[MethodCounters], int]) -> Metric:
        family = CounterMetricFamily(name, text, labels=_METHOD)
        for stats in self._method_stats:
            family.add_metric(_labels(stats), value(stats))
        return family

    def _handled(self) -> Metric:
        family = CounterMetricFamily(
            "grpc_server_handled", "Calls completed, by status code.", labels=(*_METHOD, "grpc_code")
        )
        for stats in self._method_stats:
            for code, count in enumerate(stats.handled):
                family.add_metric([*_labels(stats), CODES[code]], count)
        return family

    def _latencies(self) -> Metric:
        family = HistogramMetricFamily("grpc_server_handling_seconds", "Duration of calls.", labels=_METHOD)
        for stats in self._method_stats:
            family.add_metric(_labels(stats), _cumulative(self._bounds, stats.buckets), stats.seconds)
        return family


class _DomainCollector(Collector):
    """Decisions, caches, writes, calls in progress and the event loop."""

    def __init__(self, sources: MetricSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        point, sources = self._sources.point, self._sources
        yield _decisions(point.decided)
        yield CounterMetricFamily("rolecall_cache_hits", "Decisions answered from the cache.", point.cache.hits)
        yield CounterMetricFamily(
            "rolecall_cache_misses", "Decisions evaluated because they were not cached.", point.cache.misses
        )
        yield CounterMetricFamily(
            "rolecall_cache_evictions", "Decisions evicted from the cache because it was full.", point.cache.evictions
        )
        yield GaugeMetricFamily("rolecall_cache_entries", "Decisions in the cache.", len(point.cache))
        yield GaugeMetricFamily(
            "rolecall_compiled_policies", "Compiled trust policies in the cache.", len(point.compiled)
        )
        yield _cache_bytes(point, sources.requests)
        if sources.writer is not None:
            yield _writes(sources.writer)
            yield CounterMetricFamily(
                "rolecall_idempotent_replays",
                "Writes that repeated an earlier request and got its result.",
                sources.writer.replays,
            )
        yield CounterMetricFamily(
            "rolecall_server_revivals", "Restarts of the gRPC server after a crash.", sources.revivals()
        )
        yield counter_by("kind", "rolecall_calls_refused", "Calls refused by a limit, by its kind.", sources.refusals())
        yield CounterMetricFamily(
            "rolecall_calls_silent_ended", "Calls ended because their message did not arrive.", sources.silent_ended()
        )
        yield CounterMetricFamily(
            "rolecall_streams_idle_ended", "Streams of checks ended because nothing arrived.", sources.idle_ended()
        )
        yield GaugeMetricFamily("rolecall_watches", "Open watches.", sources.watches())
        yield GaugeMetricFamily("rolecall_calls_under_way", "Calls in progress.", sources.calls_under_way())
        yield GaugeMetricFamily(
            "rolecall_event_loop_lag_seconds",
            "Largest lag of the event loop in the last 15 seconds.",
            sources.loop_lag_seconds(),
        )
        if sources.certificate is not None:
            yield from _certificate(sources.certificate)
        yield InfoMetricFamily("rolecall_build", "Versions of the server, of Python and of gRPC.", _build())


def _certificate(certificate: CertificateMetrics) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "rolecall_tls_cert_expiry_timestamp_seconds", "When the server's certificate expires.", certificate.expires_at
    )
    yield CounterMetricFamily(
        "rolecall_cert_reload_errors", "Checks that found invalid certificate files.", certificate.errors
    )


def _decisions(decided: Mapping[tuple[Reason, ServedFrom], int]) -> Metric:
    family = CounterMetricFamily(
        "rolecall_decisions",
        "Decisions made.",
        labels=("decision", "reason", "served_from"),
    )
    for (reason, served_from), count in list(decided.items()):
        decision = "allow" if reason is Reason.ALLOW else "deny"
        family.add_metric([decision, reason.value, served_from.value], count)
    return family


def _cache_bytes(point: DecisionPoint, requests: RequestCache) -> Metric:
    family = GaugeMetricFamily("rolecall_cache_bytes", "Memory of the entries of a cache.", labels=("cache",))
    for name, size in (
        ("decisions", point.cache.bytes),
        ("requests", requests.bytes),
        ("compiled_policies", point.compiled.bytes),
    ):
        family.add_metric([name], size)
    return family


def _writes(writer: MeteredWriter) -> Metric:
    family = HistogramMetricFamily(
        "rolecall_store_write_seconds", "Duration of writes, waiting included, by outcome.", labels=("outcome",)
    )
    for outcome, stats in writer.outcomes.items():
        family.add_metric([outcome], _cumulative(WRITE_BOUNDS, stats.buckets), stats.seconds)
    return family


def _cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    names = [*(str(bound) for bound in bounds), "+Inf"]
    return list(zip(names, map(float, accumulate(list(counts))), strict=True))


def _labels(stats: MethodCounters) -> list[str]:
    return [stats.kind, stats.service, stats.method]


def _build() -> dict[str, str]:
    return {"version": rolecall_version(), "python": platform.python_version(), "grpc": grpc.__version__}


def rolecall_version() -> str:
    """Return the version of this distribution, or `unknown` when it runs from a tree that was not installed."""
    try:
        return version("rolecall")
    except PackageNotFoundError:
        return "unknown"
