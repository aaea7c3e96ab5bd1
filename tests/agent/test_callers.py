"""Who may call an agent, and what its callers may do."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from rolecall.config.sources import ConfigError
from rolecall.server.main import StartError
from rolecall.transport.options import GRPCIO, H2
from rolecall_client.errors import error_of_call
from rolecall_client.v1 import caller_pb2, caller_pb2_grpc, decision_pb2 as pb
from tests.agent.serving import Agent, agent_config, check, failure, node, query, running
from tests.server.serving import ACCOUNT, Served, served

CLAIMS = pb.FederatedIdentity(provider_arn=f"acs:ram::{ACCOUNT}:oidc-provider/ci")
OWN_GROUP = os.getgid()


@pytest.fixture(params=[GRPCIO, H2])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def upstream() -> AsyncIterator[Served]:
    async with served() as made:
        yield made


async def may(agent: Agent, action: str) -> bool:
    stub: Any = caller_pb2_grpc.CallerServiceStub(agent.channel)
    response: caller_pb2.CanIResponse = await stub.CanI(caller_pb2.CanIRequest(action=action))
    return response.allowed


async def test_without_a_callers_file_callers_may_check_and_nothing_else() -> None:
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)

        answer = await check(pair.agent, query())
        allowed = {
            action
            for action in (
                *("rolecall:CheckAssumeRole", "rolecall:AskFor", "rolecall:AssertFederated", "rolecall:Watch"),
                *("rolecall:ExplainAssumeRole", "rolecall:ListAssumableRoles", "rolecall:ListTrustedPrincipals"),
                *("ram:GetRole", "ram:CreateRole", "rolecall:ReadHistory"),
            )
            if await may(pair.agent, action)
        }

    assert answer.decision.allowed
    assert allowed == {"rolecall:CheckAssumeRole", "rolecall:AskFor"}


async def test_without_a_callers_file_no_caller_asserts_claims_with_the_rights_of_the_agent() -> None:
    async with node(account_id="") as pair:
        await pair.upstream.create()
        asked = pb.AssumeRoleQuery(role=f"{ACCOUNT}/app", federated=CLAIMS)

        error = error_of_call(await failure(check(pair.agent, asked)))
        stats = pair.upstream.stats("CheckAssumeRole").started

    assert (error.code, error.metadata["action"]) == ("PERMISSION_DENIED", "rolecall:AssertFederated")
    assert stats == 0


@pytest.mark.parametrize(("flags", "mode"), [({}, 0o600), ({"socket_group": OWN_GROUP}, 0o660)], ids=["user", "group"])
async def test_the_socket_is_for_the_user_of_the_agent_or_for_a_group(
    tmp_path: Path, transport: str, upstream: Served, flags: dict[str, Any], mode: int
) -> None:
    path, umask = tmp_path / "agent.sock", os.umask(0)
    try:
        async with running(upstream.server.bound.address, listen=f"unix:{path}", transport=transport, **flags) as agent:
            await check(agent, query())
            found = path.stat()
    finally:
        os.umask(umask)

    assert stat.S_IMODE(found.st_mode) == mode
    assert found.st_gid == OWN_GROUP


async def test_a_socket_is_never_open_to_more_users_than_in_the_end(
    tmp_path: Path, transport: str, upstream: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, modes, chmod = tmp_path / "agent.sock", list[int](), Path.chmod

    def noted(self: Path, mode: int, **flags: Any) -> None:
        # On this transport nothing listens before the mode is set, on the other the umask is the mode until then.
        modes.append(stat.S_IMODE(self.stat().st_mode) if transport == GRPCIO else 0)
        chmod(self, mode, **flags)

    monkeypatch.setattr(Path, "chmod", noted)
    flags: dict[str, Any] = {"listen": f"unix:{path}", "transport": transport, "socket_group": OWN_GROUP}
    async with running(upstream.server.bound.address, **flags):
        pass

    assert modes
    assert all(mode & 0o077 == 0 for mode in modes)


async def test_a_group_that_the_file_cannot_be_given_to_stops_the_start(
    tmp_path: Path, transport: str, upstream: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    flags: dict[str, Any] = {"listen": f"unix:{tmp_path}/agent.sock", "transport": transport, "socket_group": 7}

    with pytest.raises(
        StartError, match=r"cannot be given to the group 7 \(operation not permitted\); run as a member"
    ):
        async with running(upstream.server.bound.address, **flags):
            pass


def test_a_group_is_read_by_its_name_or_its_number_and_needs_a_socket() -> None:
    named = agent_config("localhost", listen="unix:/s", socket_group="root")

    assert named.socket_group == 0
    with pytest.raises(ConfigError, match="must be the name of a group of this machine, or the number of a group"):
        agent_config("localhost", listen="unix:/s", socket_group="no such group")
    with pytest.raises(ConfigError, match="--socket-group needs a Unix socket"):
        agent_config("localhost", socket_group="0")


async def test_an_agent_beyond_loopback_needs_tls_as_a_server_does(upstream: Served) -> None:
    with pytest.raises(StartError, match="the server would accept calls from other machines in plain text"):
        async with running(upstream.server.bound.address, listen="0.0.0.0:0"):
            pass


async def test_a_callers_file_of_the_agent_is_enforced_by_user(tmp_path: Path, upstream: Served) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text(f"callers: [{{name: me, match: {{uid: {os.getuid() + 1}}}, policies: [RolecallChecker]}}]\n")
    flags: dict[str, Any] = {"listen": f"unix:{tmp_path}/agent.sock", "transport": H2, "callers": str(path)}
    async with running(upstream.server.bound.address, **flags) as agent:
        denied = await failure(check(agent, query()))
        path.write_text(path.read_text().replace(str(os.getuid() + 1), str(os.getuid())))
        callers: Any = agent.server.callers
        await callers.reloading.reload_if_changed()
        allowed = await check(agent, query())

    assert denied.code() is grpc.StatusCode.PERMISSION_DENIED
    assert allowed.decision.reason
