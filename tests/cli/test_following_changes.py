"""How `rolecall changes` asks for pages, and how `--follow` asks again and again."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest

from rolecall.cli.commands import changes
from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Output
from rolecall.cli.render.recorded_changes import ChangePrinter
from rolecall_client.client import RolecallClient
from rolecall_client.errors import DeadlineExceededError, RolecallError, UnavailableError
from rolecall_client.v1 import role_pb2 as pb


class EndError(Exception):
    """There are no more answers."""


class Server:
    """Answers each request for a list of changes with the next of its answers, and records the requests."""

    def __init__(self, *answers: pb.ListChangesResponse | RolecallError) -> None:
        self._answers = iter(answers)
        self.asked: list[dict[str, object]] = []

    def list_changes(self, request: pb.ListChangesRequest) -> pb.ListChangesResponse:
        self.asked.append({field.name: value for field, value in request.ListFields()})
        answer = next(self._answers, None)
        if answer is None:
            raise EndError
        if isinstance(answer, RolecallError):
            raise answer
        return answer


def page(*revisions: int, at: int = 0, token: str = "") -> pb.ListChangesResponse:
    listed = [
        pb.RecordedChange(revision=each, kind=pb.CHANGE_KIND_DELETED, role=pb.Role(arn=f"a{each}"))
        for each in revisions
    ]
    return pb.ListChangesResponse(changes=listed, revision=at, next_page_token=token)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that are made instead of waiting."""
    made: list[float] = []
    monkeypatch.setattr("rolecall.cli.commands.changes.time.sleep", made.append)
    return made


Follow = Callable[..., list[int]]


@pytest.fixture
def follow(capsys: pytest.CaptureFixture[str]) -> Follow:
    """Follow until there are no more answers, and return the revisions that are printed."""

    def follow(server: Server, *, limit: int = 50, start: int = 0) -> list[int]:
        request = pb.ListChangesRequest(start_revision=start)
        with pytest.raises(EndError):
            changes._follow(as_client(server), request, limit, ChangePrinter(Output.TABLE, "host:1"))
        return [int(line.split()[2]) for line in capsys.readouterr().out.splitlines()]

    return follow


def as_client(server: Server) -> RolecallClient:
    return cast(RolecallClient, server)


def test_the_newest_come_first_and_then_what_is_after_them(follow: Follow, pauses: list[float]) -> None:
    server = Server(page(9, 8, at=9), page(10, at=10), page(at=10))

    assert follow(server) == [8, 9, 10]
    assert server.asked == [
        {"newest_first": True, "page_size": 50},
        {"page_size": 1000, "start_revision": 10},
        {"page_size": 1000, "start_revision": 11},
        {"page_size": 1000, "start_revision": 11},
    ]
    assert pauses == [1.0, 1.0]


def test_from_a_revision_on_nothing_is_asked_before(follow: Follow, pauses: list[float]) -> None:
    server = Server(page(7, at=7))

    assert follow(server, start=7) == [7]
    assert server.asked == [{"page_size": 1000, "start_revision": 7}, {"page_size": 1000, "start_revision": 8}]
    assert pauses == [1.0]


def test_a_page_with_more_after_it_is_followed_without_a_pause(follow: Follow, pauses: list[float]) -> None:
    server = Server(page(7, at=9, token="t"), page(8, 9, at=9))

    assert follow(server, start=7) == [7, 8, 9]
    assert server.asked[1] == {"page_size": 1000, "page_token": "t", "start_revision": 7}
    assert server.asked[2] == {"page_size": 1000, "start_revision": 10}
    assert pauses == [1.0]


@pytest.mark.parametrize(
    "error", [UnavailableError("UNAVAILABLE", "gone"), DeadlineExceededError("DEADLINE_EXCEEDED", "late")]
)
def test_a_server_that_does_not_answer_is_asked_the_same_after_a_pause(
    follow: Follow, pauses: list[float], error: RolecallError
) -> None:
    server = Server(error, error, page(7, at=7))

    assert follow(server, start=7) == [7]
    assert server.asked[:3] == [{"page_size": 1000, "start_revision": 7}] * 3
    assert pauses == [1.0, 1.0, 1.0]


def test_any_other_error_ends_it(pauses: list[float]) -> None:
    denied = RolecallError("PERMISSION_DENIED", "no")

    with pytest.raises(RolecallError, match="no"):
        changes._follow(
            as_client(Server(denied)), pb.ListChangesRequest(start_revision=1), 1, ChangePrinter(Output.TABLE, "h")
        )
    assert pauses == []


def test_of_the_newest_no_more_are_shown_than_the_limit_however_many_pages_they_are_on(
    follow: Follow, pauses: list[float]
) -> None:
    server = Server(page(9, 8, at=9, token="t"), page(7, 6, at=9), page(at=9))

    assert follow(server, limit=3) == [7, 8, 9]
    assert server.asked[1]["page_token"] == "t"
    assert server.asked[2] == {"page_size": 1000, "start_revision": 10}


def test_no_page_is_asked_for_of_which_nothing_would_be_shown(follow: Follow, pauses: list[float]) -> None:
    server = Server(page(9, 8, at=9, token="t"), page(at=9))

    assert follow(server, limit=2) == [8, 9]
    assert server.asked[1] == {"page_size": 1000, "start_revision": 10}


def listed(server: Server, limit: int, start: int = 0) -> tuple[list[int], str]:
    found, more = changes._listed(as_client(server), pb.ListChangesRequest(start_revision=start), limit)
    return [change.revision for change in found], more


def test_a_list_asks_for_one_more_than_it_shows() -> None:
    two, exact = Server(page(9, 8, 7)), Server(page(9, 8))

    assert listed(two, 2) == ([8, 9], "older")
    assert listed(exact, 2) == ([8, 9], "")
    assert listed(Server(page(3, 4, 5)), 2, start=3) == ([3, 4], "later")
    assert two.asked == [{"page_size": 3, "newest_first": True}]


def test_a_list_of_many_is_asked_for_in_pages() -> None:
    server = Server(page(*range(2_000, 1_000, -1), token="t"), page(1_000, 999, token="u"))

    assert listed(server, 1_001) == ([*range(1_000, 2_001)], "older")
    assert server.asked == [
        {"page_size": 1000, "newest_first": True},
        {"page_size": 1000, "page_token": "t", "newest_first": True},
    ]


def test_a_store_that_went_back_is_an_error_with_what_to_do(follow: Follow, pauses: list[float]) -> None:
    server: Any = Server(page(7, at=7), page(at=5))

    with pytest.raises(CommandError) as caught:
        changes._follow(server, pb.ListChangesRequest(start_revision=7), 1, ChangePrinter(Output.TABLE, "host:1"))

    assert caught.value.message == "the store is at revision 5, and was at 7: it was restored or replaced"
    assert caught.value.hint == "restart the command"


@pytest.mark.parametrize("output", [Output.JSON, Output.TABLE])
def test_each_page_of_followed_changes_arrives_at_once_where_it_is_piped(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(piped, encoding="utf-8"))
    printer = ChangePrinter(output, "address")

    arrived = []
    for revisions in ((1, 2), (3,)):
        printer.page(page(*revisions))
        arrived.append(piped.getvalue().count(b"\n"))

    assert arrived == [2, 3]
