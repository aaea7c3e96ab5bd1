"""A server never decides upon roles that no server wrote, and says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from rolecall.server.main import StartError
from rolecall_client.v1 import role_pb2
from tests.server.serving import ACCOUNT, Served, check, log_lines, served, until


def let_only_mallory_in(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        changed = connection.execute("UPDATE roles SET document = replace(document, 'root', 'user/mallory')")
        assert changed.rowcount == 1


def gauge(server: Served, name: str) -> float | None:
    return server.server.registry.get_sample_value(name)


async def bob_is_allowed(server: Served) -> bool:
    answer = await server.decisions.CheckAssumeRole(check())
    return bool(answer.decision.allowed)


async def test_a_server_does_not_start_on_an_altered_store(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/roles.db"
    async with served(store=store) as server:
        await server.create()
    let_only_mallory_in(tmp_path / "roles.db")

    with pytest.raises(StartError, match="the roles of the store are not those that servers wrote up to revision 1"):
        async with served(store=store):
            pass


async def test_a_running_server_reports_an_altered_store_and_decides_as_before(tmp_path: Path) -> None:
    async with served(store=f"sqlite:///{tmp_path}/roles.db", reconcile_seconds="1") as server:
        await server.create()
        before = await bob_is_allowed(server)
        let_only_mallory_in(tmp_path / "roles.db")

        await until(lambda: server.server.replica.follower.altered)

        assert (before, await bob_is_allowed(server)) == (True, True)
        stored = server.server.replica.snapshot.role(f"{ACCOUNT}/app")
        assert stored is not None
        assert "mallory" not in stored.document
        assert gauge(server, "rolecall_store_altered") == 1
        events = {line["event"]: line["level"] for line in log_lines(server.log)}
        assert (events["store_altered"], events["state_mismatch"]) == ("error", "error")
        assert not server.server.replica.administered()


async def test_a_write_that_meets_an_altered_role_reports_it(tmp_path: Path) -> None:
    async with served(store=f"sqlite:///{tmp_path}/roles.db") as server:
        await server.create()
        let_only_mallory_in(tmp_path / "roles.db")
        request = role_pb2.UpdateRoleRequest(role="app", description="new")
        request.update_mask.paths.append("description")

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.roles.UpdateRole(request)

        assert refused.value.code() is grpc.StatusCode.DATA_LOSS
        assert gauge(server, "rolecall_store_altered") == 1
        assert "store_altered" in {line["event"] for line in log_lines(server.log)}
