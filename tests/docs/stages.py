"""What stands ready in the terminal of each page: files, programs, servers, and what is replaced in its commands."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from tests.docs.shell import Replacement, Terminal, variables
from tests.missing import missing
from tests.repository.installation import copy_sources, make_environment
from tests.repository.tree import ROOT
from tests.security.certificates import Authority

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
    stops_servers: bool = False
    left_out: list[str] = field(default_factory=list)

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
        for name in self.left_out:
            del terminal.environment[name]
        if self.stops_servers:
            terminal.close()
        return terminal


def places(stage: Stage) -> None:
    """Make the directories of a server's machine."""
    for place in _PLACES:
        here = stage.directory / "machine" / place.lstrip("/")
        here.mkdir(parents=True)
        stage.replacements.append(Replacement(place, str(here)))


def certificates(stage: Stage) -> None:
    """Write the certificates of a server, of an administrator and of a service, all of one CA, and the CA's own."""
    authority = Authority(stage.directory / "authority")
    (stage.directory / "ca.pem").write_bytes(authority.pem)
    parties: Mapping[str, tuple[x509.GeneralName, ...]] = {
        "cert": (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))),
        "admin": (x509.DNSName("admin.example.com"),),
        "client": (
            x509.UniformResourceIdentifier("spiffe://prod.example/ns/shop/sa/orders"),
            x509.DNSName("orders.shop.svc"),
        ),
    }
    for party, names in parties.items():
        certificate, key = authority.issue(*names)
        (stage.directory / f"{party}.pem").write_bytes(certificate)
        path = stage.directory / ("key.pem" if party == "cert" else f"{party}.key")
        path.write_bytes(key)
        path.chmod(0o600)


def as_administrator(stage: Stage) -> None:
    """Let the commands about rights present the certificate of the administrator."""
    variables = "ROLECALL_TLS_CA=ca.pem ROLECALL_TLS_CERT=admin.pem ROLECALL_TLS_KEY=admin.key"
    stage.program(
        "rolecall", f'case "$1" in whoami|can) export {variables};; esac\nexec "{sys.executable}" -m rolecall "$@"'
    )


def postgres(stage: Stage) -> None:
    """Let a database of a real PostgreSQL stand for that of the page."""
    stage.replacements.append(Replacement("postgresql://rolecall@db.internal/rolecall", stage.postgres()))


def make(stage: Stage) -> None:
    """Run `make` in the repository, whose environment exists, with the store of this terminal."""
    program = shutil.which("make") or missing("make is missing")
    store = f"sqlite:///{stage.directory}/run.db"
    stage.program("make", f'cd "{ROOT}" && ROLECALL_STORE="{store}" exec "{program}" -o .venv/ready "$@"')


def serving(*flags: str) -> Preparation:
    """Return the preparation that starts a server with the example roles."""

    def prepare(stage: Stage) -> None:
        stage.first_commands += [
            " ".join(["rolecall serve --store memory:// --account-id", ACCOUNT, *flags]),
            "rolecall apply -f examples/roles",
        ]

    return prepare


def clone(stage: Stage) -> None:
    """Stand beside a clone, with a new environment that has what our packages require; nothing is fetched."""
    copy_sources(stage.directory / "rolecall")
    python = make_environment(stage.directory / ".environment")
    stage.program("pip", f'exec "{sys.executable}" -m pip --python "{python}" "$@"')
    # pip reads the second as `--no-build-isolation`: the value of such a variable is that of the option without `no`.
    stage.more_variables |= {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def admin_socket(stage: Stage) -> None:
    """Start a server with an admin socket."""
    stage.first_commands.append(
        f"rolecall serve --store memory:// --account-id {ACCOUNT} --admin-socket /run/rolecall/admin.sock"
    )


def store_with_history(stage: Stage) -> None:
    """Leave a store of a file with three revisions of two roles, one of which was deleted, and the URL of an empty database."""
    stage.first_commands += [
        f"rolecall serve --store sqlite:////var/lib/rolecall/rolecall.db --account-id {ACCOUNT}",
        "rolecall apply -f examples/roles/ci.yaml -f examples/roles/kubernetes.yaml",
        "rolecall role update ci-deploy --policy examples/policies/github-oidc.json",
        "rolecall role delete payments-api",
    ]
    stage.stops_servers = True
    (stage.directory / "machine/etc/rolecall/store").write_text(stage.postgres())


def descriptors(stage: Stage) -> None:
    """Give a copy of the descriptor set."""
    shutil.copy(ROOT / "protos/rolecall.v1.binpb", stage.directory)


def buf(stage: Stage) -> None:
    """Give the compiler of protos, which is installed beside Python or is on the path."""
    stage.program("buf", f'exec "{_tool("buf")}" "$@"')


def _tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return found or missing(f"{name} is missing: make tools")


def shipper(stage: Stage) -> None:
    """Give a program that reads lines to their end."""
    stage.program("my-shipper", "exec cat")


def cluster(stage: Stage) -> None:
    """Let stand-ins do what needs a cluster: kubectl reads the files that it is given, helm renders what it would install."""
    helm = _tool("helm")
    stage.program("kubectl", 'for word; do case "$word" in --from-file=*) test -r "${word##*=}" || exit 1;; esac; done')
    stage.program("helm", f'shift; release="$1"; shift; exec "{helm}" template "$release" "$@" > rendered.yaml')
    for name in ("server.pem", "server.key", "authority-of-callers.pem", "database-url.txt"):
        (stage.directory / name).write_text("\n")


def pipes(stage: Stage) -> None:
    """Let stand-ins print what terraform, helm and aliyun do: a plan, a chart without a namespace, and a role."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": f"acs:ram::{ACCOUNT}:user/testuser"},
    }
    policy = json.dumps({"Version": "1", "Statement": [statement]})
    values = {"role_name": "deploy", "assume_role_policy_document": policy}
    resource = {"address": "alicloud_ram_role.deploy", "mode": "managed", "type": "alicloud_ram_role", "values": values}
    plan = {"format_version": "1.2", "planned_values": {"root_module": {"resources": [resource]}}}
    answer = {"RequestId": "1", "Role": {"RoleName": "deploy", "AssumeRolePolicyDocument": policy}}
    annotations = {"pod-identity.alibabacloud.com/role-name": "payments-api"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "api", "annotations": annotations}}
    for program, printed in (("terraform", plan), ("helm", account), ("aliyun", answer)):
        (stage.directory / f".{program}.json").write_text(json.dumps(printed))
        stage.program(program, f'exec cat "{stage.directory}/.{program}.json"')


def needs(*programs: str) -> Preparation:
    """Return the preparation that leaves a page out where a program is missing."""

    def prepare(_: Stage) -> None:
        for program in programs:
            if shutil.which(program) is None:
                missing(f"{program} is missing")

    return prepare


def without_address(stage: Stage) -> None:
    """Leave it to the page which server is asked."""
    stage.left_out.append("ROLECALL_ADDRESS")


def _free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


STAGES: Mapping[str, tuple[Preparation, ...]] = {
    "README.md": (make, certificates, postgres, pipes),
    "clients/go/README.md": (needs("go"),),
    "docs/contexts.md": (without_address, serving()),
    "docs/contract.md": (descriptors, buf, serving()),
    "docs/decision-log.md": (places, shipper),
    "docs/freshness.md": (needs("jq"), serving()),
    "docs/history.md": (serving(),),
    "docs/kubernetes.md": (cluster,),
    "docs/local-decisions.md": (clone,),
    "docs/operations.md": (places, store_with_history),
    "docs/tutorials/platform-team.md": (needs("curl"),),
    "docs/protect-a-service.md": (clone,),
    "docs/security.md": (needs("openssl"), places, certificates, as_administrator, admin_socket),
}
"""What each page needs beside the examples."""
