"""Streams and watches of the asynchronous client, against servers that end them: the rules of the other client hold."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import grpc
import pytest

from rolecall_client import (
    AccessDeniedError,
    AsyncRolecallClient,
    ResyncRequiredError,
    RolecallError,
    UnavailableError,
    async_stream,
    query,
    watch_progress,
)
from rolecall_client.boottime import boottime
from rolecall_client.stream import MAX_ATTEMPTS
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, role_pb2_grpc, watch_pb2 as w
from tests.clients.test_client import ALICE
from tests.clients.test_stream import echo, streaming
from tests.clients.test_watch import STOPPING, change, checkpoint, sending, serving
from tests.server.serving import until

Requests = Iterator[d.StreamCheckAssumeRoleRequest]
ASKED = query(ALICE, "r")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(async_stream, "BACKOFF_SECONDS", 0.001)


async def test_unanswered_queries_are_sent_again_on_the_next_stream() -> None:
    streams: list[list[int]] = []

    def answer(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
        seen: list[int] = []
        streams.append(seen)
        for message in requests:
            if len(seen) == 3 and len(streams) < 4:
                context.abort(grpc.StatusCode.UNAVAILABLE, "stopping")
            seen.append(message.sequence)
            yield echo(message)

    with streaming(answer) as address:
        async with AsyncRolecallClient(address) as client:
            answers = [answer.sequence async for answer in client.stream([ASKED] * 20, in_flight=5)]

    assert answers == list(range(20))
    # An answer that arrives together with the end of its stream may be lost; its query is asked again.
    first, *later = [seen[0] for seen in streams]
    assert first == 0
    assert all(0 <= begins - before <= 3 for before, begins in pairwise([first, *later]))
    assert len(later) == 3


@pytest.mark.parametrize(
    ("code", "attempts"), [(grpc.StatusCode.UNAVAILABLE, MAX_ATTEMPTS), (grpc.StatusCode.PERMISSION_DENIED, 1)]
)
async def test_a_stream_that_always_fails_is_an_error(code: grpc.StatusCode, attempts: int) -> None:
    opened = itertools.count()

    def answer(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
        next(opened)
        context.abort(code, "no")
        yield

    with streaming(answer) as address:
        async with AsyncRolecallClient(address) as client:
            with pytest.raises(RolecallError) as caught:
                await anext(client.stream([ASKED]))

    assert (caught.value.code, caught.value.message, next(opened)) == (code.name, "no", attempts)


class Refusing(role_pb2_grpc.RoleServiceServicer):
    """Refuses an upload after its first message."""

    def ApplyRoles(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        next(request_iterator)
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")


async def test_an_upload_that_is_refused_while_it_is_sent_has_the_error_of_the_server() -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    role_pb2_grpc.add_RoleServiceServicer_to_server(Refusing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    large = r.RoleDeclaration(role_name="large", assume_role_policy_document="x" * 600_000)

    async with AsyncRolecallClient(f"127.0.0.1:{port}") as client:
        for _ in range(20):
            with pytest.raises(AccessDeniedError, match="not you"):
                await client.apply_roles([large] * 50)

    server.stop(0).wait()


async def test_a_stream_that_ends_too_early_is_an_error() -> None:
    with streaming(lambda _requests, _context: iter(())) as address:
        async with AsyncRolecallClient(address) as client:
            # Depending on what arrives first, it ended before the query was sent, or before it was answered.
            with pytest.raises(UnavailableError, match="ended before every"):
                await anext(client.stream([ASKED]))


def answer_each(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
    for message in requests:
        yield echo(message)


async def test_queries_are_read_at_most_in_flight_ahead() -> None:
    read = itertools.count()

    async def queries() -> AsyncIterator[d.AssumeRoleQuery]:
        for number in read:
            yield query(ALICE, f"none-{number}")

    with streaming(answer_each) as address:
        async with AsyncRolecallClient(address) as client:
            answers = client.stream(queries(), in_flight=10)
            for _ in range(25):
                await anext(answers)
            await answers.aclose()  # type: ignore[attr-defined]

    assert next(read) <= 25 + 10


async def test_an_error_of_the_callers_iterator_is_raised_unchanged() -> None:
    async def queries() -> AsyncIterator[d.AssumeRoleQuery]:
        yield ASKED
        raise LookupError("mine")

    with streaming(answer_each) as address:
        async with AsyncRolecallClient(address) as client:
            with pytest.raises(LookupError, match="mine"):
                [answer async for answer in client.stream(queries(), in_flight=1)]


async def test_leaving_the_answers_cancels_the_stream() -> None:
    ended = threading.Event()

    def answer(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(ended.set)
        yield from answer_each(requests, context)

    with streaming(answer) as address:
        async with AsyncRolecallClient(address) as client:
            answers = client.stream(ASKED for _ in itertools.count())
            await anext(answers)
            await answers.aclose()  # type: ignore[attr-defined]

            assert await asyncio.to_thread(ended.wait, 20)


async def test_a_task_that_is_cancelled_leaves_its_stream() -> None:
    ended = threading.Event()

    def answer(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(ended.set)
        next(requests)
        yield from ()
        ended.wait(20)

    async def ask(client: AsyncRolecallClient) -> None:
        await anext(client.stream([ASKED]))

    with streaming(answer) as address:
        async with AsyncRolecallClient(address) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(client), 0.2)

            assert await asyncio.to_thread(ended.wait, 20)


async def seen(events: AsyncIterator[Any], count: int) -> list[tuple[str, int]]:
    found = [await anext(events) for _ in range(count)]
    return [("change" if isinstance(event, w.RoleWatchChange) else "checkpoint", event.revision) for event in found]


async def test_a_watch_that_breaks_is_resumed_and_nothing_comes_twice() -> None:
    first = sending(checkpoint(1), change(2), checkpoint(2), change(3, "1"), change(3, "2"), then=STOPPING)
    second = sending(checkpoint(2), change(3, "1"), change(3, "2"), change(3, "3"), checkpoint(3), change(4))
    errors, opened, before = list[RolecallError](), list[float](), boottime()

    with serving(first, second) as (address, asked):
        async with AsyncRolecallClient(address) as client:
            events = client.watch_roles(account_ids=["7"], resumed=errors.append, opened=opened.append)
            got = await seen(events, 9)
            await events.aclose()

    assert [revision for kind, revision in got if kind == "change"] == [2, 3, 3, 3, 4]
    assert [(request.start_token, list(request.account_ids)) for request in asked] == [("", ["7"]), ("t2", ["7"])]
    assert [error.reason for error in errors] == ["SERVER_STOPPING"]
    assert before <= opened[0] < opened[1] <= boottime()


async def test_an_incomplete_initial_state_is_an_error() -> None:
    with serving(sending(change(1), then=STOPPING)) as (address, _):
        async with AsyncRolecallClient(address) as client:
            events = client.watch_roles(include_initial_state=True)
            await anext(events)

            with pytest.raises(ResyncRequiredError, match="initial state"):
                await anext(events)


async def test_lost_changes_are_an_error_with_the_reason() -> None:
    lost = w.WatchRolesResponse(resync_required=w.ResyncRequired(reason="gone"))
    with serving(sending(checkpoint(1), lost)) as (address, _):
        async with AsyncRolecallClient(address) as client:
            events = client.watch_roles()
            await anext(events)

            with pytest.raises(ResyncRequiredError, match="gone"):
                await anext(events)


async def test_a_silent_watch_is_cancelled_and_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "SILENT_SECONDS", 0.2)

    with serving(sending(checkpoint(1)), sending(checkpoint(1), change(2))) as (address, asked):
        async with AsyncRolecallClient(address) as client:
            events = client.watch_roles()
            got = await seen(events, 3)
            await events.aclose()

    assert got == [("checkpoint", 1), ("checkpoint", 1), ("change", 2)]
    assert asked[1].start_token == "t1"


async def test_an_unreachable_server_is_an_error_after_the_timeout() -> None:
    async with AsyncRolecallClient("127.0.0.1:1", timeout=0.3) as client:
        with pytest.raises(RolecallError) as caught:
            await anext(client.watch_roles())

    assert caught.value.code == "UNAVAILABLE"


async def test_a_watch_that_ends_without_an_error_is_resumed() -> None:
    def silent_end(*_: object) -> Iterator[w.WatchRolesResponse]:
        yield checkpoint(1)

    with serving(silent_end, sending(checkpoint(1), change(2))) as (address, _):
        async with AsyncRolecallClient(address) as client:
            events = client.watch_roles()
            got = await seen(events, 3)
            await events.aclose()

    assert got == [("checkpoint", 1), ("checkpoint", 1), ("change", 2)]


async def test_closing_the_client_ends_its_watches_and_its_calls() -> None:
    with serving(sending(checkpoint(1))) as (address, _):
        client = AsyncRolecallClient(address)
        events = client.watch_roles()
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await client.close()

        with pytest.raises(RolecallError, match="the client is closed"):
            await waiting


async def test_closing_a_watch_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    with serving(sending(checkpoint(1))) as (address, _):
        async with AsyncRolecallClient(address) as client:
            events = client.watch_roles()
            await anext(events)
            await events.aclose()

    await until(lambda: asyncio.all_tasks() == before)  # the task of gRPC that receives a status ends a little later


async def test_streams_that_a_server_ends_while_queries_are_on_their_way_leave_no_task() -> None:
    def ten_answers(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
        for request in itertools.islice(requests, 10):
            yield d.StreamCheckAssumeRoleResponse(sequence=request.sequence, decision=d.Decision(allowed=True))
        context.abort(grpc.StatusCode.UNAVAILABLE, "stopping")

    before = asyncio.all_tasks()
    with streaming(ten_answers) as address:
        async with AsyncRolecallClient(address) as client:
            answers = [answer.sequence async for answer in client.stream([ASKED] * 100, in_flight=16)]
        await until(lambda: asyncio.all_tasks() == before)

    assert answers == list(range(100))


async def test_a_call_that_waits_when_the_client_closes_is_an_error() -> None:
    asked, over = threading.Event(), threading.Event()

    def answer(requests: Requests, context: grpc.ServicerContext) -> Iterator[Any]:
        next(requests)
        asked.set()
        context.add_callback(over.set)
        over.wait(20)
        yield from ()

    with streaming(answer) as address:
        client = AsyncRolecallClient(address)
        waiting = asyncio.ensure_future(anext(client.stream([ASKED])))
        await asyncio.to_thread(asked.wait, 20)
        await client.close()

        with pytest.raises(RolecallError):
            await waiting
