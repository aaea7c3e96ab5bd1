"""Short runs of chaos, each judged whole: what `make chaos` does for minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.campaign import Options, run
from tests.chaos.report import figures

pytestmark = pytest.mark.long

CRASH, KILL = "immediate stop of PostgreSQL", "kill -9 of a server"


def test_nothing_acknowledged_is_lost_when_servers_and_postgres_are_killed(
    postgres_binaries: Path,
) -> None:
    # Rows 65 and 66 of the faults.
    found = judged(Options(seconds=60, most=7, seed=1, pace=0.4, only=[CRASH, KILL]))

    assert found["faults"][CRASH] >= 4
    assert found["faults"][KILL] >= 3
    assert found["writes"]["unanswered_then_resolved"] > 0


def test_what_was_acknowledged_and_decided_stands_whatever_strikes(postgres_binaries: Path) -> None:
    found = judged(Options(seconds=20, seed=2, pace=0.3))

    assert len(found["faults"]) >= 4


def judged(options: Options) -> dict[str, Any]:
    """Return the figures of a run in which everything held, and enough was seen."""
    found = figures(run(options, print))

    assert found["violations"] == [], f"seed {options.seed}"
    assert found["writes"]["acknowledged"] > 20
    assert found["decisions_replayed"] > 500
    return found
