"""A sink is fed from a watch in a task, against a real server and against servers that end streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rolecall_client import AsyncRolecallClient, following, watch_progress
from rolecall_client.async_following import AsyncFollowing
from rolecall_client.boottime import boottime
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w
from tests.clients.recording_sink import Fed, RecordingSink
from tests.clients.test_client import POLICY
from tests.clients.test_following import DENIED, LOST
from tests.clients.test_watch import STOPPING, Answer, change, checkpoint, sending, serving


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(following, "FIRST_PAUSE_SECONDS", 0.01)


class Follower:
    """A sink that a task feeds from a server."""

    def __init__(self, client: AsyncRolecallClient) -> None:
        self.sink = RecordingSink()
        self.following = AsyncFollowing(self.sink, client._open_watch, w.WatchRolesRequest(), timeout=10)

    async def next(self, count: int) -> list[Fed]:
        return await asyncio.to_thread(self.sink.next, count)


@asynccontextmanager
async def fed_from(address: str) -> AsyncIterator[Follower]:
    async with AsyncRolecallClient(address) as client:
        fed = Follower(client)
        fed.following.start()
        yield fed
        await fed.following.close()


@asynccontextmanager
async def fed_by(*answers: Answer) -> AsyncIterator[tuple[Follower, list[w.WatchRolesRequest]]]:
    with serving(*answers) as (address, asked):
        async with fed_from(address) as fed:
            yield fed, asked


def tasks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "rolecall-following"]


async def test_a_sink_receives_the_changes_and_checkpoints_of_a_server(address: str) -> None:
    before = boottime()

    async with fed_from(address) as fed, AsyncRolecallClient(address) as client:
        started = await fed.next(2)
        created = await client.create_role(
            r.CreateRoleRequest(role_name="followed-async", assume_role_policy_document=POLICY)
        )
        later = await fed.next(2)

    assert [kind for kind, _ in started] == ["restart", "checkpoint"]
    assert later == [("change", created.role.revision), ("checkpoint", created.role.revision)]
    assert before <= fed.sink.opened_at[0] == fed.sink.opened_at[1] <= boottime()


async def test_a_stream_that_breaks_is_resumed_without_a_restart() -> None:
    first = sending(checkpoint(1), change(2), checkpoint(2), then=STOPPING)

    async with fed_by(first, sending(checkpoint(2), change(3))) as (fed, asked):
        kinds = [kind for kind, _ in await fed.next(7)]

    assert kinds == ["restart", "checkpoint", "change", "checkpoint", "broken", "checkpoint", "change"]
    assert [request.start_token for request in asked] == ["", "t2"]


async def test_lost_changes_restart_the_watch() -> None:
    async with fed_by(sending(checkpoint(1), LOST), sending(checkpoint(9))) as (fed, asked):
        kinds = [kind for kind, _ in await fed.next(5)]

    assert kinds == ["restart", "checkpoint", "broken", "restart", "checkpoint"]
    assert [request.start_token for request in asked] == ["", ""]


async def test_a_missing_right_ends_the_watch_and_its_task() -> None:
    async with fed_by(sending(then=DENIED)) as (fed, asked):
        (task,) = tasks()
        got = await fed.next(2)
        await asyncio.wait_for(task, 30)

    assert got == [("restart", None), ("broken", "PERMISSION_DENIED")]
    assert len(asked) == 1


async def test_closing_ends_the_stream_and_the_task_and_reports_nothing() -> None:
    async with fed_by(sending(checkpoint(1))) as (fed, _):
        await fed.next(2)
        await fed.following.close()
        fed.following.start()

        assert (tasks(), fed.sink.fed.empty()) == ([], True)


async def test_a_second_start_changes_nothing() -> None:
    async with fed_by(sending(checkpoint(1))) as (fed, asked):
        fed.following.start()
        await fed.next(2)

        assert (len(tasks()), len(asked)) == (1, 1)
