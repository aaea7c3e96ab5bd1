"""Metrics of the decision log, in the Prometheus format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rolecall.observability.decision_log.log import DecisionLog


class DecisionLogCollector(Collector):
    """Counters of the decision log."""

    def __init__(self, log: DecisionLog) -> None:
        self._log = log

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers as they are now."""
        log = self._log
        for name, text, value in (
            ("queued", "Decisions queued for the decision log.", log.writer.queued),
            ("written", "Decisions written to the decision log.", log.writer.written),
            ("dropped", "Decisions selected for the decision log that were lost.", log.lost),
            (
                "flush_errors",
                "Writes to the decision log that failed; they are retried.",
                log.writer.flush_errors,
            ),
            ("sampled_out", "Decisions not logged because of sampling.", log.sampled_out),
            ("cut", "Logged decisions that were shortened.", log.encoder.cuts),
        ):
            yield CounterMetricFamily(f"rolecall_decision_log_{name}", text, value)
        yield GaugeMetricFamily(
            "rolecall_decision_log_waiting", "Decisions in the queue of the decision log.", log.writer.waiting
        )
