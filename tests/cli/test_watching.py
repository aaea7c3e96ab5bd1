"""How `watch` asks for changes, and with what it asks again after another store or lost changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rolecall.cli.options.shared import Connection
from rolecall_client.errors import OtherStoreError, ResyncRequiredError, RolecallError
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w
from tests.cli.conftest import CommandLine, Outcome

CHECKPOINT = w.WatchCheckpoint(revision=7, token="t")
CHANGE = w.RoleWatchChange(revision=8, kind=r.CHANGE_KIND_CREATED, role=r.Role(arn="acs:ram::1:role/a"))


class EndError(Exception):
    """The last watch has ended."""


class Client:
    """Gives the events of one watch after the other; each ends with its error. It records what it is asked."""

    def __init__(self, *watches: tuple[list[Any], Exception]) -> None:
        self._watches = iter(watches)
        self.asked: list[dict[str, Any]] = []

    def watch_roles(self, **asked: Any) -> Iterator[Any]:
        asked.pop("resumed")(RolecallError("UNAVAILABLE", "gone"))
        self.asked.append(asked)
        events, error = next(self._watches)
        yield from events
        raise error


def watched(monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine, client: Client, *arguments: str) -> Outcome:
    """Run the command with a client, and return what it has printed; other accounts are not compared."""

    @contextmanager
    def connect(connection: Connection, *, accounts: list[str]) -> Iterator[Client]:
        assert (connection.address, accounts) == ("host:1", client_accounts(arguments))
        yield client

    monkeypatch.setattr("rolecall.cli.commands.watch.connect", connect)
    return rolecall("watch", "--address=host:1", *arguments)


def client_accounts(arguments: tuple[str, ...]) -> list[str]:
    return [each.partition("=")[2] for each in arguments if each.startswith("--account-id=")]


def test_without_options_the_changes_from_now_on_are_asked_for(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(([CHECKPOINT, CHANGE], EndError("at the end")))

    outcome = watched(monkeypatch, rolecall, client)

    assert client.asked == [{"start_token": "", "account_ids": [], "include_initial_state": False}]
    assert "acs:ram::1:role/a" in outcome.out
    assert outcome.err.splitlines()[:2] == [
        "the watch was interrupted, reconnecting: gone",
        "the watch is resumed",
    ]
    assert "watching host:1 from revision 7" in outcome.err


def test_the_options_are_passed_on(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    from_token, initial = Client(([], EndError())), Client(([], EndError()))

    watched(monkeypatch, rolecall, from_token, "--from=t-1", "--account-id=1", "--account-id=2")
    watched(monkeypatch, rolecall, initial, "--initial")

    assert from_token.asked == [{"start_token": "t-1", "account_ids": ["1", "2"], "include_initial_state": False}]
    assert initial.asked == [{"start_token": "", "account_ids": [], "include_initial_state": True}]


def test_every_role_of_another_store_is_asked_for_whatever_was_asked_before(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(
        ([CHECKPOINT], OtherStoreError()),
        ([CHANGE], ResyncRequiredError("too far behind")),
        ([], EndError()),
    )

    outcome = watched(monkeypatch, rolecall, client, "--from=t-1", "--account-id=1")

    again = {"start_token": "", "account_ids": ["1"], "include_initial_state": True}
    assert client.asked == [{**again, "start_token": "t-1", "include_initial_state": False}, again, again]
    assert f"restarting with every role: {OtherStoreError().message}\n" in outcome.err
    assert "restarting with every role: too far behind\n" in outcome.err


def test_lost_changes_end_a_watch_that_cannot_begin_again(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(([CHECKPOINT], ResyncRequiredError("the changes are gone")))

    outcome = watched(monkeypatch, rolecall, client)

    assert outcome.code == 2
    assert outcome.err.endswith("error: the changes are gone\n  help: restart with `rolecall watch --initial`\n")
    assert "restarting" not in outcome.err


def test_a_start_is_given_once(rolecall: CommandLine) -> None:
    outcome = rolecall("watch", "--initial", "--from=t")

    assert outcome == (2, "", "error: only one of --initial and --from may be given\n")
