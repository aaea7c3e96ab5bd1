"""How the conformance tests of each client are run: the command of its own toolchain."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli.serving import REPOSITORY

CLIENTS = REPOSITORY / "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """One client: the command of its conformance tests, where it runs, and the programs that it needs."""

    name: str
    directory: Path
    command: tuple[str, ...]
    programs: tuple[str, ...] = ()

    @property
    def lack(self) -> str:
        """Return a line that says what this machine lacks for these tests; empty if it lacks nothing."""
        if lacking := [program for program in self.programs if shutil.which(program) is None]:
            return f"the conformance tests of the {self.name} client are left out: {', '.join(lacking)} is missing"
        return ""


_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/conformance")

_GO_TEST = ("go", "test", "-count=1", "-timeout=20m", "./conformance/...")

TOOLCHAINS = {
    toolchain.name: toolchain
    for toolchain in (
        Toolchain(name="python", directory=REPOSITORY, command=_PYTEST),
        Toolchain(name="go", directory=CLIENTS / "go", command=_GO_TEST, programs=("go",)),
    )
}
