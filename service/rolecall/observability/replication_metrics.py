"""Metrics of replication: how far the state in memory is from the store, in the Prometheus format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.engine.follower import Follower, Reload
from rolecall.engine.polling import Polling
from rolecall.engine.reconciler import Reconciler


class SnapshotFileCounters(Protocol):
    """Counters of the snapshot file; `storage.snapshot.saver` maintains them."""

    saved: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSources:
    """Where the numbers are read. `saver` is None without a snapshot file."""

    follower: Follower
    polling: Polling
    reconciler: Reconciler
    saver: SnapshotFileCounters | None


class ReplicationCollector(Collector):
    """The state in memory, its staleness, and the outcome of polls and comparisons."""

    def __init__(self, sources: ReplicationSources) -> None:
        self._follower, self._polling = sources.follower, sources.polling
        self._reconciler, self._saver = sources.reconciler, sources.saver

    def collect(self) -> Iterator[Metric]:
        """Read the numbers as they are now."""
        yield from self._state()
        yield from self._polls()
        yield from self._breaks()
        if self._saver is not None:
            yield from snapshot_file_metrics(self._saver)

    def _state(self) -> Iterator[Metric]:
        snapshot = self._follower.snapshot
        yield _gauge(
            "rolecall_snapshot_revision", "Revision of the state that decisions are made from.", snapshot.revision
        )
        yield _gauge("rolecall_snapshot_roles", "Roles in memory.", len(snapshot))
        yield _gauge(
            "rolecall_index_bytes",
            "Estimated memory of the reverse index, beside the roles.",
            snapshot.index_bytes,
        )
        yield _gauge(
            "rolecall_snapshot_staleness_seconds",
            "Upper bound of the staleness of that state.",
            self._follower.staleness() / 1_000_000,
        )
        yield _gauge(
            "rolecall_snapshot_restored",
            "1 while the state comes from the snapshot file and the store has not confirmed it.",
            int(snapshot.restored),
        )

    def _polls(self) -> Iterator[Metric]:
        counts = self._polling.counts
        yield _counter("rolecall_store_polls", "Successful polls of the store.", counts.done)
        yield _counter("rolecall_store_poll_errors", "Failed polls of the store.", counts.failed)
        yield _counter("rolecall_store_hints", "Notifications of new commits from the store.", counts.hints)
        yield _gauge("rolecall_store_unreachable", "1 while polls of the store fail.", int(counts.failing))

    def _breaks(self) -> Iterator[Metric]:
        reloads = self._follower.reloads
        family = CounterMetricFamily(
            "rolecall_store_full_reloads", "Times the whole state was reloaded, by reason.", labels=("reason",)
        )
        for reason, count in reloads.items():
            family.add_metric([reason.value], count)
        yield family
        yield _counter(
            "rolecall_changelog_gaps",
            "Times a commit was missing or altered.",
            reloads[Reload.GAP],
        )
        yield _counter(
            "rolecall_incarnation_forks",
            "Times the store had lost commits that this process had applied.",
            reloads[Reload.FORK],
        )
        yield _counter(
            "rolecall_state_comparisons", "Comparisons of all roles in memory with the store.", self._reconciler.passes
        )
        yield _gauge(
            "rolecall_store_altered",
            "1 while the store is known to have roles that no server wrote.",
            int(bool(self._follower.altered)),
        )
        yield _counter(
            "rolecall_state_digest_mismatch", "Comparisons that found a difference.", self._reconciler.mismatches
        )


def snapshot_file_metrics(saver: SnapshotFileCounters) -> Iterator[Metric]:
    """Return the metrics of a snapshot file."""
    yield _counter("rolecall_snapshot_file_writes", "Times the snapshot file was written.", saver.saved)
    yield _counter("rolecall_snapshot_file_errors", "Times writing the snapshot file failed.", saver.errors)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)
