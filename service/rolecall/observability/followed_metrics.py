"""Metrics of an agent: how far its state is from the server that it follows, in the Prometheus format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.engine.snapshot import Snapshot
from rolecall.observability.families import counter_by
from rolecall.observability.replication_metrics import SnapshotFileCounters, snapshot_file_metrics


class WatchCounters(Protocol):
    """What is known about the watch of an agent; `server.agent.following` maintains it."""

    connected: bool
    reconnects: int
    breaks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedSources:
    """Where the numbers are read. `saver` is None without a snapshot file.

    `asked` has the checks that were put to the followed server, by their outcome.
    """

    snapshot: Snapshot
    watch: WatchCounters
    staleness: Callable[[], int | None]
    asked: Mapping[str, int]
    saver: SnapshotFileCounters | None


class FollowedCollector(Collector):
    """The state of an agent, its staleness, and its watch."""

    def __init__(self, sources: FollowedSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Read the numbers as they are now."""
        snapshot, watch, age = self._sources.snapshot, self._sources.watch, self._sources.staleness()
        yield GaugeMetricFamily(
            "rolecall_snapshot_revision", "Revision of the state that decisions are made from.", snapshot.revision
        )
        yield GaugeMetricFamily("rolecall_snapshot_roles", "Roles in memory.", len(snapshot))
        yield GaugeMetricFamily(
            "rolecall_snapshot_staleness_seconds",
            "Upper bound of the staleness of that state.",
            inf if age is None else age / 1_000_000,
        )
        yield GaugeMetricFamily(
            "rolecall_snapshot_restored",
            "1 while the state comes from the snapshot file and the followed server has not confirmed it.",
            int(snapshot.restored),
        )
        yield GaugeMetricFamily(
            "rolecall_upstream_connected", "1 while the watch of the followed server is open.", int(watch.connected)
        )
        yield CounterMetricFamily("rolecall_upstream_breaks", "Times the watch broke or was not opened.", watch.breaks)
        yield CounterMetricFamily(
            "rolecall_upstream_reconnects", "Times the watch was open again after it broke.", watch.reconnects
        )
        yield counter_by(
            "outcome", "rolecall_upstream_checks", "Checks put to the followed server, by outcome.", self._sources.asked
        )
        if self._sources.saver is not None:
            yield from snapshot_file_metrics(self._sources.saver)
