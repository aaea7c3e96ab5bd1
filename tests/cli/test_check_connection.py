"""How `check` connects: with the channel, the token and the time of every client, and one connection that it closes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from rolecall.cli.options.shared import Connection
from rolecall.cli.remote import connection as connections
from rolecall.cli.remote.check_client import CheckClient
from rolecall_client.client import RolecallClient
from rolecall_client.connection.settings import ConnectionSettings, TlsFiles
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

QUERY = d.AssumeRoleQuery(principal="acs:ram::1:user/a", role="app")


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """Return the channels that are made: their kind, their target and their options."""
    made: list[tuple[str, str, Any]] = []

    def recorded(kind: str) -> Callable[..., grpc.Channel]:
        make: Callable[..., grpc.Channel] = getattr(grpc, kind)

        def channel(target: str, *credentials: object, options: Any) -> grpc.Channel:
            made.append((kind, target, options))
            return make(target, *credentials, options=options)

        return channel

    for kind in ("insecure_channel", "secure_channel"):
        monkeypatch.setattr(grpc, kind, recorded(kind))
    return made


def test_the_channel_repeats_the_calls_of_decisions_and_roles_and_has_the_limits_of_every_client(
    channels: list[tuple[str, str, Any]],
) -> None:
    CheckClient(ConnectionSettings(address="roles.internal")).__exit__(None, None, None)
    RolecallClient("roles.internal").close()

    (kind, target, options), (other_kind, other_target, other_options) = channels
    assert (kind, target) == (other_kind, other_target) == ("insecure_channel", "roles.internal:50051")
    of_check, of_others = dict(options), dict(other_options)
    (calls,) = json.loads(of_check.pop("grpc.service_config"))["methodConfig"]
    assert of_check == {name: of_others[name] for name in of_check}
    assert calls["name"] == [{"service": "rolecall.v1.DecisionService"}, {"service": "rolecall.v1.RoleService"}]
    assert calls["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]


@pytest.mark.parametrize("name", [None, "roles"])
def test_the_name_of_the_server_is_that_of_the_settings(
    channels: list[tuple[str, str, Any]], tmp_path: Path, name: str | None
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = TlsFiles(ca=tmp_path / "ca.pem", server_name=name)

    with CheckClient(ConnectionSettings(address="localhost:1", tls=tls)):
        pass

    ((kind, target, options),) = channels
    assert (kind, target) == ("secure_channel", "localhost:1")
    assert dict(options).get("grpc.ssl_target_name_override") == name


def test_every_call_has_the_token_and_the_time_of_the_settings_and_the_connection_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    class Stub:
        def __init__(self, _channel: object) -> None:
            pass

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(request: Any, *, timeout: float, metadata: Any) -> Any:
                seen.append((name, request, timeout, metadata))
                return f"answer of {name}"

            return call

    closed: list[None] = []
    monkeypatch.setattr("rolecall_client.v1.decision_pb2_grpc.DecisionServiceStub", Stub)
    monkeypatch.setattr("rolecall_client.v1.role_pb2_grpc.RoleServiceStub", Stub)
    client = CheckClient(ConnectionSettings(address="localhost:1", token=lambda: "rct_x", timeout=4.0))
    monkeypatch.setattr(client._channel, "close", lambda: closed.append(None))
    fresh, listing = d.Consistency(fully_consistent=True), r.ListRolesRequest(account_id="7")

    with client as entered:
        answers = [
            entered.check(QUERY),
            entered.check(QUERY, consistency=fresh),
            entered.get_role("app"),
            entered.list_roles(listing),
        ]

    assert entered is client
    assert answers == [f"answer of {name}" for name in ("CheckAssumeRole", "CheckAssumeRole", "GetRole", "ListRoles")]
    assert [request for _, request, _, _ in seen] == [
        d.CheckAssumeRoleRequest(query=QUERY),
        d.CheckAssumeRoleRequest(query=QUERY, consistency=fresh),
        r.GetRoleRequest(role="app"),
        listing,
    ]
    assert {(timeout, metadata) for _, _, timeout, metadata in seen} == {(4.0, (("authorization", "Bearer rct_x"),))}
    assert closed == [None]


def test_without_a_token_none_is_sent() -> None:
    with CheckClient(ConnectionSettings(address="localhost:1")) as client:
        assert client._metadata == ()


@pytest.mark.parametrize("address", ["roles.internal:1", "10.0.0.1:1"])
def test_a_token_is_not_sent_in_plain_text_to_another_machine(address: str) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append(address)
        return "rct_x"

    with pytest.raises(ValueError, match="over TLS, or to this machine"):
        CheckClient(ConnectionSettings(address=address, token=token))
    assert asked == []


def test_a_token_is_sent_over_tls_to_another_machine(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = TlsFiles(ca=tmp_path / "ca.pem")

    with CheckClient(ConnectionSettings(address="roles.internal:1", tls=tls, token=lambda: "rct_x")) as client:
        assert client._metadata == (("authorization", "Bearer rct_x"),)


def test_an_error_of_a_call_is_one_of_the_service() -> None:
    client = CheckClient(ConnectionSettings(address="127.0.0.1:9", timeout=0.01))

    with client, pytest.raises(RolecallError) as caught:
        client.get_role("app")

    assert caught.value.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_a_command_asks_the_server_itself_one_call_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, object]] = []
    connect = RolecallClient.connect

    def recorded(settings: ConnectionSettings, **options: Any) -> RolecallClient:
        made.append(options)
        return connect(settings, **options)

    monkeypatch.setattr(RolecallClient, "connect", recorded)

    with connections.connect(Connection(address="localhost:1"), environ={}) as client:
        assert isinstance(client, RolecallClient)

    assert made == [{"batching": False, "agent": None}]


@pytest.mark.parametrize(
    ("code", "reason", "asked"), [("UNAVAILABLE", "", 1), ("UNAVAILABLE", "STORE_DOWN", 0), ("NOT_FOUND", "", 0)]
)
def test_only_a_server_that_cannot_be_reached_is_asked_for_the_fault_of_tls(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch, code: str, reason: str, asked: int
) -> None:
    probed: list[tuple[str, TlsFiles | None]] = []

    def fault(address: str, tls: TlsFiles | None) -> None:
        probed.append((address, tls))

    def refuse(*_: object) -> None:
        raise RolecallError(code, "it did not work", reason=reason)

    monkeypatch.setattr("rolecall.cli.remote.tls_diagnosis.tls_fault", fault)
    monkeypatch.setattr(RolecallClient, "get_role", refuse)

    outcome = rolecall("role", "get", "app", "--address=localhost:1")

    assert (outcome.code, outcome.out, "it did not work" in outcome.err) == (2, "", True)
    assert probed == [("localhost:1", None)] * asked


def test_a_context_is_named_by_the_option_or_the_variable_and_is_never_the_current_one(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("current: a\ncontexts: {a: {address: x}, b: {address: y}, c: {address: z}}\n")
    path.chmod(0o600)
    monkeypatch.setenv("ROLECALL_CONFIG", str(path))

    def name(given: str | None) -> str | None:
        found = connections.named_context(given)
        return found.name if found else None

    without = [name(None), name("b")]
    monkeypatch.setenv("ROLECALL_CONTEXT", "c")
    with_variable = [name(None), name("b")]

    assert (without, with_variable) == ([None, "b"], ["c", "b"])
    assert rolecall("context", "show", "a").code == 0


def test_a_check_and_what_it_compares_are_calls_of_one_connection(channels: list[tuple[str, str, Any]]) -> None:
    gone = d.CheckAssumeRoleResponse(decision=d.Decision(reason=d.DECISION_REASON_ROLE_NOT_FOUND))
    near = r.ListRolesResponse(roles=[r.Role(role_name="deploy")])

    with (
        recording(CheckAssumeRole=gone, ListRoles=near) as (address, calls),
        connections.connect_to_check(Connection(address=address)) as client,
    ):
        assert client.check(QUERY) == gone
        assert client.list_roles(r.ListRolesRequest()) == near

    assert len(channels) == 1
    assert [call.method for call in calls] == ["CheckAssumeRole", "ListRoles"]
