"""Start Rolecall and an orders service in each language, and let a shop call them: `python run.py [LANGUAGE ...]`.

All connections have mTLS. The shop may refund an order and not cancel one; then the operator revokes the right to refund.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from services import GUARDED, PROGRAMS, Program
from shop import CALLERS, OrdersService

from rolecall_client import RolecallClient, TlsFiles, query
from rolecall_client.v1 import decision_pb2 as d

ACCOUNT = "123456789012"
SHOP = f"{ACCOUNT}@shop.internal"
START_SECONDS = 120
ROLECALL = (sys.executable, "-m", "rolecall")


def main(names: Sequence[str]) -> int:
    """Show an allow, a deny with its reason and a revocation in each language; return 2 if this machine lacks a program."""
    chosen = {name: program for name, program in PROGRAMS.items() if not names or name in names}
    if lacking := {one for program in chosen.values() for one in program.programs if shutil.which(one) is None}:
        print(
            f"missing: {', '.join(sorted(lacking))}; name the languages to show, of {', '.join(PROGRAMS)}",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        subprocess.run([sys.executable, GUARDED / "certificates.py", folder / "certificates"], check=True)
        shutil.copy(GUARDED / "callers.yaml", folder)
        rolecall = stack.enter_context(running_rolecall(folder))
        apply(GUARDED / "roles", rolecall, folder)
        services = {
            name: stack.enter_context(running_service(name, program, rolecall, folder))
            for name, program in chosen.items()
        }
        show(services, rolecall, folder)
    return 0


def show(services: Mapping[str, OrdersService], rolecall: str, folder: Path) -> None:
    """Print what the shop gets from each service, and why."""
    for language, service in services.items():
        print(f"{language}: refund 42: {service.call('refund', '42')}")
        print(f"{language}: cancel 42: {service.call('cancel', '42')}")
    print(f"why the shop may not cancel: {reason_of('orders.cancel', rolecall, folder)}")
    apply(GUARDED / "revoked", rolecall, folder)
    print("the operator has revoked the right to refund")
    for language, service in services.items():
        print(f"{language}: refund 43: {service.call('refund', '43')}")
        print(f"{language}: get 43: {service.call('get', '43')}")


def reason_of(role: str, rolecall: str, folder: Path) -> str:
    """Return why the shop is denied a role, as the operator sees it."""
    with RolecallClient(rolecall, tls=tls_of("operator", folder)) as client:
        explanation = client.explain(query(SHOP, role))
        reason = d.DecisionReason.Name(explanation.decision.reason).removeprefix("DECISION_REASON_")
        return (
            f"{reason}, {sum(trace.applies for trace in explanation.statements)} statements of the trust policy apply"
        )


def apply(roles: Path, rolecall: str, folder: Path) -> None:
    """Let the operator apply role files."""
    command = [*ROLECALL, "apply", "-f", str(roles)]
    subprocess.run(command, check=True, env=environment("operator", rolecall, folder), stdout=subprocess.DEVNULL)


@contextmanager
def running_rolecall(folder: Path) -> Iterator[str]:
    """Yield the address of a server that asks for certificates."""
    files = {"tls-cert": "rolecall.pem", "tls-key": "rolecall.key", "tls-client-ca": "ca.pem"}
    flags = [word for name, file in files.items() for word in (f"--{name}", f"certificates/{file}")]
    serve = [*ROLECALL, "serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log-format", "json"]
    serve += ["--store", "memory://", "--account-id", ACCOUNT, "--callers", "callers.yaml", *flags]
    log = folder / "rolecall.log"
    with log.open("w") as stderr, running(subprocess.Popen(serve, cwd=folder, stderr=stderr, env=clean())) as process:
        address = printed(log, r'"address": ?"[^"]*:(\d+)"', process)
        yield f"localhost:{address}"


@contextmanager
def running_service(name: str, program: Program, rolecall: str, folder: Path) -> Iterator[OrdersService]:
    """Build and start the orders service of a language; yield the shop's connection to it."""
    scratch = folder / name
    scratch.mkdir()
    if program.build:
        subprocess.run(program.command(program.build, scratch), cwd=program.folder, check=True, stdout=sys.stderr)
    env = environment("orders", rolecall, folder)
    env |= {"ORDERS_ADDRESS": "localhost:0", "CERTIFICATES": str(folder / "certificates")}
    out = scratch / "out"
    with out.open("w") as stdout, (scratch / "log").open("w") as stderr:
        command = program.command(program.run, scratch)
        process = subprocess.Popen(command, cwd=program.folder, env=env, stdout=stdout, stderr=stderr)
        with running(process):
            address = printed(out, r"orders is listening on (\S+)", process)
            with closing(CALLERS[program.protocol](address, folder / "certificates")) as service:
                yield service


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End a process afterwards."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def printed(file: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    """Return what a process that starts prints for a pattern."""
    until = time.monotonic() + START_SECONDS
    while (found := re.search(pattern, file.read_text())) is None:
        if process.poll() is not None or time.monotonic() > until:
            logs = "\n".join(path.read_text() for path in file.parent.iterdir() if path.is_file())
            raise SystemExit(f"it did not start: {logs}")
        time.sleep(0.05)
    return found[1]


def environment(party: str, rolecall: str, folder: Path) -> dict[str, str]:
    """Return the environment of a party, which connects to Rolecall with its own certificate."""
    tls = tls_of(party, folder)
    files = {"ROLECALL_TLS_CA": tls.ca, "ROLECALL_TLS_CERT": tls.cert, "ROLECALL_TLS_KEY": tls.key}
    return {**clean(), "ROLECALL_ADDRESS": rolecall, **{name: str(path) for name, path in files.items()}}


def tls_of(party: str, folder: Path) -> TlsFiles:
    """Return the TLS files of a party."""
    certificates = folder / "certificates"
    return TlsFiles(ca=certificates / "ca.pem", cert=certificates / f"{party}.pem", key=certificates / f"{party}.key")


def clean() -> dict[str, str]:
    """Return the environment without settings of Rolecall, and without the contexts of the user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    return {**kept, "XDG_CONFIG_HOME": "/nowhere"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
