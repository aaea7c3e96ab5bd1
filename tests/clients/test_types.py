"""The types of the client are checked without the stubs of gRPC and protobuf, which its users need not install."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.cli.serving import REPOSITORY

PROGRAM = """\
from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query

with RolecallClient("rolecall", timeout=3) as client:
    reveal_type(client.check(query("a", "b")).decision.allowed)
    reveal_type([answer.sequence for answer in client.stream([query("a")])])
    client.check("no query")
    client.chek(query("a", "b"))


async def ask() -> str:
    async with AsyncRolecallClient.from_env(timeout=2) as other:
        reveal_type((await other.check(query("a", "b"))).decision.revision)
        try:
            return (await other.get_role("a")).role.arn
        except RolecallError as error:
            return error.code
"""


def test_a_program_is_checked_without_further_packages(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    # Without site packages there are no stubs. What the files of the client then lack is not reported to its users, who have
    # them among their site packages.
    options = ["--strict", "--no-site-packages", "--follow-imports=silent", "--config-file=", f"--cache-dir={tmp_path}"]
    environment = {"MYPYPATH": str(REPOSITORY / "clients/python"), "PATH": ""}

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(path)],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )

    reported = [line.split(": ", 1)[1] for line in checked.stdout.splitlines() if line.startswith("program.py:")]
    assert [re.sub(r"  \[.*\]$", "", line) for line in reported] == [
        'note: Revealed type is "bool"',
        'note: Revealed type is "list[int]"',
        'error: Argument 1 to "check" of "RolecallClient" has incompatible type "str"; expected "AssumeRoleQuery"',
        'error: "RolecallClient" has no attribute "chek"; maybe "check"?',
        'note: Revealed type is "int"',
    ]
