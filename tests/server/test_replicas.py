from __future__ import annotations

import asyncio
import io
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall.engine.follower import Follower, Reload
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.observability.logs import make_logger
from rolecall.server import background
from rolecall.server.main import StoppedError, running_server
from rolecall.server.server import RolecallServer
from rolecall.server.shutdown import StopSignal
from rolecall.storage.open import migrate, open_repository
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite import driver
from rolecall.storage.sqlite.lock import StoreLock
from rolecall.transport import server as transport
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.postgres import PostgresServer
from tests.server.serving import DOCUMENT, Served, check, config
from tests.storage.samples import create

pytestmark = pytest.mark.long

KEY = b"k" * 32
SOON = 30.0


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    made = postgres_server.create_database()
    migrate(made)
    return made


@asynccontextmanager
async def replica(url: str, **flags: object) -> AsyncIterator[Served]:
    log = io.StringIO()
    settings = config(**{"store": url, "poll_seconds": 0.05, **flags})
    async with (
        running_server(settings, log=make_logger("info", "json", log)) as server,
        grpc.aio.insecure_channel(server.bound.address) as channel,
    ):
        yield Served(server, log, channel)


async def until(true: Callable[[], object] | Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(SOON):
        while True:
            found = true()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.02)


async def ask(served: Served, **options: Any) -> pb.Decision:
    response: pb.CheckAssumeRoleResponse = await served.decisions.CheckAssumeRole(check(**options))
    return response.decision


def status(server: RolecallServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{server.bound.ops_address}/{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return path


def snapshot_flags(tmp_path: Path) -> dict[str, str]:
    return {"snapshot_file": str(tmp_path / "state"), "snapshot_key_file": str(key_file(tmp_path))}


def events_of(served: Served) -> list[str]:
    return [json.loads(line)["event"] for line in served.log.getvalue().splitlines()]


async def test_one_replica_decides_on_what_another_has_written(url: str) -> None:
    async with replica(url) as one, replica(url) as other:
        await one.create("app")

        await until(lambda: other.server.replica.snapshot.revision == 1)
        decision = await ask(other)

        assert (decision.reason, decision.revision) == (pb.DECISION_REASON_ALLOW, 1)
        assert one.server.replica.snapshot.hash == other.server.replica.snapshot.hash


async def test_a_notification_brings_the_poll_forward(url: str) -> None:
    async with replica(url) as one, replica(url, poll_seconds=60) as other:
        await until(lambda: other.server.replica.polling.counts.done)
        numbers = count()

        async def seen() -> bool:
            # A notification sent before the other replica listens is lost; the next write sends another.
            await one.create(f"app{next(numbers)}")
            return other.server.replica.snapshot.revision > 0

        await until(seen)

        assert other.server.replica.polling.counts.hints >= 1


# Row 56 of the faults.
async def test_a_token_of_another_replica_is_waited_for(url: str) -> None:
    async with replica(url) as one, replica(url, poll_seconds=60) as other:
        for number in range(10):
            created = await one.roles.CreateRole(create_request(f"app{number}"))
            question = check(f"app{number}")
            question.consistency.at_least_as_fresh = created.consistency_token

            answer = await other.decisions.CheckAssumeRole(question)

            assert answer.decision.revision >= number + 1
            assert answer.decision.reason == pb.DECISION_REASON_ALLOW


def create_request(name: str) -> role_pb2.CreateRoleRequest:
    return role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=DOCUMENT)


# Row 67 of the faults.
async def test_a_replica_starts_from_its_snapshot_file_while_the_database_is_down(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    url = own_server.create_database()
    migrate(url)
    flags = snapshot_flags(tmp_path)
    async with replica(url, **flags) as first:
        await first.create("app")
        token = (await first.decisions.CheckAssumeRole(check())).consistency_token
        await until(lambda: first.server.replica.saver and first.server.replica.saver.saved)
        await first.server.replica.save_snapshot()
    own_server.stop("immediate")

    async with replica(url, **flags) as second:
        restored = await ask(second)
        question = check()
        question.consistency.at_least_as_fresh = token
        same = await second.decisions.CheckAssumeRole(question)
        ready = status(second.server, "readyz")[0]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await second.create("other")
        own_server.start()
        await until(lambda: not second.server.replica.snapshot.restored)
        confirmed = await ask(second)
        events = events_of(second)

    assert (restored.served_from, restored.revision) == (pb.SERVED_FROM_RESTORED, 1)
    assert restored.staleness.ToMicroseconds() > 0
    assert same.decision.served_from == pb.SERVED_FROM_RESTORED
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert ready == 200
    assert confirmed.served_from in {pb.SERVED_FROM_EVALUATED, pb.SERVED_FROM_CACHED}
    assert events[:2] == ["store_unavailable", "restored"]


# Row 67 of the faults.
@pytest.mark.parametrize("damage", ["too old", "corrupted", "absent"])
async def test_an_invalid_snapshot_file_leaves_the_replica_waiting(
    own_server: PostgresServer, tmp_path: Path, damage: str
) -> None:
    url = own_server.create_database()
    migrate(url)
    flags: dict[str, object] = {**snapshot_flags(tmp_path)}
    async with replica(url, **flags) as first:
        await until(lambda: first.server.replica.saver and first.server.replica.saver.saved)
    own_server.stop("immediate")
    state = tmp_path / "state"
    match damage:
        case "too old":
            flags["max_staleness_seconds"] = 0
        case "corrupted":
            state.write_bytes(state.read_bytes()[:-1])
        case "absent":
            state.unlink()
    log, stopping = io.StringIO(), StopSignal()
    settings = config(store=url, **flags)

    async def start() -> None:
        async with running_server(settings, log=make_logger("info", "json", log), stopping=stopping):
            pass

    starting = asyncio.create_task(start())
    await until(lambda: log.getvalue().count("not_restored") >= 2)
    stopping.request()

    with pytest.raises(StoppedError):
        await starting
    assert (tmp_path / "state.refused").exists() == (damage == "corrupted")


async def test_a_server_that_waits_for_its_database_is_live_and_not_ready_and_can_be_stopped(
    own_server: PostgresServer,
) -> None:
    url = own_server.create_database()
    migrate(url)
    own_server.stop("immediate")
    stopping, servers = StopSignal(), list[RolecallServer]()
    listen = RolecallServer.listen

    def noted(server: RolecallServer) -> None:
        listen(server)
        servers.append(server)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RolecallServer, "listen", noted)

        async def start() -> None:
            async with running_server(
                config(store=url), log=make_logger("error", "json", io.StringIO()), stopping=stopping
            ):
                pass

        starting = asyncio.create_task(start())
        await until(lambda: servers and servers[0].bound.ops_address)
        live = await asyncio.to_thread(status, servers[0], "livez")
        ready = await asyncio.to_thread(status, servers[0], "readyz")
        stopping.request()
        with pytest.raises(StoppedError):
            await starting

    assert (live[0], ready[0]) == (200, 503)
    assert "not loaded" in ready[1]


@pytest.mark.long
async def test_in_an_outage_decisions_are_healthy_for_longer_than_administration(own_server: PostgresServer) -> None:
    url = own_server.create_database()
    migrate(url)
    async with replica(url, max_staleness_seconds=2) as served:
        health = health_pb2_grpc.HealthStub(served.channel)

        async def serves(service: str) -> bool:
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        before = [await serves(name) for name in ("", transport.DECISION_SERVICE, transport.ROLE_SERVICE)]
        own_server.stop("immediate")
        await until(lambda: no(serves(transport.ROLE_SERVICE)))
        await until(lambda: no(serves(transport.DECISION_SERVICE)))
        with pytest.raises(grpc.aio.AioRpcError) as too_old:
            await ask(served)
        during = (await serves(""), (await asyncio.to_thread(status, served.server, "readyz"))[0])
        own_server.start()
        await until(lambda: serves(transport.DECISION_SERVICE))
        await until(lambda: serves(transport.ROLE_SERVICE))

        assert (await ask(served)).reason == pb.DECISION_REASON_ROLE_NOT_FOUND

    assert before == [True, True, True]
    assert (too_old.value.code(), during) == (grpc.StatusCode.UNAVAILABLE, (True, 200))


async def no(answer: Awaitable[bool]) -> bool:
    return not await answer


def test_the_url_of_a_store_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("memory://\n")

    assert config(store="sqlite:///rolecall.db", store_file=str(secret)).store_url == "memory://"


# Row 71 of the faults.
async def test_a_commit_deleted_from_the_log_by_hand_causes_a_reload(postgres_server: PostgresServer, url: str) -> None:
    behind, writer = open_repository(url), open_repository(url)
    with ThreadPoolExecutor(1) as readers:
        follower = Follower(behind, load_snapshot(behind), readers)
        for name in ("a", "b", "c"):
            create(writer, name)
        postgres_server.execute("DELETE FROM commits WHERE revision = 2", database=url.rpartition("/")[2])

        await follower.catch_up()

        assert (follower.reloads[Reload.GAP], follower.snapshot.revision, len(follower.snapshot)) == (1, 3, 3)
    behind.close()
    writer.close()


# Row 75 of the faults.
async def test_a_write_to_the_file_by_another_process_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    async with replica(f"sqlite:///{path}") as served:
        await served.create("app")
        # The lock keeps other servers out, but not a process that ignores it.
        other_process = SqlRoleRepository(driver._engine(path), driver.SqliteDriver(path, NoLock()))
        create(other_process, "Stranger")

        await until(lambda: served.server.replica.snapshot.revision == 2)

        assert (await served.create("own")).revision == 3
        other_process.close()


class NoLock(StoreLock):
    """The lock of a process that takes none."""

    def __init__(self) -> None:
        """Take no lock."""

    def release(self) -> None:
        """Release nothing."""


async def test_background_work_is_restarted_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    log, tries = io.StringIO(), list[int]()
    monkeypatch.setattr(background, "RESTART_SECONDS", 0.01)

    async def fails() -> None:
        tries.append(1)
        raise ZeroDivisionError("logged whole")

    task = asyncio.create_task(background.run_with_restarts(fails, make_logger("info", "json", log)))
    await until(lambda: len(tries) >= 3)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert log.getvalue().count("background_work_failed") >= 2
    assert "logged whole" in log.getvalue()
