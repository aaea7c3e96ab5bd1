"""Metric families that several collectors make alike."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily


def counter_by(label: str, name: str, text: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    """Return a counter with one series for each key of `counts`, which is the value of `label`."""
    family = CounterMetricFamily(name, text, labels=(label,))
    # A copy: the event loop may count while the ops port reads.
    for value, count in list(counts.items()):
        family.add_metric([value], count)
    return family
