"""Plans may be longer than other files, and need little more memory than their text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.sources import search
from tests.cli.terraform_plans import change, plan, policy, role

_MIB = 1024 * 1024
_PEAK = """
import resource, sys
from pathlib import Path
from rolecall.cli.sources import search
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = search([Path(sys.argv[1])])
print(len(found.roles), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def large_plan(count: int) -> dict[str, Any]:
    """Return a plan that changes roles, each with about 10 kB as in plans of large documents."""
    document = policy({"RAM": [f"acs:ram::123456789012:user/u{number}" for number in range(40)]})
    roles = [role(f"r{number}", f'alicloud_ram_role.all["r{number}"]', document) for number in range(count)]
    changes = [change(each["address"], each["values"], {}, "create") for each in roles]
    state = {"format_version": "1.0", "values": {"root_module": {"resources": roles}}}
    return plan(*roles, resource_changes=changes, prior_state=state)


def test_a_plan_may_be_longer_than_64_mib_and_a_role_file_may_not(tmp_path: Path) -> None:
    padding = " " * (64 * _MIB)
    roles, planned = tmp_path / "roles.json", tmp_path / "plan.json"
    roles.write_text('{"apiVersion": "rolecall/v1", "roles": []}' + padding, encoding="utf-8")
    planned.write_text(json.dumps(plan(role("ci"))) + padding, encoding="utf-8")

    assert [each.message for each in search([roles]).problems] == [f"`{roles}` is longer than 67,108,864 bytes"]
    assert [each.name for each in search([planned]).roles] == ["ci"]


@pytest.mark.long
def test_a_plan_needs_little_more_memory_than_three_times_its_text(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(large_plan(3_000)), encoding="utf-8")

    command = [sys.executable, "-c", _PEAK, str(path)]
    count, kibibytes = map(int, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())

    assert count == 3_000
    assert kibibytes * 1024 < 3 * path.stat().st_size + 16 * _MIB
