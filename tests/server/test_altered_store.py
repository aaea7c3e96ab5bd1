"""A server never decides upon roles that no server wrote, and says so."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import grpc
import psycopg
import pytest

from rolecall.server import replica
from rolecall.server.main import StartError
from rolecall.storage import open_repository
from rolecall_client.v1 import role_pb2
from tests.postgres import PostgresServer
from tests.server.serving import ACCOUNT, Served, check, idle_server, log_lines, served, until
from tests.storage.samples import create
from tests.storage.stores import empty_store


def run_sql(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


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


async def test_a_server_waits_until_an_altered_database_is_as_servers_wrote_it(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = empty_store(postgres_server)
    with closing(open_repository(url)) as repository:
        create(repository, "App", description="right")
    run_sql(url, "UPDATE roles SET description = 'altered'")
    monkeypatch.setattr(replica, "ALTERED_RETRY_SECONDS", 0.1)

    async with idle_server(store=url) as server:
        loading = asyncio.create_task(server.replica.load_with_retry())
        await until(lambda: server.replica.follower.altered)
        during = server.health.not_ready(), loading.done(), len(server.replica.snapshot)
        run_sql(url, "UPDATE roles SET description = 'right'")
        await loading

        assert "the roles of the store are not those that servers wrote" in during[0][0]
        assert during[1:] == (False, 0)
        assert (len(server.replica.snapshot), server.replica.follower.altered) == (1, "")
