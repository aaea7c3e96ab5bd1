"""Metrics of connections, in the Prometheus format: how many are open, were refused, and were closed by a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.observability.families import counter_by


class ConnectionMetrics(Protocol):
    """Counters of connections; `transport.connection_counts` maintains them."""

    @property
    def open(self) -> int:
        """Return how many connections are open."""
        ...

    @property
    def refused(self) -> Mapping[str, int]:
        """Return how many connections were refused, by the reason."""
        ...

    @property
    def closed(self) -> Mapping[str, int]:
        """Return how many accepted connections were closed, by the reason."""
        ...

    @property
    def memory_ended(self) -> int:
        """Return how many calls ended because the requests of all clients took too much memory."""
        ...


class ConnectionCollector(Collector):
    """Connections. Every reason exists from the start, at 0."""

    def __init__(self, connections: ConnectionMetrics) -> None:
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Read the numbers as they are now."""
        connections = self._connections
        yield GaugeMetricFamily("rolecall_connections", "Open connections.", connections.open)
        yield counter_by(
            "reason", "rolecall_connections_refused", "Connections refused, by the reason.", connections.refused
        )
        yield counter_by(
            "reason",
            "rolecall_connections_closed",
            "Connections that the server closed, by the reason.",
            connections.closed,
        )
        yield CounterMetricFamily(
            "rolecall_calls_memory_ended",
            "Calls ended because the requests of all clients took too much memory.",
            connections.memory_ended,
        )
