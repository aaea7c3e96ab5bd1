"""Generate the stubs of the clients in other languages from the descriptor set: `python -m protos.generate_clients go`.

Each client has a template of buf with its plugins, whose versions are pinned by the tools of its language. Stubs are generated into
a scratch directory first. With `--check` they are compared only: one that was changed by hand is found, too, and one that is no
longer generated.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protos.buf import buf
from protos.generate import CONTRACT

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class StubsOfClient:
    """How the stubs of one client are generated. buf runs in `directory`; the template writes below `stubs`, and nothing else.

    `tools` installs the plugins, if `plugin` is not there.
    """

    directory: str
    template: str
    stubs: str
    plugin: str = ""
    tools: Sequence[str] = ()

    def generate(self, scratch: Path) -> Path:
        """Generate the stubs below a directory; return theirs. Exit if a tool fails, since it has printed why."""
        directory = ROOT / self.directory
        if self.tools and not (directory / self.plugin).exists():
            self._install(directory)
        flags = ["--template", self.template, "--output", str(scratch)]
        if status := buf("generate", str(CONTRACT), *flags, directory=directory):
            raise SystemExit(status)
        return scratch / self.stubs

    def _install(self, directory: Path) -> None:
        if status := subprocess.run(self.tools, cwd=directory, check=False).returncode:
            raise SystemExit(status)

    @property
    def committed(self) -> Path:
        """Return the directory of the committed stubs."""
        return ROOT / self.directory / self.stubs


CLIENTS = {
    "go": StubsOfClient(directory="clients/go", template="buf.gen.yaml", stubs="rolecall/v1"),
    "typescript": StubsOfClient(
        directory="clients/typescript",
        template="buf.gen.yaml",
        stubs="src/gen",
        plugin="node_modules/.bin/protoc-gen-es",
        tools=("npm", "ci", "--no-audit", "--no-fund", "--silent"),
    ),
    "java": StubsOfClient(
        directory="clients/java",
        template="buf.gen.yaml",
        stubs="src/generated/java",
        plugin="target/stubs/protoc",
        tools=("mvn", "-B", "-ntp", "-q", "-Pstubs", "initialize"),
    ),
}


def main(arguments: list[str]) -> int:
    """Write the stubs of the named clients, or of all; with `--check`, report which of them are not up to date."""
    options = _parser().parse_args(arguments)
    stale = 0
    for name in options.client or CLIENTS:
        with tempfile.TemporaryDirectory() as scratch:
            fresh = CLIENTS[name].generate(Path(scratch))
            if options.check:
                stale += report(name, fresh, CLIENTS[name].committed)
            else:
                replace(fresh, CLIENTS[name].committed)
    return 1 if stale else 0


def report(name: str, fresh: Path, committed: Path) -> int:
    """Print every committed stub that differs from a generated one; return how many."""
    wanted, found = _files(fresh), _files(committed)
    _, different, _ = filecmp.cmpfiles(fresh, committed, wanted & found, shallow=False)
    stale = sorted({*different, *(wanted ^ found)})
    for path in stale:
        print(f"{committed.relative_to(ROOT) / path} does not match the protos", file=sys.stderr)
    if stale:
        print(
            f"run `make proto`, then `python -m protos.generate_clients {name}`, and commit the result", file=sys.stderr
        )
    return len(stale)


def replace(fresh: Path, committed: Path) -> None:
    """Replace the committed stubs by the generated ones."""
    shutil.rmtree(committed, ignore_errors=True)
    shutil.copytree(fresh, committed)


def _files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m protos.generate_clients", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare the stubs, and write nothing")
    parser.add_argument("client", nargs="*", choices=[*CLIENTS, []], metavar="CLIENT", help=", ".join(CLIENTS))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
