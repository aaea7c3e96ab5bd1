"""Why connections are refused and closed: the documentation names every reason as the metrics do, and nothing else."""

from __future__ import annotations

import re

import pytest

from rolecall.transport.connection_counts import ConnectionCounts
from tests.repository.tree import DOCS


def named_after(metric: str) -> set[str]:
    """Return the names in the row of a metric that are no other metric, flag or label."""
    text = (DOCS / "operations.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{metric}` |")]
    return set(re.findall(r"`([a-z_]+)`", row)) - {metric, "reason"}


@pytest.mark.parametrize("kind", ["refused", "closed"])
def test_every_reason_is_documented_and_counted_from_zero(kind: str) -> None:
    counts = ConnectionCounts(set())
    found = {"refused": counts.refused, "closed": counts.closed}[kind]

    assert set(found) == named_after(f"rolecall_connections_{kind}_total")
    assert set(found.values()) == {0}


def test_connections_are_counted_while_they_are_open() -> None:
    connections = {object()}
    counts = ConnectionCounts(connections)
    before = counts.open
    connections.clear()

    assert (before, counts.open, counts.memory_ended) == (1, 0, 0)
