"""Tens of thousands of roles, through the command line to a real server and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

pytestmark = pytest.mark.long

ROLES = 20_000
POLICY = '{"Version": "1", "Statement": [{"Effect": "%s", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::123456789012:user/u%d"}}]}'


def role(number: int, effect: str = "Allow") -> str:
    return f"  - name: bulk-{number}\n    tags: {{set: bulk}}\n    trust_policy_json: |-\n      {POLICY % (effect, number % 1_000)}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "roles.yaml"
    path.write_text("apiVersion: rolecall/v1\nroles:\n" + "".join(map(role, range(ROLES))))
    return path


def test_many_roles_are_applied_exported_and_reapplied_atomically(
    online: CommandLine, file: Path, tmp_path: Path
) -> None:
    good = file.read_text()
    bad_line = 3 + 4 * (ROLES - 7) + 3
    file.write_text(good.replace(role(ROLES - 7), role(ROLES - 7, "Permit")))

    refused = online("apply", "-f", str(file))
    nothing = online("role", "list", "--tag", "set=bulk")
    file.write_text(good)
    applied = online("apply", "-f", str(file))
    exported = online("export", "--tag", "set=bulk")
    again = tmp_path / "exported.yaml"
    again.write_text(exported.out)
    unchanged = online("apply", "-f", str(again), "--prune", "set=bulk")

    assert refused.code == 2
    assert f"{file}:{bad_line}:" in refused.err
    assert f"role `bulk-{ROLES - 7}`: the effect `Permit` is neither" in refused.err
    assert (nothing.out, nothing.err) == ("", "no roles\n")
    assert (applied.code, applied.out.splitlines()[-1]) == (0, f"created {ROLES}; 0 unchanged")
    assert (unchanged.code, unchanged.out) == (0, f"{ROLES} unchanged\n")
