from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from rolecall.engine.writer import RoleWriter
from rolecall.roles.commands import Written
from rolecall.roles.errors import AlteredRolesError, RoleExistsError, StoreUnavailableError
from tests.engine.following import Parts, written


async def test_a_refusal_that_its_caller_did_not_wait_for_is_nobodys_error(parts: Parts) -> None:
    reported, go_on = list[dict[str, Any]](), threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def refused() -> Written[None]:
        go_on.wait(30)
        raise RoleExistsError("acs:ram::123456789012:role/app")

    caller = asyncio.create_task(parts.writer.write(refused))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    go_on.set()
    await parts.writer.drain()
    cancelled = caller.cancelled()
    del caller  # whose error leads to the write
    await asyncio.sleep(0)
    gc.collect()

    assert cancelled
    assert reported == []


async def test_a_write_whose_author_has_gone_before_its_turn_is_not_begun(parts: Parts) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hanging() -> Written[None]:
        begun.set()
        go_on.wait(30)
        return written(parts.put("first"))

    first = asyncio.create_task(parts.writer.write(hanging))
    await asyncio.to_thread(begun.wait, 30)
    waiting = [asyncio.create_task(parts.writer.write(lambda: written(parts.put("never")))) for _ in range(50)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    async with asyncio.timeout(20):
        while len(parts.writer._pending) > 1:  # noqa: ASYNC110  (another thread changes it)
            await asyncio.sleep(0.01)
    go_on.set()
    await first
    await parts.writer.drain()

    assert [role.role_name for role in parts.repository.load()] == ["first"]


async def test_each_commit_and_each_failure_of_the_store_is_reported_and_what_wrote_nothing_is_not(
    parts: Parts,
) -> None:
    outcomes = list[object]()
    writer = RoleWriter(parts.follower, writing=parts.writers, reading=parts.readers, on_outcome=outcomes.append)
    down = StoreUnavailableError("down")

    def failing() -> Written[None]:
        raise down

    await writer.write(lambda: written(parts.put("first")))
    await writer.write(lambda: written(None))
    with pytest.raises(StoreUnavailableError):
        await writer.write(failing)

    assert outcomes == [None, down]


async def test_an_altered_role_that_a_write_meets_is_reported_and_is_no_failure_of_the_store(parts: Parts) -> None:
    outcomes, altered = list[object](), AlteredRolesError("role `1/app` is not as servers wrote it")
    writer = RoleWriter(parts.follower, writing=parts.writers, reading=parts.readers, on_outcome=outcomes.append)

    def refused() -> Written[None]:
        raise altered

    for _ in range(2):
        with pytest.raises(AlteredRolesError) as caught:
            await writer.write(refused)

    assert caught.value is altered
    assert (parts.follower.altered, parts.altered, outcomes) == (str(altered), [str(altered)], [])


async def test_a_repeat_is_acknowledged_once_this_process_holds_what_the_first_try_did(parts: Parts) -> None:
    made_elsewhere = parts.put("app")

    await parts.writer.write(lambda: Written(result=None, revision=made_elsewhere.revision, replayed=True))

    assert parts.follower.snapshot.revision == made_elsewhere.revision


async def test_a_repeat_of_what_this_process_has_needs_no_read_of_the_store(parts: Parts) -> None:
    commit = parts.put("a")
    await parts.follower.catch_up()
    parts.repository.down = True

    repeated = await parts.writer.write(lambda: Written(result=None, revision=commit.revision, commit=None))

    assert (repeated.revision, parts.follower.snapshot.revision) == (1, 1)
