"""The example of two services does what its README says, with real servers, certificates and processes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.serving import REPOSITORY, environment, served

EXAMPLE = REPOSITORY / "examples/guarded"
REFUSED = re.compile(r"PERMISSION_DENIED: the caller is not allowed to call this method; decision `([\w-]+)`")


class Party:
    """A process of the example, with lines in and lines out."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.line()

    def line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


@contextmanager
def running(script: str, folder: Path, env: Mapping[str, str]) -> Iterator[Party]:
    with (folder / f"{script}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLE / script)],
            cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            yield Party(process)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def run(*command: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the certificates and the callers file of the example."""
    result = run(str(EXAMPLE / "certificates.py"), folder=tmp_path, env=environment())
    assert (result.returncode, result.stderr) == (0, "")
    (tmp_path / "callers.yaml").write_text((EXAMPLE / "callers.yaml").read_text())
    return tmp_path


def environment_of(party: str, rolecall: str, **more: str) -> dict[str, str]:
    port = rolecall.rpartition(":")[2]
    files = {"ROLECALL_TLS_CA": "ca.pem", "ROLECALL_TLS_CERT": f"{party}.pem", "ROLECALL_TLS_KEY": f"{party}.key"}
    return {
        **environment(**more),
        "ROLECALL_ADDRESS": f"localhost:{port}",
        **{name: f"certificates/{file}" for name, file in files.items()},
    }


@contextmanager
def rolecall_of(folder: Path) -> Iterator[str]:
    flags = ["--callers", "callers.yaml", "--tls-client-ca", "certificates/ca.pem"]
    flags += ["--tls-cert", "certificates/rolecall.pem", "--tls-key", "certificates/rolecall.key"]
    with served(*flags, directory=folder) as address:
        yield address


def test_the_shop_is_allowed_denied_and_revoked(folder: Path) -> None:
    with rolecall_of(folder) as rolecall:
        operator = environment_of("operator", rolecall)
        applied = run("-m", "rolecall", "apply", "-f", str(EXAMPLE / "roles"), folder=folder, env=operator)
        assert applied.returncode == 0, applied.stderr

        with running("orders.py", folder, environment_of("orders", rolecall, ORDERS_ADDRESS="localhost:0")) as orders:
            address = orders.line().removeprefix("orders is listening on ")
            with running("shop.py", folder, environment(ORDERS_ADDRESS=address)) as shop:
                allowed = shop.ask("refund 42")
                denied = REFUSED.fullmatch(shop.ask("cancel 42"))
                explained = run(
                    *("-m", "rolecall", "explain", "--as", "123456789012@shop.internal", "--role", "orders.cancel"),
                    folder=folder, env=operator,
                )  # fmt: skip
                run("-m", "rolecall", "apply", "-f", str(EXAMPLE / "revoked"), folder=folder, env=operator)
                revoked = REFUSED.fullmatch(shop.ask("refund 43"))
                still_allowed = shop.ask("get 43")

    assert allowed == "order 42 is refunded"
    assert still_allowed == "order 43 is open"
    assert denied
    assert revoked
    assert explained.stdout.splitlines()[0] == "✗ DENIED  IMPLICIT_DENY: no Allow statement applies"
    log = (folder / "orders.py.log").read_text()
    assert f"decision_id={denied[1]}" in log
    assert "role=orders.cancel caller='123456789012@shop.internal' reason=IMPLICIT_DENY" in log


def test_a_party_without_an_entry_is_refused_and_the_guard_may_ask_only_about_its_own_roles(folder: Path) -> None:
    with rolecall_of(folder) as rolecall:
        stranger = run(
            "-m", "rolecall", "check", "--as", "ecs.aliyuncs.com", "--role", "orders.read",
            folder=folder, env=environment_of("shop", rolecall),
        )  # fmt: skip
        foreign = run(
            "-m", "rolecall", "check", "--as", "123456789012@shop.internal", "--role", "payments.pay",
            folder=folder, env=environment_of("orders", rolecall),
        )  # fmt: skip

        with running("orders.py", folder, environment_of("orders", rolecall, ORDERS_ADDRESS="localhost:0")) as orders:
            address = orders.line().removeprefix("orders is listening on ")
            names = environment(ORDERS_ADDRESS=address)
            for kind in ("pem", "key"):  # a party of the same CA that the orders service does not know
                (folder / f"certificates/shop.{kind}").write_bytes(
                    (folder / f"certificates/operator.{kind}").read_bytes()
                )
            with running("shop.py", folder, names) as shop:
                unknown = shop.ask("get 1")

    assert "may not `rolecall:CheckAssumeRole` on `acs:ram::123456789012:role/orders.read`" in stranger.stderr
    assert "may not `rolecall:CheckAssumeRole` on `acs:ram::123456789012:role/payments.pay`" in foreign.stderr
    assert unknown.startswith("UNAUTHENTICATED: ")


def test_the_readme_shows_what_the_example_has() -> None:
    readme = (EXAMPLE / "README.md").read_text()
    named = set(re.findall(r"`([\w]+\.(?:py|yaml)|roles/|revoked/)`", readme))

    files = {path.name + ("/" if path.is_dir() else "") for path in EXAMPLE.iterdir()} - {"README.md", "certificates/"}
    assert named == {name for name in files if not name.startswith("__")}
