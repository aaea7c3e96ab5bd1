"""Short runs of chaos, each judged whole: what `make chaos` does for minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.campaign import Options, run
from tests.chaos.report import figures

CRASH, KILL = "immediate stop of PostgreSQL", "kill -9 of a server"

RUNS = [
    pytest.param(
        Options(seconds=60, most=7, seed=1, pace=0.4, only=[CRASH, KILL]), {CRASH: 4, KILL: 3}, id="rows_65_and_66"
    ),
    pytest.param(Options(seconds=20, seed=2, pace=0.3), {CRASH: 1, KILL: 1}, id="every_kind_of_fault"),
]


@pytest.mark.parametrize(("options", "least"), RUNS)
def test_what_was_acknowledged_and_decided_under_faults_stands(
    options: Options, least: dict[str, int], postgres_binaries: Path
) -> None:
    found = figures(run(options, print))

    assert found["violations"] == [], f"seed {options.seed}"
    assert {kind: found["faults"].get(kind, 0) >= count for kind, count in least.items()} == dict.fromkeys(least, True)
    assert found["writes"]["acknowledged"] > 20
    assert found["decisions_replayed"] > 500
