"""Secrets appear on no surface: canaries stand for them, and whatever the server and the command line show is searched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import grpc
import pytest
import typer
from cryptography import x509
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rolecall.cli.options.store_options import shows_password
from rolecall.cli.typer_commands import COMMANDS, build_app
from rolecall.config.settings import Config
from rolecall.security.tokens.unverified import read_token
from rolecall.transport.rpc.stats import MethodStats
from rolecall_client.v1 import (
    decision_pb2,
    decision_pb2_grpc,
    policy_pb2,
    role_pb2,
    role_pb2_grpc,
    watch_pb2,
)
from tests.cli.conftest import CommandLine
from tests.cli.serving import environment
from tests.security.certificates import Authority
from tests.security.tokens.issuing import AUDIENCE, ISSUER, Issuer
from tests.server.serving import ACCOUNT, Served

pytestmark = pytest.mark.long

PASSWORD = "c4n4ry-p4ssw0rd"
DATABASE = f"postgresql://rolecall:{PASSWORD}@127.0.0.1:1/roles?application_name=x"
BEARER = "c4n4ry.be4rer.t0ken"
ASSERTED = "c4n4ry-federated-token"
STATIC, UNKNOWN_STATIC = "rct_c4n4ry-static-token-of-a-caller", "rct_c4n4ry-static-token-of-nobody"
SNAPSHOT_KEY = "c4n4ry-snapshot-key-of-32-bytes!"
CONTRACT = (decision_pb2, policy_pb2, role_pb2, watch_pb2)


def spellings(secret: str | bytes) -> set[str]:
    """Return a secret in the forms in which it could be shown."""
    data = secret.encode() if isinstance(secret, str) else secret
    encoded = {b64encode(data).decode().rstrip("="), urlsafe_b64encode(data).decode().rstrip("="), data.hex()}
    return encoded | {quote(data), repr(data)[2:-1]}


def shown(secrets: Sequence[str | bytes], surfaces: dict[str, str]) -> list[str]:
    """Return the names of the surfaces on which a secret appears, in any form."""
    assert all(surfaces.values()), f"nothing was shown: {[name for name, text in surfaces.items() if not text]}"
    forms = {form for secret in secrets for form in spellings(secret)}
    return [name for name, text in surfaces.items() if any(form in text for form in forms)]


def ops_pages(service: Served) -> dict[str, str]:
    address = service.server.bound.ops_address
    return {path: urlopen(f"http://{address}/{path}").read().decode() for path in ("metrics", "livez", "readyz")}


# --- every method, with secrets in its metadata and in its request ---------------------------------------------------


def filled(message: Message, secret: str, depth: int = 3) -> Message:
    """Return the message with the secret in every field that is for a token."""
    for field in message.DESCRIPTOR.fields:
        if getattr(field, "is_repeated", False):
            continue
        if field.type == FieldDescriptor.TYPE_STRING and "token" in field.name:
            setattr(message, field.name, secret)
        elif field.type == FieldDescriptor.TYPE_MESSAGE and depth:
            getattr(message, field.name).SetInParent()
            filled(getattr(message, field.name), secret, depth - 1)
    return message


def request_of(method: str) -> Message:
    service, _, name = method.strip("/").partition("/")
    found: Any = Default().FindServiceByName(service)
    return filled(GetMessageClass(found.methods_by_name[name].input_type)(), ASSERTED)


async def answers(channel: Any, stats: MethodStats, metadata: Any) -> str:
    """Return what the caller of a method sees: of its request, of a malformed one, and of none."""
    seen = []
    for request in (request_of(stats.name).SerializeToString(), b"\xff\xff" + ASSERTED.encode(), b""):
        try:
            seen.append(repr(await _called(channel, stats, request, metadata)))
        except grpc.aio.AioRpcError as error:
            seen.append(f"{error!r} {error.initial_metadata()} {error.trailing_metadata()}")
    return "".join(seen)


async def _called(channel: Any, stats: MethodStats, request: bytes, metadata: Any) -> object:
    arguments = {"metadata": metadata, "timeout": 5}
    match stats.kind:
        case "unary":
            return await channel.unary_unary(stats.name)(request, **arguments)
        case "client_stream":
            return await channel.stream_unary(stats.name)(iter([request]), **arguments)
        case "server_stream":
            return await channel.unary_stream(stats.name)(request, **arguments).read()
        case _:
            return await channel.stream_stream(stats.name)(iter([request]), **arguments).read()


CALLER = "spiffe://td/a"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/ci"
TRUSTING = json.dumps(
    {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Federated": PROVIDER}}],
    }
)
CALLERS = f"""\
trust_domains: {{td: ca.pem}}
issuers: {{"{ISSUER}": {{jwks_file: jwks.json}}}}
providers:
  - {{arn: "{PROVIDER}", issuer: "{ISSUER}", audiences: [sts], jwks_file: jwks.json}}
callers:
  - {{name: plain, match: {{spiffe: "{CALLER}"}}, policies: [AdministratorAccess]}}
  - name: static
    match: {{token_sha256: {sha256(STATIC.encode()).hexdigest()}}}
    via: {{spiffe: "{CALLER}"}}
    policies: [AdministratorAccess]
  - name: issued
    match: {{oidc: {{issuer: "{ISSUER}", subject: alice, audience: {AUDIENCE}}}}}
    via: {{spiffe: "{CALLER}"}}
    policies: [AdministratorAccess]
"""


async def federated(channel: Any, token: str) -> tuple[str, str]:
    """Return the token of a federated user, and what the caller sees of a check and of an explanation that carry it."""
    query = decision_pb2.AssumeRoleQuery(role="federated", oidc={"provider_arn": PROVIDER, "token": token})
    roles, decisions = role_pb2_grpc.RoleServiceStub(channel), decision_pb2_grpc.DecisionServiceStub(channel)
    with suppress(grpc.aio.AioRpcError):  # the second token finds the role of the first
        await roles.CreateRole(role_pb2.CreateRoleRequest(role_name="federated", assume_role_policy_document=TRUSTING))
    seen = ""
    for call, request in (
        (decisions.CheckAssumeRole, decision_pb2.CheckAssumeRoleRequest(query=query)),
        (decisions.ExplainAssumeRole, decision_pb2.ExplainAssumeRoleRequest(query=query)),
        (decisions.BatchCheckAssumeRole, decision_pb2.BatchCheckAssumeRoleRequest(queries=[query])),
    ):
        try:
            seen += str(await call(request))
        except grpc.aio.AioRpcError as error:
            seen += f"{error!r} {error.trailing_metadata()}"
    return token, seen


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("kind", ["json", "console"])
async def test_no_call_makes_a_server_show_a_secret(
    authority: Authority, tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    issuer = Issuer(now=int(time.time()))
    (tmp_path / "jwks.json").write_bytes(issuer.key_set())
    (tmp_path / "callers.yaml").write_text(CALLERS)
    (tmp_path / "snapshot.key").write_text(SNAPSHOT_KEY)
    (tmp_path / "snapshot.key").chmod(0o600)
    flags = {
        "log_level": "debug", "log_format": kind, "reflection": True, "snapshot_file": str(tmp_path / "roles.snapshot"),
        "snapshot_key_file": str(tmp_path / "snapshot.key"), "snapshot_seconds": 1, "decision_log": str(tmp_path / "decisions"),
    }  # fmt: skip
    valid, forged = issuer.token(), Issuer(now=int(time.time())).token()
    tokens = {
        "no token": "",
        "static": STATIC,
        "issued": valid,
        "forged": forged,
        "unknown": BEARER,
        "unknown static": UNKNOWN_STATIC,
    }

    seen: dict[str, str] = {}
    async with authority.served(**flags) as service:
        async with authority.client(service, x509.UniformResourceIdentifier(CALLER)) as channel:
            methods = [m for m in service.server.grpc_server.methods.method_stats if m.name.startswith("/rolecall.")]
            for name, token in tokens.items():
                bearer = (("authorization", f"Bearer {token}"),) if token else ()
                metadata = (*bearer, ("x-api-key", BEARER), ("cookie", BEARER))
                seen |= {f"{stats.name} with {name}": await answers(channel, stats, metadata) for stats in methods}
            decided = [await federated(channel, token) for token in (issuer.token(aud="sts", jti="c4n4ry"), forged)]
        key = service.server.replica.repository.token_key
        surfaces = {**seen, **ops_pages(service)}
    surfaces |= {
        "log": service.log.getvalue() or capfd.readouterr().err,
        "decision log": (tmp_path / "decisions").read_text(),
    }
    private = [line for line in (tmp_path / "key.pem").read_text().splitlines() if "-----" not in line]
    parts = [part for token in (valid, forged, *(token for token, _ in decided)) for part in token.split(".")]
    surfaces |= {f"decision {number}": text for number, (_, text) in enumerate(decided)}

    assert len(methods) >= 16
    assert {name for name in tokens if any("UNAUTHENTICATED" in seen[f"{stats.name} with {name}"] for stats in methods)} == {
        "forged", "unknown", "unknown static",
    }  # fmt: skip
    assert "credentials_refused" in surfaces["log"]
    assert "allowed: true" in surfaces["decision 0"]
    assert PROVIDER in surfaces["decision log"]
    assert shown([BEARER, ASSERTED, SNAPSHOT_KEY, STATIC, UNKNOWN_STATIC, key, *parts, *private], surfaces) == []


# --- the database, the environment, and the command line -------------------------------------------------------------


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Give a server whose database is away, and its log."""
    (tmp_path / "store").write_text(DATABASE)
    command = [sys.executable, "-m", "rolecall", "serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]
    command += ["--store-file", str(tmp_path / "store"), "--log-level", "debug", "--log-format", "json"]
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=log, stderr=log, text=True)
        yield process, tmp_path / "log"
        process.kill()
        process.wait()


def test_a_server_whose_database_is_away_does_not_show_its_password(
    unreachable: tuple[subprocess.Popen[str], Path],
) -> None:
    process, log = unreachable
    while "cannot connect to the database" not in log.read_text():
        assert process.poll() is None, log.read_text()

    listed = Path(f"/proc/{process.pid}/cmdline").read_text() if sys.platform == "linux" else "serve"
    process.terminate()
    process.wait(timeout=60)

    assert shown([PASSWORD], {"log": log.read_text(), "list of processes": listed}) == []


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_no_help_shows_what_the_environment_has(
    rolecall: CommandLine, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*(f"ROLECALL_{field.upper()}" for field in Config.__dataclass_fields__), "ROLECALL_TOKEN"):
        monkeypatch.setenv(name, PASSWORD)

    outcome = rolecall(*command.split(), "--help")

    assert shown([PASSWORD], {"help": outcome.out + outcome.err}) == []


@pytest.mark.parametrize("variable", ["ROLECALL_STORE", "ROLECALL_STORE_FILE", "ROLECALL_TOKEN"])
def test_a_server_that_cannot_start_does_not_show_what_the_environment_has(tmp_path: Path, variable: str) -> None:
    (tmp_path / "secret").write_text(f"mysql://u:{PASSWORD}@h/d")
    value = str(tmp_path / "secret") if variable.endswith("FILE") else f"mysql://u:{PASSWORD}@h/d"
    command = [
        sys.executable,
        "-m",
        "rolecall",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--ops-listen",
        "127.0.0.1:0",
        "--poll-seconds",
        "x",
    ]

    for arguments in (command, command[:-2]):
        done = subprocess.run(
            arguments, env=environment(**{variable: value}), capture_output=True, text=True, check=False, cwd=tmp_path
        )

        assert done.returncode != 0
        assert shown([PASSWORD], {"output": done.stdout + done.stderr}) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (DATABASE, True), ("postgresql://u@h/d?password=x", True), ("postgresql://h/d?user=u&password=x", True), ("postgresql://u:p/w@h/d", True),
        ("host=h password=x", True), ("postgresql://u@h/d", False), ("postgresql://h:5432/d", False), ("sqlite:///a:b.db", False),
        ("memory://", False), ("postgresql://[::1]:5432/d", False), ("postgresql://u@[::1]:5432/d?passfile=/p", False),
    ],
)  # fmt: skip
def test_a_password_in_a_url_is_seen(url: str, expected: bool) -> None:
    assert shows_password(url) == expected


def test_a_server_warns_of_a_password_on_its_command_line_without_repeating_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "rolecall",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        DATABASE,
        "--tls-cert",
        "none",
    ]
    warned = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, cwd=tmp_path)

    assert "password_on_command_line" in warned.stderr
    assert shown([PASSWORD], {"output": warned.stdout + warned.stderr}) == []


def test_no_option_but_the_store_is_a_secret_itself() -> None:
    words = re.compile("token|secret|passw|key|credential")
    options = [
        (path, parameter)
        for path, parameter in _options(typer.main.get_command(build_app(None)))
        if words.search(parameter.name or "")
    ]

    assert len(options) > 20
    # `--token-command` is the program that prints a token.
    others = {parameter.name for _, parameter in options if parameter.metavar != "FILE"}
    assert others == {"max_condition_keys", "token_command"}


def _options(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield from ((path, parameter) for parameter in command.params)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _options(inner, (*path, name))


MISPLACED = {
    "a token in place of its hash": f"callers: [{{name: a, match: {{token_sha256: {STATIC}}}, policies: [RolecallDecider]}}]\n",
    "a token in an unknown field": f"callers: [{{name: a, match: {{token: {STATIC}}}, policies: [RolecallDecider]}}]\n",
    "a password in a URL": f"issuers: {{'https://i': {{jwks_url: 'https://u:{STATIC}@host/keys'}}}}\ncallers: []\n",
    "a key in a query": f"issuers: {{'https://i': {{jwks_url: 'https://host/keys?key={STATIC}'}}}}\ncallers: []\n",
    "a key beside the file": f"callers: []\nsecret: {STATIC}\n",
    "broken YAML": f"callers: [{STATIC}\n: {STATIC}]]\n",
}


@pytest.mark.parametrize("text", MISPLACED.values(), ids=MISPLACED)
def test_a_secret_in_the_wrong_place_of_the_callers_file_is_not_repeated(
    rolecall: CommandLine, tmp_path: Path, text: str
) -> None:
    (tmp_path / "callers.yaml").write_text(text)
    command = [
        sys.executable,
        "-m",
        "rolecall",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--ops-listen",
        "127.0.0.1:0",
        "--store",
        "memory://",
    ]

    checked = rolecall("callers", "check", str(tmp_path / "callers.yaml"))
    served = subprocess.run(
        [*command, "--callers", "callers.yaml", "--log-level", "debug"], env=environment(), capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
    )  # fmt: skip

    assert served.returncode == 2
    assert shown([STATIC], {"check": checked.out + checked.err, "serve": served.stdout + served.stderr}) == []


# --- values that hold a secret ---------------------------------------------------------------------------------------


def test_settings_that_are_printed_do_not_show_the_store() -> None:
    config = Config.from_mapping({"store": DATABASE}, {})

    assert config.store_url == DATABASE
    assert shown([PASSWORD], {"repr": repr(config), "str": f"{config}"}) == []


def test_a_token_that_is_read_does_not_show_itself() -> None:
    text = Issuer().token()

    token = read_token(text)

    assert token.text == text
    assert shown([text, text.rpartition(".")[2]], {"repr": repr(token)}) == []


def test_a_canary_is_found_in_every_form() -> None:
    surfaces = {
        "plain": f"x {PASSWORD}", "base64": b64encode(PASSWORD.encode()).decode(), "hex": PASSWORD.encode().hex(),
        "json": json.dumps({"a": PASSWORD}), "none": os.sep,
    }  # fmt: skip

    assert shown([PASSWORD], surfaces) == ["plain", "base64", "hex", "json"]
