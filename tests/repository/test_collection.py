"""The tests of every process have the same names in the same order: otherwise they cannot be divided among processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.repository.tree import ROOT

pytestmark = pytest.mark.long


def collected(hash_seed: str) -> list[str]:
    """Return the names of all tests, as a process with this seed of hashes collects them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_two_processes_collect_the_same_tests_in_the_same_order() -> None:
    first, second = collected("1"), collected("2")

    assert len(first) > 1_000
    assert first == second
