"""The limits of calls in progress, and of their duration."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rolecall.transport.errors import OverdueError, StreamIdleError, StreamStoppedError
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.call_limits import CallLimits
from rolecall.transport.rpc.call_origin import no_name
from rolecall.transport.rpc.concurrency import NO_LIMIT, STOPPED, ConcurrencyLimit
from rolecall.transport.rpc.middleware import Middleware, StreamedCalls
from rolecall.transport.rpc.stats import MethodStats


class Task:
    """A task that counts how often it is cancelled."""

    def __init__(self) -> None:
        self.cancellations = 0

    def cancel(self) -> None:
        self.cancellations += 1


class Context:
    def peer(self) -> str:
        return "ipv4:10.0.0.1:7"


def limit_with(**deadlines: float) -> tuple[ConcurrencyLimit, dict[str, Any]]:
    limit, tasks = ConcurrencyLimit(10), {name: Task() for name in deadlines}
    for name, deadline in deadlines.items():
        calls: Any = limit.calls
        calls[tasks[name]] = deadline, None
    return limit, tasks


def test_a_sweep_cancels_the_calls_whose_deadline_has_passed() -> None:
    limit, tasks = limit_with(early=5.0, now=10.0, late=10.1, unlimited=NO_LIMIT)

    limit.sweep(10.0)

    assert {name: task.cancellations for name, task in tasks.items()} == {
        "early": 1,
        "now": 1,
        "late": 0,
        "unlimited": 0,
    }


def test_a_call_is_cancelled_once_however_often_the_limit_is_swept() -> None:
    limit, tasks = limit_with(early=5.0)

    for now in (10.0, 11.0, 12.0):
        limit.sweep(now)

    assert tasks["early"].cancellations == 1


def test_a_sweep_at_time_zero_cancels_a_call_that_was_due_then() -> None:
    limit, tasks = limit_with(due=0.0)

    limit.sweep(0.0)

    assert tasks["due"].cancellations == 1


def test_a_removed_call_reports_the_deadline_for_which_the_sweep_cancelled_it() -> None:
    limit, tasks = limit_with(early=5.0, late=20.0)
    limit.sweep(10.0)

    removed = [limit.remove_failed(tasks[name]) for name in ("early", "late")]

    assert removed == [5.0, None]
    assert limit.calls == {}
    assert limit.remove_failed(None) is None


async def test_a_call_without_a_task_is_swept_without_harm() -> None:
    limit = ConcurrencyLimit(10)
    limit.calls[None] = 0.0, None

    limit.sweep(1.0)

    assert limit.calls == {None: (0.0, None)}
    assert asyncio.current_task() is not None


@pytest.mark.parametrize(
    ("request_streaming", "response_streaming", "seconds"),
    [(False, False, 3.0), (True, False, 30.0), (False, True, NO_LIMIT), (True, True, NO_LIMIT)],
)
def test_uploads_have_a_limit_of_their_own_and_streams_to_the_client_none(
    request_streaming: bool, response_streaming: bool, seconds: float
) -> None:
    stats = MethodStats("s", "M", request_streaming=request_streaming, response_streaming=response_streaming)
    parts: Any = {"concurrency": None, "boundary": None, "permits": None}
    middleware = Middleware(unary_seconds=3.0, upload_seconds=30.0, **parts)

    assert middleware.time_limit(stats) == seconds


def test_by_default_there_is_no_time_limit() -> None:
    parts: Any = {"concurrency": None, "boundary": None, "permits": None}
    middleware = Middleware(**parts)

    limits = {
        middleware.time_limit(MethodStats("s", "M", request_streaming=streaming, response_streaming=False))
        for streaming in (False, True)
    }

    assert limits == {NO_LIMIT}


def test_a_limit_that_stops_cancels_every_call_once_but_those_that_a_sweep_has_cancelled() -> None:
    limit, tasks = limit_with(early=5.0, late=20.0, unlimited=NO_LIMIT)
    calls: Any = limit.calls
    calls[None] = 1.0, None
    limit.sweep(10.0)

    limit.stop()
    limit.stop()
    limit.sweep(30.0)

    assert [task.cancellations for task in tasks.values()] == [1, 1, 1]
    assert [limit.remove_failed(tasks[name]) for name in ("early", "late", "unlimited")] == [5.0, STOPPED, STOPPED]
    assert limit.calls == {None: (1.0, None)}


@pytest.mark.parametrize(
    ("response_streaming", "passed", "cause"),
    [
        (True, None, None),
        (True, STOPPED, StreamStoppedError()),
        (False, STOPPED, StreamStoppedError()),
        (True, 160.0, StreamIdleError(60.0)),
        (False, 160.0, StreamIdleError(60.0, "nothing was written; repeat the upload")),
        (False, 399.9, StreamIdleError(60.0, "nothing was written; repeat the upload")),
        (False, 400.0, OverdueError(300.0)),
    ],
)
def test_a_streamed_call_that_the_server_ended_says_why(
    response_streaming: bool, passed: float | None, cause: Exception | None
) -> None:
    stats = MethodStats("s", "M", request_streaming=True, response_streaming=response_streaming)
    parts: Any = {"concurrency": None, "boundary": None, "permits": lambda _: None}
    calls = StreamedCalls(stats, Middleware(upload_seconds=300.0, idle_seconds=60.0, **parts))

    found = calls._cause(passed, 100.0)

    assert (type(found), str(found)) == (type(cause), str(cause))


def test_a_call_that_fails_while_calls_are_counted_is_counted_no_longer() -> None:
    limit, tasks = ConcurrencyLimit(40), [Task() for _ in range(20)]
    calls: Any = limit.calls
    calls.update({task: (1.0, Context()) for task in tasks})
    failing: Any = Task()

    limit.admit(failing, Context())  # type: ignore[arg-type]
    calls[failing] = 1.0, Context()
    before = limit.counting, len(limit._counted), sum(held.total for held in limit.shares._held.values())
    limit.remove_failed(failing)

    # Each that is admitted counts two of those before it.
    assert before == (True, 3, 3)
    assert (limit.counting, len(limit._counted)) == (True, 2)
    assert sum(held.total for held in limit.shares._held.values()) == 2


def test_a_call_that_fails_while_none_is_counted_leaves_the_others_uncounted() -> None:
    limit, failing = ConcurrencyLimit(40), Task()
    task: Any = failing
    shares = limit.shares

    limit.remove_failed(task)

    assert (limit.counting, limit.free) == (False, 20)
    assert limit.shares is shares


@pytest.mark.parametrize("named", [True, False])
def test_the_callers_of_every_kind_of_calls_are_counted_by_their_names_or_else_their_connections(named: bool) -> None:
    options = ServerOptions(max_concurrent_rpcs=1, max_streams=2, max_uploads=3, max_watches=4)
    limits = CallLimits.of(options, (lambda _: "orders") if named else no_name)

    for limit in limits.all:
        limit.admit(None, Context())  # type: ignore[arg-type]

    assert {name for limit in limits.all for name in limit.shares._held} == {"orders" if named else "ipv4:10.0.0.1:7"}
    assert [(limit.of, limit.limit) for limit in limits.all] == [
        *(("calls", 1), ("streams", 2), ("uploads", 3), ("watches", 4)),
        *(("health checks", 1), ("watches of health", 1), ("calls of reflection", 1)),
    ]
    assert (limits.calls, limits.streams, limits.uploads, limits.watches) == limits.all[:4]
    assert (limits.health_checks, limits.health_watches, limits.standard) == limits.all[4:]


def test_each_kind_of_method_has_its_own_limit_or_that_of_all() -> None:
    everything, uploads = ConcurrencyLimit(1), ConcurrencyLimit(2)
    parts: Any = {"boundary": None, "permits": None}
    middleware = Middleware(concurrency=everything, concurrency_of={"client_stream": uploads}, **parts)

    found = [
        middleware.limit_of(MethodStats("s", "M", request_streaming=streaming, response_streaming=False))
        for streaming in (False, True)
    ]

    assert found == [everything, uploads]
    assert (ConcurrencyLimit(5).of, ConcurrencyLimit(5).half, ConcurrencyLimit(5).free) == ("calls", 2, 2)
