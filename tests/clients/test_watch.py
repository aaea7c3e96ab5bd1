"""The client's watch, against a real server, and against servers that end streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from rolecall_client import ResyncRequiredError, RolecallClient, RolecallError, watch
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w, watch_pb2_grpc
from tests.clients.test_client import POLICY

Answer = Callable[[w.WatchRolesRequest, Any], Iterator[w.WatchRolesResponse]]


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FIRST_BACKOFF_SECONDS", 0.01)


@contextmanager
def answering(*answers: Answer, timeout: float = 10) -> Iterator[tuple[RolecallClient, list[w.WatchRolesRequest]]]:
    """Give a client of a server that answers the first watch with the first of `answers`, and so on; and what it was asked."""
    left, asked = list(answers), list[w.WatchRolesRequest]()

    class Servicer(watch_pb2_grpc.WatchServiceServicer):
        def WatchRoles(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
            asked.append(request)
            return left.pop(0)(request, context)

    server = grpc.server(futures.ThreadPoolExecutor(4))
    watch_pb2_grpc.add_WatchServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with RolecallClient(f"127.0.0.1:{port}", timeout=timeout) as client:
        yield client, asked
    server.stop(0).wait()


def change(revision: int, role_id: str = "1") -> w.WatchRolesResponse:
    return w.WatchRolesResponse(change=w.RoleWatchChange(revision=revision, role=r.Role(role_id=role_id)))


def checkpoint(revision: int) -> w.WatchRolesResponse:
    return w.WatchRolesResponse(checkpoint=w.WatchCheckpoint(revision=revision, token=f"t{revision}"))


def telling(*messages: w.WatchRolesResponse, then: tuple[int, str] | None = None) -> Answer:
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
    told = [next(events) for _ in range(count)]
    return [("change" if isinstance(event, w.RoleWatchChange) else "checkpoint", event.revision) for event in told]


STOPPING = (code_pb2.UNAVAILABLE, "SERVER_STOPPING")
TOO_SLOW = (code_pb2.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW")


def test_a_watch_tells_what_is_and_what_comes(client: RolecallClient) -> None:
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


def test_a_watch_goes_on_from_a_token(client: RolecallClient) -> None:
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
    first = telling(checkpoint(1), change(2), checkpoint(2), change(3, "1"), change(3, "2"), then=end)
    second = telling(checkpoint(2), change(3, "1"), change(3, "2"), change(3, "3"), checkpoint(3), change(4))
    told = list[RolecallError]()

    with answering(first, second) as (client, asked):
        events = client.watch_roles(account_ids=["7"], resumed=told.append)
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
    assert [error.reason for error in told] == [end[1]]


def test_after_the_initial_state_a_stream_is_resumed_without_it() -> None:
    first = telling(change(1), checkpoint(5), then=STOPPING)
    second = telling(checkpoint(5), change(6))

    with answering(first, second) as (client, asked):
        events = client.watch_roles(include_initial_state=True)
        got = seen(events, 4)
        events.close()

    assert got == [("change", 1), ("checkpoint", 5), ("checkpoint", 5), ("change", 6)]
    assert [(request.start_token, request.include_initial_state) for request in asked] == [("", True), ("t5", False)]


def test_an_initial_state_that_breaks_off_is_never_taken_for_a_whole_one() -> None:
    with answering(telling(change(1), then=STOPPING)) as (client, _):
        events = client.watch_roles(include_initial_state=True)
        next(events)

        with pytest.raises(ResyncRequiredError, match="initial state"):
            next(events)


def test_an_initial_state_that_has_not_begun_is_asked_for_again() -> None:
    with answering(telling(then=STOPPING), telling(change(1))) as (client, asked):
        events = client.watch_roles(include_initial_state=True)
        got = seen(events, 1)
        events.close()

    assert got == [("change", 1)]
    assert [request.include_initial_state for request in asked] == [True, True]


def test_lost_changes_are_an_error_that_says_what_to_do() -> None:
    lost = w.WatchRolesResponse(resync_required=w.ResyncRequired(reason="gone; read the initial state again"))

    with answering(telling(checkpoint(1), lost)) as (client, _), pytest.raises(ResyncRequiredError) as caught:
        list(client.watch_roles(start_token="t0"))

    assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "RESYNC_REQUIRED")
    assert "read the initial state again" in caught.value.message


def test_what_another_stream_cannot_mend_is_raised(client: RolecallClient) -> None:
    with pytest.raises(RolecallError) as caught:
        next(client.watch_roles(start_token="x" * 40))

    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "INVALID_TOKEN")


def test_a_server_that_is_not_there_is_told_after_the_timeout() -> None:
    with RolecallClient("127.0.0.1:1", timeout=0.3) as client, pytest.raises(RolecallError) as caught:
        next(client.watch_roles())

    assert caught.value.code == "UNAVAILABLE"


def test_a_server_that_went_away_is_given_up_in_the_end() -> None:
    with answering(telling(checkpoint(1), then=STOPPING), *[telling(then=STOPPING)] * 500) as (client, _):
        events = client.watch_roles(give_up_after=0.3)
        next(events)

        with pytest.raises(RolecallError) as caught:
            next(events)

    assert caught.value.reason == "SERVER_STOPPING"


def test_a_stream_on_which_nothing_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0.2)

    with answering(telling(checkpoint(1)), telling(checkpoint(1), change(2))) as (client, asked):
        events = client.watch_roles()
        got = seen(events, 3)
        events.close()

    assert got == [("checkpoint", 1), ("checkpoint", 1), ("change", 2)]
    assert asked[1].start_token == "t1"


def test_time_that_the_caller_takes_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0.2)

    with answering(telling(checkpoint(1), change(2))) as (client, asked):
        events = client.watch_roles()
        next(events)
        time.sleep(0.6)
        got = seen(events, 1)
        events.close()

    assert got == [("change", 2)]
    assert len(asked) == 1


def test_a_client_that_is_closed_ends_its_watches() -> None:
    with answering(telling(checkpoint(1))) as (client, _):
        events = client.watch_roles()
        next(events)
        client.close()

        with pytest.raises(RolecallError, match="the client is closed"):
            next(events)


def test_a_stream_that_ends_without_a_word_is_resumed() -> None:
    def silent_end(*_: object) -> Iterator[w.WatchRolesResponse]:
        yield checkpoint(1)

    with answering(silent_end, telling(checkpoint(1), change(2))) as (client, _):
        events = client.watch_roles()
        got = seen(events, 3)
        events.close()

    assert got == [("checkpoint", 1), ("checkpoint", 1), ("change", 2)]


def test_a_caller_that_leaves_ends_the_stream_and_its_alarm() -> None:
    with answering(telling(checkpoint(1))) as (client, _):
        events = client.watch_roles()
        next(events)
        events.close()

        deadline = time.monotonic() + 10
        while any(thread.name == "rolecall-watchdog" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
