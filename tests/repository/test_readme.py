"""The session at the top of the README is real."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.repository.tree import ROOT

README = (ROOT / "README.md").read_text()
POLICY = re.compile(r"```json\n(.*?)```", re.DOTALL)
SESSION = re.compile(r"```console\n\$ rolecall ((?:.*\\\n)*.*)\n([\s\S]*?)```")


def test_the_explanation_in_the_readme_is_what_the_command_prints(tmp_path: Path) -> None:
    policy, session = POLICY.search(README), SESSION.search(README)
    assert policy
    assert session
    arguments = shlex.split(session[1].replace("\\\n", " "))
    (tmp_path / arguments[arguments.index("--policy") + 1]).write_text(policy[1])

    result = subprocess.run(
        [sys.executable, "-m", "rolecall", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert result.stdout == session[2]
    assert result.stderr == ""
    assert result.returncode == 1
