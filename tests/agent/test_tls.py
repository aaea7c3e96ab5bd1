"""An agent follows its server over TLS, with its certificate or its token, and the server judges its rights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trustme

from rolecall_client.v1 import decision_pb2 as pb
from tests.agent.serving import check, query, running
from tests.server.serving import log_lines, served, until


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Give a folder with the certificates of a server and of an agent, and the token of an agent."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, host in (("server", "localhost"), ("agent", "agent.example"), ("stranger", "stranger.example")):
        issued = authority.issue_cert(host)
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        (tmp_path / f"{name}.key").chmod(0o600)
    return tmp_path


def server_flags(files: Path) -> dict[str, str]:
    policies = {"policies": ["AdministratorAccess"]}
    callers = {"callers": [{"name": "agent", "match": {"dns": "agent.example"}, **policies}]}
    (files / "callers.yaml").write_text(json.dumps(callers))
    return {
        "listen": "localhost:0",
        "tls_cert": str(files / "server.pem"),
        "tls_key": str(files / "server.key"),
        "tls_client_ca": str(files / "ca.pem"),
        "callers": str(files / "callers.yaml"),
    }


def agent_flags(files: Path, name: str) -> dict[str, str]:
    return {
        "upstream_tls_ca": str(files / "ca.pem"),
        "upstream_tls_cert": str(files / f"{name}.pem"),
        "upstream_tls_key": str(files / f"{name}.key"),
    }


async def test_an_agent_with_a_certificate_follows_over_tls(files: Path) -> None:
    async with (
        served(**server_flags(files)) as upstream,
        running(upstream.server.bound.address, **agent_flags(files, "agent")) as agent,
    ):
        await until(lambda: agent.metric("rolecall_upstream_connected"))

        answer = await check(agent, query())

    assert answer.decision.reason == pb.DECISION_REASON_ROLE_NOT_FOUND


@pytest.mark.long  # a callers file is read every ten seconds
async def test_a_question_that_the_server_refuses_to_the_agent_is_refused_with_that_reason(files: Path) -> None:
    async with served(**server_flags(files)) as upstream:
        document = json.loads((files / "callers.yaml").read_text())
        address, flags = upstream.server.bound.address, agent_flags(files, "agent")
        async with running(address, **flags) as agent:
            document["callers"] = []
            before = upstream.server.callers.directory.generation
            (files / "callers.yaml").write_text(json.dumps(document))
            await until(lambda: upstream.server.callers.directory.generation != before)

            call = agent.decisions.CheckAssumeRole(
                pb.CheckAssumeRoleRequest(query=query(source_identity="alice")), timeout=20
            )
            code = await call.code()

            assert code.name == "PERMISSION_DENIED"
            assert agent.metric("rolecall_upstream_checks_total", outcome="refused") == 1
            assert "upstream_check" in [line["event"] for line in log_lines(agent.log)]
