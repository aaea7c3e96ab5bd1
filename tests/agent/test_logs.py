"""The decision log of an agent has what it decided itself."""

from __future__ import annotations

import json
from pathlib import Path

from rolecall_client.v1 import decision_pb2 as pb
from tests.agent.serving import check, node, query
from tests.server.serving import log_lines


async def test_decisions_of_the_agent_are_logged_and_not_those_of_the_server(tmp_path: Path) -> None:
    path = tmp_path / "decisions.log"
    async with node(decision_log=str(path)) as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)

        own = await check(pair.agent, query())
        await check(pair.agent, query(source_identity="alice"))

    assert logged_ids(path) == [own.decision.decision_id]


def logged_ids(path: Path) -> list[str]:
    return [json.loads(line)["decision_id"] for line in path.read_text().splitlines()]


async def test_of_many_checks_that_cannot_be_put_to_the_server_the_first_is_logged() -> None:
    request = pb.CheckAssumeRoleRequest(query=query(source_identity="alice"))
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        await pair.upstream.server.close()

        for _ in range(3):
            call = pair.agent.decisions.CheckAssumeRole(request, timeout=2)
            await call.code()

        assert [line["outcome"] for line in log_lines(pair.agent.log) if line["event"] == "upstream_check"] == [
            "unavailable"
        ]
