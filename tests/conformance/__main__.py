"""Run the conformance tests of the clients: `python -m tests.conformance run all`.

`check` also runs every other check of the clients in other languages: `make test-clients`. `serve` starts a world alone, writes DIR/world.json, and ends on SIGTERM or when its input closes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos.isolation import isolate_connections
from tests.conformance.checks import clean_environment, passes, run_checks
from tests.conformance.control import ControlServer
from tests.conformance.toolchains import TOOLCHAINS, Toolchain
from tests.conformance.world import World, running_world
from tests.postgres import binaries


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
    if options.command == "check":
        return check([TOOLCHAINS[name] for name in options.client or TOOLCHAINS if name != "python"])
    chosen = list(TOOLCHAINS.values()) if options.client == "all" else [TOOLCHAINS[options.client]]
    if lacking := [lack for lack in (lack_of_world(), *(toolchain.lack for toolchain in chosen)) if lack]:
        print(*lacking, sep="\n", file=sys.stderr)
        return 2
    return 1 if failed_conformance(chosen, options.transport, options.only) else 0


def check(chosen: Sequence[Toolchain]) -> int:
    """Run every check of clients, and their conformance tests against one world; return the exit code."""
    there = [toolchain for toolchain in chosen if not toolchain.lack]
    failed = [name for toolchain in there for name in run_checks(toolchain)]
    no_world = lack_of_world() if there else ""
    if there and not no_world:
        failed += failed_conformance(there)
    lacks = [lack for lack in (*(toolchain.lack for toolchain in chosen), no_world) if lack]
    for lack in lacks:
        print(lack)
    # Where tests decide whether a change is good, nothing may be left out.
    failed += lacks if os.environ.get("CI") else []
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def lack_of_world() -> str:
    """Return a line that says what this machine lacks for a world; empty if it lacks nothing."""
    if binaries() is None:
        return "the conformance run is left out: PostgreSQL is not installed (apt-get install postgresql)"
    return ""


def failed_conformance(chosen: Sequence[Toolchain], transport: str = "", only: str = "") -> list[str]:
    """Run the conformance tests of clients against one world; return the names of those that failed."""
    with tempfile.TemporaryDirectory(prefix="world-") as name, described_world(Path(name), transport) as path:
        given = {"ROLECALL_CONFORMANCE": str(path), "ROLECALL_CONFORMANCE_ONLY": only}
        environment = clean_environment() | given
        titles = [(toolchain, f"{toolchain.name}: conformance") for toolchain in chosen if toolchain.conformance]
        return [title for one, title in titles if not passes(title, one.conformance, one.directory, environment)]


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    transport = argparse.ArgumentParser(add_help=False)
    transport.add_argument("--transport", choices=("", "grpcio", "h2"), default="", help="that of every server")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", parents=[transport], help="start a world, and write DIR/world.json")
    serve.add_argument("--directory", type=Path, required=True)
    checked = commands.add_parser("check", help="run every check of the clients in other languages, and these tests")
    checked.add_argument("client", nargs="*", choices=[*TOOLCHAINS, []], metavar="CLIENT", help=", ".join(TOOLCHAINS))
    run = commands.add_parser("run", parents=[transport], help="start a world, and run the tests of clients against it")
    run.add_argument("client", choices=[*TOOLCHAINS, "all"])
    run.add_argument("--only", default="", help="only scenarios whose name contains this text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
