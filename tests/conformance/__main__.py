"""Run the conformance tests of the clients: `python -m tests.conformance run all`.

`serve` starts a world alone, writes DIR/world.json, and ends on SIGTERM or when its input closes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos.isolation import isolate_connections
from tests.conformance.control import ControlServer
from tests.conformance.toolchains import TOOLCHAINS, Toolchain
from tests.conformance.world import World, running_world


def main(arguments: list[str] | None = None) -> int:
    """Serve a world, or run toolchains against one; return the exit code."""
    options = _parser().parse_args(arguments)
    isolate_connections()
    # Whatever ends this process, the world is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.command == "serve":
        with described_world(options.directory, options.transport) as path:
            print(path, flush=True)
            sys.stdin.read()
        return 0
    chosen = list(TOOLCHAINS.values()) if options.client == "all" else [TOOLCHAINS[options.client]]
    if lacking := [toolchain.lack for toolchain in chosen if toolchain.lack]:
        print(*lacking, sep="\n", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="world-") as name, described_world(Path(name), options.transport) as path:
        codes = {toolchain.name: _run(toolchain, path, options.only) for toolchain in chosen}
    for name, code in codes.items():
        print(f"conformance of {name}: {'passed' if code == 0 else f'FAILED with exit code {code}'}", flush=True)
    return 1 if any(codes.values()) else 0


@contextmanager
def described_world(directory: Path, transport: str = "") -> Iterator[Path]:
    """Yield the path of `world.json` of a running world; its directory is made if there is none."""
    with running_world(directory.absolute(), transport) as world, closing(ControlServer(world)) as control:
        yield write_description(world, control.url)


def write_description(world: World, control: str) -> Path:
    """Write `world.json`; return its path. It is whole as soon as it exists."""
    path = world.directory / "world.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"control": control, **world.description}, indent=2) + "\n")
    return new.replace(path)


def _run(toolchain: Toolchain, world: Path, only: str) -> int:
    print(f"conformance of {toolchain.name}: {' '.join(toolchain.command)}", flush=True)
    given = {"ROLECALL_CONFORMANCE": str(world), "ROLECALL_CONFORMANCE_ONLY": only}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    return subprocess.run(
        toolchain.command, cwd=toolchain.directory, env=kept | given, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    transport = argparse.ArgumentParser(add_help=False)
    transport.add_argument("--transport", choices=("", "grpcio", "h2"), default="", help="that of every server")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", parents=[transport], help="start a world, and write DIR/world.json")
    serve.add_argument("--directory", type=Path, required=True)
    run = commands.add_parser("run", parents=[transport], help="start a world, and run the tests of clients against it")
    run.add_argument("client", choices=[*TOOLCHAINS, "all"])
    run.add_argument("--only", default="", help="only scenarios whose name contains this text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
