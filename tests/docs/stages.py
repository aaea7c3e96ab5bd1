"""What stands ready in the terminal of each page: files, programs, servers, and what is replaced in its commands."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.docs.shell import Replacement, Terminal, variables
from tests.repository.tree import ROOT

ACCOUNT = "123456789012"
_PORTS = ("50051", "50052", "50061", "9464", "9465")
_PLACES = ("/etc/rolecall", "/var/lib/rolecall", "/var/log/rolecall", "/run/rolecall", "/backups")
"""Directories of a server's machine, which are below the directory of the terminal here."""

Preparation = Callable[["Stage"], None]


@dataclass(slots=True)
class Stage:
    """A directory with the examples in it, and a terminal there."""

    directory: Path
    postgres: Callable[[], str]
    replacements: list[Replacement] = field(default_factory=list)
    more_variables: dict[str, str] = field(default_factory=dict)
    first_commands: list[str] = field(default_factory=list)

    @property
    def programs(self) -> Path:
        """Return the directory of the programs that are found first."""
        return self.directory / ".programs"

    def program(self, name: str, script: str) -> None:
        """Add a program for the shell."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def open(self, preparations: tuple[Preparation, ...]) -> Terminal:
        """Return the terminal, with everything prepared."""
        self.programs.mkdir()
        shutil.copytree(
            ROOT / "examples", self.directory / "examples", ignore=shutil.ignore_patterns("node_modules", "__pycache__")
        )
        for name in ("protos", "helm"):
            (self.directory / name).symlink_to(ROOT / name)
        self.program("rolecall", f'exec "{sys.executable}" -m rolecall "$@"')
        self.program("python", f'exec "{sys.executable}" "$@"')
        ports = {port: _free_port() for port in _PORTS}
        self.replacements.append(Replacement("/home/me", str(self.directory)))
        self.replacements += [Replacement(page, here) for page, here in ports.items()]
        self.more_variables |= {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "service"), str(ROOT / "clients/python")]),
            "ROLECALL_ADDRESS": f"127.0.0.1:{ports['50051']}",
            "ROLECALL_LISTEN": f"127.0.0.1:{ports['50051']}",
            "ROLECALL_OPS_LISTEN": f"127.0.0.1:{ports['9464']}",
        }
        for prepare in preparations:
            prepare(self)
        environment = dict(variables(self.directory, self.programs, **self.more_variables))
        terminal = Terminal(self.directory, environment, self.replacements)
        for command in self.first_commands:
            ran = terminal.run(command)
            assert not ran.code, ran.output
        return terminal


def places(stage: Stage) -> None:
    """Make the directories of a server's machine."""
    for place in _PLACES:
        here = stage.directory / "machine" / place.lstrip("/")
        here.mkdir(parents=True)
        stage.replacements.append(Replacement(place, str(here)))


def certificates(stage: Stage) -> None:
    """Write the certificate of a server and that of an administrator, both of one CA."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(stage.directory / "ca.pem")
    for name, identity in (("cert", "localhost"), ("client", "admin.example.com")):
        issued = authority.issue_cert(identity, "127.0.0.1") if name == "cert" else authority.issue_cert(identity)
        issued.cert_chain_pems[0].write_to_path(stage.directory / f"{name}.pem")
        key = stage.directory / f"{name.replace('cert', 'key') if name == 'cert' else 'client-key'}.pem"
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)


def postgres(stage: Stage) -> None:
    """Let a database of a real PostgreSQL stand for that of the page."""
    stage.replacements.append(Replacement("postgresql://rolecall@db.internal/rolecall", stage.postgres()))


def make(stage: Stage) -> None:
    """Run `make` in the repository, whose environment exists, with the store of this terminal."""
    stage.program(
        "make",
        f'ROLECALL_STORE="sqlite:///{stage.directory}/run.db" exec /usr/bin/env -C "{ROOT}" /usr/bin/make -o .venv/ready "$@"',
    )


def serving(*flags: str) -> Preparation:
    """Return the preparation that starts a server with the example roles."""

    def prepare(stage: Stage) -> None:
        stage.first_commands += [
            " ".join(["rolecall serve --store memory:// --account-id", ACCOUNT, *flags]),
            "rolecall apply -f examples/roles",
        ]

    return prepare


def _free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


STAGES: Mapping[str, tuple[Preparation, ...]] = {
    "README.md": (make, certificates, postgres),
}
"""What each page needs beside the examples."""
