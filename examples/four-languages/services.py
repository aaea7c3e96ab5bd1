"""The orders service in each language: how it is built and started.

Each gets its settings from the environment: `ORDERS_ADDRESS` (`localhost:0`), `CERTIFICATES` (a folder with `ca.pem`, `orders.pem`
and `orders.key`), and the `ROLECALL_...` variables of a client. It prints `orders is listening on HOST:PORT` when it is ready, and
ends on SIGTERM.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
GUARDED = HERE.parent / "guarded"
CLIENTS = HERE.parent.parent / "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The orders service in one language. `{scratch}` stands for a scratch folder; `programs` are those that it needs."""

    protocol: str
    folder: Path
    run: Sequence[str]
    build: Sequence[str] = ()
    programs: Sequence[str] = ()

    def command(self, words: Sequence[str], scratch: Path) -> list[str]:
        """Return a command with the scratch folder in it."""
        return [word.replace("{scratch}", str(scratch)) for word in words]


# Compiles the client and its examples, and writes what they need on the class path.
_MAVEN = (
    "mvn",
    "-B",
    "-ntp",
    "-q",
    "test-compile",
    "dependency:build-classpath",
    "-Dmdep.outputFile={scratch}/classpath",
)

PROGRAMS = {
    "Go": Program(
        protocol="https",
        folder=HERE / "go",
        build=("go", "build", "-o", "{scratch}/orders", "."),
        run=("{scratch}/orders",),
        programs=("go",),
    ),
    "Java": Program(
        protocol="grpc",
        folder=CLIENTS / "java",
        build=_MAVEN,
        run=(
            "sh",
            "-c",
            'exec java -cp "target/test-classes:target/classes:$(cat "$0")" Orders',
            "{scratch}/classpath",
        ),
        programs=("java", "mvn", "sh"),
    ),
    "Python": Program(protocol="grpc", folder=GUARDED, run=(sys.executable, "orders.py")),
    "TypeScript": Program(
        protocol="https",
        folder=HERE / "typescript",
        build=("npm", "run", "--silent", "build"),
        run=("node", "build/orders.js"),
        programs=("node", "npm"),
    ),
}
