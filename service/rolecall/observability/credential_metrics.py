"""Metrics of credentials: why they were refused, and the keys that verify tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.observability.families import counter_by


class KeySetMetrics(Protocol):
    """Metrics of the keys of one issuer; `security.tokens.key_set` maintains them."""

    @property
    def age_seconds(self) -> float:
        """Return how long ago the keys were last read or found unchanged."""
        ...

    @property
    def usable(self) -> bool:
        """Return whether there are keys that are young enough."""
        ...

    @property
    def errors(self) -> int:
        """Return how many attempts to read them failed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSources:
    """Where the numbers are read, on the ops thread."""

    refused: Callable[[], Mapping[str, int]]
    key_sets: Callable[[], Sequence[KeySetMetrics]]
    remembered_bytes: Callable[[], int]


class CredentialCollector(Collector):
    """Refused credentials by cause, and the worst of all key sets: labels are never the name of an issuer."""

    def __init__(self, sources: CredentialSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield counter_by(
            "cause",
            "rolecall_credentials_refused",
            "Credentials of callers and in queries that were refused.",
            dict(sorted(self._sources.refused().items())),
        )
        keys = self._sources.key_sets()
        usable = [each.age_seconds for each in keys if each.usable]
        yield GaugeMetricFamily("rolecall_key_sets", "Key sets of issuers and providers.", len(keys))
        yield GaugeMetricFamily(
            "rolecall_key_sets_without_keys", "Key sets whose tokens are refused, because there are no keys.",
            len(keys) - len(usable),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "rolecall_key_set_age_seconds", "Age of the oldest key set that serves.", max(usable, default=0.0)
        )
        yield CounterMetricFamily(
            "rolecall_key_set_errors", "Attempts to read a key set that failed.", sum(each.errors for each in keys)
        )
        yield GaugeMetricFamily(
            "rolecall_remembered_token_bytes",
            "Memory of the tokens that were verified.",
            self._sources.remembered_bytes(),
        )
