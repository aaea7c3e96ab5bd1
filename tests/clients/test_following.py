"""A sink is fed from a watch on a thread, against a real server and against servers that end streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import grpc
import pytest
from google.rpc import code_pb2

from rolecall_client import RolecallClient, following, watch_progress
from rolecall_client.boottime import boottime
from rolecall_client.errors import UnavailableError
from rolecall_client.following import Following, Pauses
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w, watch_pb2_grpc
from tests.clients.recording_sink import RecordingSink
from tests.clients.test_client import POLICY
from tests.clients.test_watch import STOPPING, Answer, answering, change, checkpoint, sending

DENIED = (code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED")
LOST = w.WatchRolesResponse(resync_required=w.ResyncRequired(reason="gone; read the initial state again"))


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(following, "FIRST_PAUSE_SECONDS", 0.01)


@contextmanager
def followed(address: str, request: w.WatchRolesRequest | None = None) -> Iterator[tuple[RecordingSink, Following]]:
    sink = RecordingSink()
    with grpc.insecure_channel(address) as channel:
        stub = watch_pb2_grpc.WatchServiceStub(channel)
        started = Following(sink, stub.WatchRoles, request or w.WatchRolesRequest(), timeout=10)
        started.start()
        yield sink, started
        started.close()


@contextmanager
def fed_by(*answers: Answer) -> Iterator[tuple[RecordingSink, Following, list[w.WatchRolesRequest]]]:
    with answering(*answers) as (client, asked):
        sink = RecordingSink()
        started = Following(sink, client._open_watch, w.WatchRolesRequest(account_ids=["7"]), timeout=10)
        started.start()
        yield sink, started, asked
        started.close()


def following_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rolecall-following"]


def test_a_sink_receives_the_changes_and_checkpoints_of_a_server(address: str) -> None:
    before = boottime()

    with followed(address) as (sink, _), RolecallClient(address) as client:
        started = sink.next(2)
        token = client.create_role(r.CreateRoleRequest(role_name="followed", assume_role_policy_document=POLICY))
        later = sink.next(2)

    assert [kind for kind, _ in started] == ["restart", "checkpoint"]
    assert later == [("change", token.role.revision), ("checkpoint", token.role.revision)]
    assert before <= sink.opened_at[0] == sink.opened_at[1] <= boottime()


def test_a_stream_that_breaks_is_resumed_without_a_restart() -> None:
    first = sending(checkpoint(1), change(2), checkpoint(2), then=STOPPING)
    second = sending(checkpoint(2), change(3))

    with fed_by(first, second) as (sink, _, asked):
        fed = sink.next(7)

    assert [kind for kind, _ in fed] == [
        "restart",
        "checkpoint",
        "change",
        "checkpoint",
        "broken",
        "checkpoint",
        "change",
    ]
    assert [request.start_token for request in asked] == ["", "t2"]
    assert sink.opened_at[2] > sink.opened_at[1]


def test_lost_changes_restart_the_watch() -> None:
    with fed_by(sending(checkpoint(1), LOST), sending(checkpoint(9))) as (sink, _, asked):
        fed = sink.next(5)

    assert fed == [
        ("restart", None),
        ("checkpoint", 1),
        ("broken", "RESYNC_REQUIRED"),
        ("restart", None),
        ("checkpoint", 9),
    ]
    assert [(request.start_token, list(request.account_ids)) for request in asked] == [("", ["7"])] * 2


def test_another_store_at_the_address_restarts_the_watch() -> None:
    refused = sending(then=(code_pb2.INVALID_ARGUMENT, "INVALID_TOKEN"))

    with fed_by(sending(checkpoint(5), then=STOPPING), refused, sending(checkpoint(0))) as (sink, _, asked):
        fed = sink.next(6)

    assert [event for event in fed if event[0] != "broken"] == [
        ("restart", None),
        ("checkpoint", 5),
        ("restart", None),
        ("checkpoint", 0),
    ]
    assert fed[3] == ("broken", "OTHER_STORE")
    assert [request.start_token for request in asked] == ["", "t5", ""]


def test_an_error_that_a_later_watch_may_avoid_restarts_it() -> None:
    internal = sending(checkpoint(1), then=(code_pb2.INTERNAL, ""))

    with fed_by(internal, sending(checkpoint(2))) as (sink, _, _asked):
        fed = sink.next(5)

    assert [kind for kind, _ in fed] == ["restart", "checkpoint", "broken", "restart", "checkpoint"]


def test_a_missing_right_ends_the_watch_and_its_thread() -> None:
    others = following_threads()

    with fed_by(sending(then=DENIED)) as (sink, _, asked):
        (thread,) = [thread for thread in following_threads() if thread not in others]
        fed = sink.next(2)
        thread.join(30)

    assert fed == [("restart", None), ("broken", "PERMISSION_DENIED")]
    assert (len(asked), thread.is_alive(), sink.fed.empty()) == (1, False, True)


def test_closing_ends_the_stream_and_the_thread_and_reports_nothing() -> None:
    others = following_threads()

    with fed_by(sending(checkpoint(1))) as (sink, started, _):
        sink.next(2)
        started.close()
        left = [thread for thread in following_threads() if thread not in others]

    assert (left, sink.fed.empty()) == ([], True)


def test_closing_does_not_wait_for_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 3_600.0)
    others = following_threads()

    with fed_by(sending(checkpoint(1), then=STOPPING)) as (sink, started, _):
        sink.next(3)
        started.close()
        left = [thread for thread in following_threads() if thread not in others]

    assert left == []


def test_a_stream_that_is_opened_while_the_client_is_closed_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "CLOSE_SECONDS", 0.0)
    opening, proceed, cancelled = threading.Event(), threading.Event(), threading.Event()
    sink = RecordingSink()

    def open_slowly(_: w.WatchRolesRequest) -> SimpleNamespace:
        opening.set()
        proceed.wait(30)
        return SimpleNamespace(cancel=cancelled.set)

    started = Following(sink, open_slowly, w.WatchRolesRequest(), timeout=10)
    started.start()
    opening.wait(30)
    started.close()
    proceed.set()

    assert cancelled.wait(30)
    assert sink.next(1) == [("restart", None)]
    assert sink.fed.empty()


def test_one_that_was_closed_does_not_start() -> None:
    with answering() as (client, asked):
        late = Following(RecordingSink(), client._open_watch, w.WatchRolesRequest(), timeout=1)
        late.close()
        late.start()

    assert asked == []


def test_pauses_grow_to_a_limit_and_start_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE_SECONDS", 1.0)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    pauses = Pauses()

    grown = [pauses.next() for _ in range(7)]
    pauses.start_over()

    assert grown == [1, 2, 4, 8, 16, 30, 30]
    assert pauses.next() == 1


def test_no_pause_is_longer_than_a_follower_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(watch_progress, "FIRST_BACKOFF_SECONDS", 0.1)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    pauses = Pauses(longest=0.5)
    watch = watch_progress.WatchProgress(w.WatchRolesRequest(), timeout=10, give_up_after=10, longest_pause=0.5)

    between_watches = [pauses.next() for _ in range(5)]
    between_streams = [watch.pause_after(UnavailableError("UNAVAILABLE", "away")) for _ in range(5)]

    assert between_watches == between_streams == [0.1, 0.2, 0.4, 0.5, 0.5]
