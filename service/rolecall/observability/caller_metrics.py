"""Metrics of the callers file and of the observe period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.observability.families import counter_by


class CallersFileMetrics(Protocol):
    """Metrics of the callers file; `security.callers_reload` maintains them."""

    reloads: int
    errors: int
    loaded_at: float

    @property
    def generation(self) -> str:
        """Return the hash of the current file."""
        ...


@dataclass(frozen=True, slots=True)
class CallersSources:
    """Where the metrics are read from: the callers file, and the denials of the observe period by action."""

    file: CallersFileMetrics
    observed_denials: Callable[[], Mapping[str, int]]


class CallersCollector(Collector):
    """The metrics of one callers file."""

    def __init__(self, sources: CallersSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        file = self._sources.file
        yield InfoMetricFamily("rolecall_callers", "Generation of the callers file.", {"generation": file.generation})
        yield CounterMetricFamily("rolecall_callers_reloads", "Changes of the callers file.", file.reloads)
        yield CounterMetricFamily(
            "rolecall_callers_reload_errors", "Checks that found an invalid callers file.", file.errors
        )
        yield GaugeMetricFamily(
            "rolecall_callers_last_success_timestamp_seconds",
            "When the callers file was last found valid.",
            file.loaded_at,
        )
        yield counter_by(
            "action",
            "rolecall_rights_observed_denials",
            "Calls that the observe period allowed and that rights would deny, by action.",
            self._sources.observed_denials(),
        )
