"""How well this process follows its store, in the Prometheus format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.engine.follower import Follower, Reload
from rolecall.engine.polling import Polling
from rolecall.engine.reconciler import Reconciler


class SnapshotSaver(Protocol):
    """What is counted of the snapshot file; see the storage."""

    saved: int
    errors: int


@dataclass(frozen=True, slots=True)
class ReplicationSources:
    """Who follows, who asks for changes, who compares, and who keeps the state in a file, if anybody does."""

    follower: Follower
    polling: Polling
    reconciler: Reconciler
    keeper: SnapshotSaver | None


class ReplicationCollector(Collector):
    """The state, its age, and what became of the attempts to keep it young."""

    def __init__(self, following: ReplicationSources) -> None:
        self._follower, self._polling = following.follower, following.polling
        self._reconciler, self._keeper = following.reconciler, following.keeper

    def collect(self) -> Iterator[Metric]:
        """Read the numbers as they are now."""
        yield from self._state()
        yield from self._polls()
        yield from self._breaks()
        if self._keeper is not None:
            yield _counter("rolecall_snapshot_file_writes", "Times the state was kept in a file.", self._keeper.saved)
            yield _counter("rolecall_snapshot_file_errors", "Times that failed.", self._keeper.errors)

    def _state(self) -> Iterator[Metric]:
        snapshot = self._follower.snapshot
        yield _gauge("rolecall_snapshot_revision", "Revision that decisions are made at.", snapshot.revision)
        yield _gauge("rolecall_snapshot_roles", "Roles held in memory.", len(snapshot))
        yield _gauge(
            "rolecall_index_bytes",
            "Memory that the reverse index takes beside the roles, estimated.",
            snapshot.index_bytes,
        )
        yield _gauge(
            "rolecall_snapshot_staleness_seconds",
            "Upper bound of the age of that state.",
            self._follower.staleness() / 1_000_000,
        )
        yield _gauge(
            "rolecall_snapshot_restored",
            "1 while the state comes from a file that the store has not confirmed.",
            int(snapshot.restored),
        )

    def _polls(self) -> Iterator[Metric]:
        counts = self._polling.counts
        yield _counter("rolecall_store_polls", "Times the store was asked for changes.", counts.done)
        yield _counter("rolecall_store_poll_errors", "Times it could not be asked.", counts.failed)
        yield _counter("rolecall_store_hints", "Words from the store that it has changed.", counts.hints)
        yield _gauge("rolecall_store_unreachable", "1 while the store cannot be asked.", int(counts.failing))

    def _breaks(self) -> Iterator[Metric]:
        reloads = self._follower.reloads
        family = CounterMetricFamily(
            "rolecall_store_full_reloads", "Times the whole state was read again.", labels=("reason",)
        )
        for reason, count in reloads.items():
            family.add_metric([reason.value], count)
        yield family
        yield _counter("rolecall_changelog_gaps", "Times a commit was missing or altered.", reloads[Reload.GAP])
        yield _counter(
            "rolecall_incarnation_forks", "Times the store had lost commits that were held.", reloads[Reload.FORK]
        )
        yield _counter(
            "rolecall_state_comparisons", "Comparisons of all roles with the store.", self._reconciler.passes
        )
        yield _counter(
            "rolecall_state_digest_mismatch", "Comparisons that found a difference.", self._reconciler.mismatches
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)
