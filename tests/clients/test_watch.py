"""The watch of the client, against a real server and against servers that end streams."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from rolecall_client import (
    AsyncRolecallClient,
    InvalidArgumentError,
    OtherStoreError,
    ResyncRequiredError,
    RolecallClient,
    RolecallError,
    watch,
    watch_progress,
)
from rolecall_client.boottime import boottime
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w, watch_pb2_grpc
from tests.clients.test_client import POLICY

Answer = Callable[[w.WatchRolesRequest, Any], Iterator[w.WatchRolesResponse]]


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 0.01)


@contextmanager
def serving(*answers: Answer) -> Iterator[tuple[str, list[w.WatchRolesRequest]]]:
    """Give the address of a server that answers each stream with the next of `answers`, and the requests of these streams."""
    left, asked = list(answers), list[w.WatchRolesRequest]()

    class Servicer(watch_pb2_grpc.WatchServiceServicer):
        def WatchRoles(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
            asked.append(request)
            return left.pop(0)(request, context)

    server = grpc.server(futures.ThreadPoolExecutor(4))
    watch_pb2_grpc.add_WatchServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", asked
    server.stop(0).wait()


@contextmanager
def answering(*answers: Answer, timeout: float = 10) -> Iterator[tuple[RolecallClient, list[w.WatchRolesRequest]]]:
    """Give a client of a server as that of `serving`, and the requests of its streams."""
    with serving(*answers) as (address, asked), RolecallClient(address, timeout=timeout) as client:
        yield client, asked


def change(revision: int, role_id: str = "1") -> w.WatchRolesResponse:
    return w.WatchRolesResponse(change=w.RoleWatchChange(revision=revision, role=r.Role(role_id=role_id)))


def checkpoint(revision: int) -> w.WatchRolesResponse:
    return w.WatchRolesResponse(checkpoint=w.WatchCheckpoint(revision=revision, token=f"t{revision}"))


def sending(*messages: w.WatchRolesResponse, then: tuple[int, str] | None = None) -> Answer:
    """Answer with messages, then end with a code and a reason, or stay open."""

    def answer(_: w.WatchRolesRequest, context: Any) -> Iterator[w.WatchRolesResponse]:
        yield from messages
        if then is None:
            over = threading.Event()
            context.add_callback(over.set)
            over.wait(20)
            return
        status = status_pb2.Status(code=then[0], message="the end")
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=then[1], domain="rolecall"))
        context.abort_with_status(rpc_status.to_status(status))

    return answer


def seen(events: Iterator[Any], count: int) -> list[tuple[str, int]]:
    events_ = [next(events) for _ in range(count)]
    return [("change" if isinstance(event, w.RoleWatchChange) else "checkpoint", event.revision) for event in events_]


STOPPING = (code_pb2.UNAVAILABLE, "SERVER_STOPPING")
TOO_SLOW = (code_pb2.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW")


def test_a_stream_that_is_open_for_long_is_continued_on_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "LONGEST_STREAM_SECONDS", 0)
    errors = list[RolecallError]()

    with answering(sending(checkpoint(1)), sending(change(2), checkpoint(2)), sending()) as (client, asked):
        events = client.watch_roles(resumed=errors.append)
        got = seen(events, 3)
        events.close()

    assert got == [("checkpoint", 1), ("change", 2), ("checkpoint", 2)]
    assert [request.start_token for request in asked[:2]] == ["", "t1"]
    assert errors == []


async def test_an_event_loop_continues_such_a_stream_alike(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "LONGEST_STREAM_SECONDS", 0)
    opened = list[float]()

    async with AsyncRolecallClient(address) as client:
        events = client.watch_roles(opened=opened.append)
        got = [await anext(events) for _ in range(3)]
        await events.aclose()

    assert all(isinstance(event, w.WatchCheckpoint) for event in got)
    assert len(opened) == 3


def test_a_watch_yields_the_state_and_every_later_change(client: RolecallClient) -> None:
    client.create_role(r.CreateRoleRequest(role_name="watched", assume_role_policy_document=POLICY))
    events = client.watch_roles(include_initial_state=True)
    found = []
    while isinstance(event := next(events), w.RoleWatchChange):
        found.append((event.kind, event.role.role_name))

    client.update_role(r.UpdateRoleRequest(role="watched", description="new"))
    client.delete_role(r.DeleteRoleRequest(role="watched"))
    later = [next(events) for _ in range(4)]
    changes = [event for event in later if isinstance(event, w.RoleWatchChange)]

    assert (r.CHANGE_KIND_CREATED, "watched") in found
    assert [change.kind for change in changes] == [r.CHANGE_KIND_UPDATED, r.CHANGE_KIND_DELETED]
    assert changes[0].role.description == "new"
    events.close()


def test_a_watch_continues_after_a_token(client: RolecallClient) -> None:
    token = client.create_role(
        r.CreateRoleRequest(role_name="first", assume_role_policy_document=POLICY)
    ).consistency_token
    client.delete_role(r.DeleteRoleRequest(role="first"))

    events = client.watch_roles(start_token=token)
    changes = (event for event in events if isinstance(event, w.RoleWatchChange))

    assert next(changes).kind == r.CHANGE_KIND_DELETED
    events.close()


@pytest.mark.parametrize(
    "end", [STOPPING, TOO_SLOW, (code_pb2.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS"), (code_pb2.CANCELLED, "")]
)
def test_a_stream_that_breaks_is_resumed_and_nothing_comes_twice(end: tuple[int, str]) -> None:
    first = sending(checkpoint(1), change(2), checkpoint(2), change(3, "1"), change(3, "2"), then=end)
    second = sending(checkpoint(2), change(3, "1"), change(3, "2"), change(3, "3"), checkpoint(3), change(4))
    errors = list[RolecallError]()

    with answering(first, second) as (client, asked):
        events = client.watch_roles(account_ids=["7"], resumed=errors.append)
        got = seen(events, 9)
        events.close()

    assert got == [
        ("checkpoint", 1),
        ("change", 2),
        ("checkpoint", 2),
        ("change", 3),
        ("change", 3),
        ("checkpoint", 2),
        ("change", 3),
        ("checkpoint", 3),
        ("change", 4),
    ]
    assert [(request.start_token, list(request.account_ids)) for request in asked] == [("", ["7"]), ("t2", ["7"])]
    assert [error.reason for error in errors] == [end[1]]


def test_after_the_initial_state_a_stream_is_resumed_without_it() -> None:
    first = sending(change(1), checkpoint(5), then=STOPPING)
    second = sending(checkpoint(5), change(6))

    with answering(first, second) as (client, asked):
        events = client.watch_roles(include_initial_state=True)
        got = seen(events, 4)
        events.close()

    assert got == [("change", 1), ("checkpoint", 5), ("checkpoint", 5), ("change", 6)]
    assert [(request.start_token, request.include_initial_state) for request in asked] == [("", True), ("t5", False)]


def test_an_incomplete_initial_state_is_an_error() -> None:
    with answering(sending(change(1), then=STOPPING)) as (client, _):
        events = client.watch_roles(include_initial_state=True)
        next(events)

        with pytest.raises(ResyncRequiredError, match="initial state"):
            next(events)


@pytest.mark.parametrize(
    "refused",
    [(code_pb2.INVALID_ARGUMENT, "INVALID_TOKEN"), (code_pb2.FAILED_PRECONDITION, "FUTURE_REVISION")],
)
def test_a_server_that_does_not_know_the_last_checkpoint_has_another_store(refused: tuple[int, str]) -> None:
    with answering(sending(checkpoint(5), then=STOPPING), sending(then=refused)) as (client, asked):
        events = client.watch_roles()
        next(events)

        with pytest.raises(OtherStoreError, match="another store") as caught:
            next(events)

    assert isinstance(caught.value, ResyncRequiredError)
    assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "OTHER_STORE")
    assert [request.start_token for request in asked] == ["", "t5"]


def test_a_token_of_the_caller_that_is_refused_is_the_callers_error() -> None:
    refused = sending(then=(code_pb2.INVALID_ARGUMENT, "INVALID_TOKEN"))

    with answering(refused) as (client, _), pytest.raises(InvalidArgumentError) as caught:
        next(client.watch_roles(start_token="x"))

    assert caught.value.reason == "INVALID_TOKEN"


def test_an_initial_state_that_has_not_begun_is_requested_a_second_time() -> None:
    with answering(sending(then=STOPPING), sending(change(1))) as (client, asked):
        events = client.watch_roles(include_initial_state=True)
        got = seen(events, 1)
        events.close()

    assert got == [("change", 1)]
    assert [request.include_initial_state for request in asked] == [True, True]


def test_lost_changes_are_an_error_with_the_reason() -> None:
    lost = w.WatchRolesResponse(resync_required=w.ResyncRequired(reason="gone; read the initial state again"))

    with answering(sending(checkpoint(1), lost)) as (client, _), pytest.raises(ResyncRequiredError) as caught:
        list(client.watch_roles(start_token="t0"))

    assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "RESYNC_REQUIRED")
    assert "read the initial state again" in caught.value.message


def test_an_error_that_a_new_stream_cannot_correct_is_raised(client: RolecallClient) -> None:
    with pytest.raises(RolecallError) as caught:
        next(client.watch_roles(start_token="x" * 40))

    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "INVALID_TOKEN")


def test_an_unreachable_server_is_an_error_after_the_timeout() -> None:
    with RolecallClient("127.0.0.1:1", timeout=0.3) as client, pytest.raises(RolecallError) as caught:
        next(client.watch_roles())

    assert caught.value.code == "UNAVAILABLE"


def test_a_silent_stream_is_cancelled_and_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "SILENT_SECONDS", 0.2)

    with answering(sending(checkpoint(1)), sending(checkpoint(1), change(2))) as (client, asked):
        events = client.watch_roles()
        got = seen(events, 3)
        events.close()

    assert got == [("checkpoint", 1), ("checkpoint", 1), ("change", 2)]
    assert asked[1].start_token == "t1"


class Clock:
    """A clock of the watch that the test sets; its pauses end at once."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses = list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watch, "time", clock)
    monkeypatch.setattr(watch_progress, "time", clock)
    return clock


@pytest.fixture
def watchdogs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the watchdogs of the streams, as they are opened."""
    made = list[Any]()

    class Watchdog(watch._Watchdog):
        def __init__(self, stream: Any) -> None:
            super().__init__(stream)
            made.append(self)

    monkeypatch.setattr(watch, "_Watchdog", Watchdog)
    return made


def test_the_time_that_the_caller_takes_is_no_silence(clock: Clock, watchdogs: list[Any]) -> None:
    with answering(sending(checkpoint(1), change(2))) as (client, asked):
        events = client.watch_roles()
        next(events)
        clock.now += 600
        overdue = watchdogs[0].is_overdue()
        got = seen(events, 1)
        events.close()

    assert not overdue
    assert got == [("change", 2)]
    assert len(asked) == 1


@pytest.mark.parametrize(("waited", "overdue"), [(30.0, False), (30.1, True)])
def test_a_message_is_overdue_when_it_was_awaited_for_too_long(clock: Clock, waited: float, overdue: bool) -> None:
    watchdog = watch._Watchdog(object())
    before = watchdog.is_overdue()

    watchdog.arm()
    clock.now += waited
    armed = watchdog.is_overdue()
    watchdog.disarm()

    assert (before, armed, watchdog.is_overdue()) == (False, overdue, False)


def test_the_time_that_the_caller_takes_does_not_count_when_the_stream_breaks(clock: Clock) -> None:
    with answering(sending(checkpoint(1), then=STOPPING), sending(checkpoint(1), change(2))) as (client, _):
        events = client.watch_roles(give_up_after=10)
        next(events)
        clock.now += 3_600
        got = seen(events, 2)
        events.close()

    assert got == [("checkpoint", 1), ("change", 2)]


def test_pauses_between_streams_grow_and_start_over_after_a_message(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 0.1)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    failing = [sending(then=STOPPING)] * 7

    with answering(*failing, sending(checkpoint(1), then=STOPPING), sending(change(2))) as (client, _):
        events = client.watch_roles(give_up_after=1_000)
        got = seen(events, 2)
        events.close()

    assert got == [("checkpoint", 1), ("change", 2)]
    assert clock.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 0.1]


@pytest.mark.parametrize(("give_up_after", "streams"), [(9.0, 4), (9.1, 5)])
def test_a_watch_is_given_up_when_no_message_came_for_that_long(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, give_up_after: float, streams: int
) -> None:
    monkeypatch.setattr(watch_progress.WatchProgress, "_next_pause", lambda _progress: 3.0)

    with answering(sending(checkpoint(1), then=STOPPING), *[sending(then=STOPPING)] * 9) as (client, asked):
        events = client.watch_roles(give_up_after=give_up_after)
        next(events)
        with pytest.raises(RolecallError) as caught:
            next(events)

    assert (caught.value.reason, len(asked)) == ("SERVER_STOPPING", streams)


def test_before_the_first_message_the_timeout_of_the_client_counts(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_progress.WatchProgress, "_next_pause", lambda _progress: 3.0)

    with (
        answering(*[sending(then=STOPPING)] * 9, timeout=5) as (client, asked),
        pytest.raises(RolecallError) as caught,
    ):
        next(client.watch_roles())

    assert (caught.value.reason, len(asked)) == ("SERVER_STOPPING", 3)


def test_the_caller_learns_when_each_stream_is_opened_before_its_messages() -> None:
    calls = list[Any]()

    with answering(sending(checkpoint(1), then=STOPPING), sending(checkpoint(1))) as (client, _):
        before = boottime()
        events = client.watch_roles(opened=calls.append, resumed=lambda error: calls.append(error.reason))
        for _ in range(2):
            next(events)
            calls.append("checkpoint")
        events.close()

    first, second = calls[0], calls[3]
    assert calls == [first, "checkpoint", "SERVER_STOPPING", second, "checkpoint"]
    assert before <= first <= second <= boottime()


def test_closing_the_client_ends_its_watches() -> None:
    with answering(sending(checkpoint(1))) as (client, _):
        events = client.watch_roles()
        next(events)
        client.close()

        with pytest.raises(RolecallError, match="the client is closed"):
            next(events)


def test_a_stream_that_ends_without_an_error_is_resumed() -> None:
    def silent_end(*_: object) -> Iterator[w.WatchRolesResponse]:
        yield checkpoint(1)

    with answering(silent_end, sending(checkpoint(1), change(2))) as (client, _):
        events = client.watch_roles()
        got = seen(events, 3)
        events.close()

    assert got == [("checkpoint", 1), ("checkpoint", 1), ("change", 2)]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rolecall-watchdog"]


def test_closing_a_watch_ends_its_stream_and_its_thread() -> None:
    others = threads()
    with answering(sending(checkpoint(1))) as (client, _):
        events = client.watch_roles()
        next(events)
        (thread,) = [thread for thread in threads() if thread not in others]
        events.close()
        thread.join(10)

    assert not thread.is_alive()
