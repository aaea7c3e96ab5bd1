"""Measure a check of the client of each language, through an agent and without: `python -m bench.clients`.

A server, an agent on a unix socket and the callers, all on this machine. A program of each language makes checks one after another.
It is run with few checks and with many: the differences of the CPU times of all processes are what the checks cost, without starts
and warm-ups. The least of several repeats counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.fixture import ACCOUNT, roles_file
from bench.processes import ROOT, cpu_micros, machine, rolecall_agent, rolecall_server

FEW = 100
CLIENTS = ROOT / "clients"

Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The program of one client: what builds it, and what runs it, in a directory. `{scratch}` stands for a scratch directory."""

    directory: Path
    run: Sequence[str]
    build: Sequence[str] = ()


PROGRAMS = {
    "python": Program(directory=ROOT, run=(sys.executable, "-m", "bench.client_checks")),
    "go": Program(
        directory=CLIENTS / "go", build=("go", "build", "-o", "{scratch}/go", "./bench"), run=("{scratch}/go",)
    ),
    "java": Program(
        directory=CLIENTS / "java",
        build=(
            "mvn",
            "-B",
            "-ntp",
            "-q",
            "test-compile",
            "dependency:build-classpath",
            "-Dmdep.outputFile={scratch}/classpath",
        ),
        run=(
            "sh",
            "-c",
            'exec java -cp "target/classes:target/test-classes:$(cat {scratch}/classpath)" Bench "$@"',
            "bench",
        ),
    ),
    "typescript": Program(
        directory=CLIENTS / "typescript",
        build=("npm", "run", "--silent", "compile"),
        run=("node", "build/bench/checks.js"),
    ),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The server and the agent: their addresses and their processes."""

    server: int
    address: str
    agent: int
    socket: str

    def cost(self, command: Sequence[str], directory: Path, checks: int) -> Figures:
        """Return what a check costs each process, and the caller in time, in microseconds."""
        few, many = (self._run(command, directory, count) for count in (FEW, checks))
        return {name: (many[name] - few[name]) / (checks - FEW) for name in many}

    def _run(self, command: Sequence[str], directory: Path, count: int) -> Figures:
        server, agent = cpu_micros(self.server), cpu_micros(self.agent)
        done = subprocess.run([*command, str(count)], cwd=directory, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout)
        return {
            "time": found["wall_seconds"] * 1e6,
            "cpu_of_the_caller": found["cpu_seconds"] * 1e6,
            "cpu_of_the_agent": cpu_micros(self.agent) - agent,
            "cpu_of_the_server": cpu_micros(self.server) - server,
        }


def main() -> None:
    """Measure, and print the figures."""
    options = _arguments()
    report: dict[str, object] = {"machine": machine(), "microseconds_of_a_check": {}}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        scratch, flags = Path(name), ("--account-id", ACCOUNT)
        server, address = stack.enter_context(rolecall_server(roles_file(scratch), scratch, *flags))
        agent, socket = stack.enter_context(rolecall_agent(address, scratch, *flags))
        stage = Stage(server, address, agent, socket)
        chosen = {name: PROGRAMS[name] for name in options.client or PROGRAMS}
        report["microseconds_of_a_check"] = {
            name: _measured(program, stage, scratch, options) for name, program in chosen.items()
        }
    print(json.dumps(report, indent=2))


def _measured(program: Program, stage: Stage, scratch: Path, options: argparse.Namespace) -> Mapping[str, Figures]:
    """Return the figures of one client; both ways are measured in turns."""
    if program.build:
        subprocess.run(_placed(program.build, scratch), cwd=program.directory, check=True, stdout=sys.stderr)
    run = _placed(program.run, scratch)
    ways = {"server": [*run, stage.address], "agent": [*run, stage.address, stage.socket]}
    least: dict[str, Figures] = {way: {} for way in ways}
    for _ in range(options.repeats):
        for way, command in ways.items():
            for figure, micros in stage.cost(command, program.directory, options.checks).items():
                least[way][figure] = round(min(micros, least[way].get(figure, micros)), 1)
    return least


def _placed(command: Sequence[str], scratch: Path) -> list[str]:
    return [word.replace("{scratch}", str(scratch)) for word in command]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.clients", description=__doc__)
    parser.add_argument("client", nargs="*", choices=[*PROGRAMS, []], metavar="CLIENT", help=", ".join(PROGRAMS))
    parser.add_argument("--checks", type=int, default=5_000, help="how many checks the longer run makes")
    parser.add_argument("--repeats", type=int, default=5, help="how often each way is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
