"""The clients and their toolchains: the commands that install what they need, check them, and run their conformance tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cli.serving import REPOSITORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """One client: the programs that it needs, its checks by name, and the command of its conformance tests, if it has them."""

    name: str
    directory: Path
    conformance: Sequence[str] = ()
    programs: Sequence[str] = ()
    checks: Sequence[tuple[str, Sequence[str]]] = ()

    @property
    def lack(self) -> str:
        """Return a line that says what this machine lacks for this client; empty if it lacks nothing."""
        if lacking := [program for program in self.programs if shutil.which(program) is None]:
            return f"the {self.name} client is left out: {', '.join(lacking)} is missing"
        return ""


def _shell(command: str) -> Sequence[str]:
    return ("bash", "-c", command)


def _stubs(client: str) -> tuple[str, Sequence[str]]:
    return "stub drift", (sys.executable, "-m", "protos.generate_clients", "--check", client)


_CLIENTS = REPOSITORY / "clients"

# A JVM reads the file of names when it starts, so it is given on the command line.
_MAVEN = 'exec mvn -B -ntp -q -Pconformance test -Drolecall.hosts="$(dirname "$ROLECALL_CONFORMANCE")/hosts"'

TOOLCHAINS = {
    toolchain.name: toolchain
    for toolchain in (
        Toolchain(
            name="python",
            directory=REPOSITORY,
            conformance=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/conformance"),
        ),
        Toolchain(
            name="go",
            directory=_CLIENTS / "go",
            programs=("go", "bash"),
            checks=(
                ("packages", ("go", "mod", "download")),
                ("packaging", _shell("go mod verify && go mod tidy -diff")),
                _stubs("go"),
                # gofmt has no exit code of its own for what it would change.
                ("format", _shell('found=$(gofmt -l .) && echo "$found" && [ -z "$found" ]')),
                ("vet", ("go", "vet", "./...")),
                ("lint", ("go", "tool", "-modfile=tools/go.mod", "staticcheck", "./...")),
                ("tests", ("go", "test", "./...")),
            ),
            conformance=("go", "test", "-count=1", "-timeout=20m", "./conformance/..."),
        ),
        Toolchain(
            name="typescript",
            directory=_CLIENTS / "typescript",
            programs=("node", "npm"),
            checks=(
                ("packages", ("npm", "ci", "--no-audit", "--no-fund", "--silent")),
                _stubs("typescript"),
                ("lint", ("npm", "run", "--silent", "lint")),
                ("tests", ("npm", "test", "--silent")),
                ("packaging", ("npm", "run", "--silent", "pack:check")),
                ("documentation", ("npm", "run", "--silent", "docs")),
            ),
            conformance=("npm", "run", "--silent", "conformance"),
        ),
        Toolchain(
            name="java",
            directory=_CLIENTS / "java",
            programs=("java", "mvn", "sh"),
            checks=(
                _stubs("java"),
                ("tests, packaging, documentation and format", ("mvn", "-B", "-ntp", "-q", "verify")),
            ),
            conformance=("sh", "-c", _MAVEN),
        ),
    )
}
