"""The list of accounts: in the order of their numbers, with the default account and the aliases of the context."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rolecall.cli.commands import accounts
from rolecall.cli.failure import CommandError
from rolecall_client.client import RolecallClient
from rolecall_client.errors import InvalidArgumentError, ResyncRequiredError
from rolecall_client.v1 import caller_pb2 as caller, role_pb2 as r, watch_pb2 as w
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording


class Watching:
    """A client whose watch has these events."""

    def __init__(self, *events: Any) -> None:
        self._events, self.asked = events, cast(list[dict[str, object]], [])
        self.closed = False

    def watch_roles(self, **options: object) -> Iterator[Any]:
        self.asked.append(options)
        try:
            for event in self._events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed = True


def role_of(account: str) -> w.RoleWatchChange:
    return w.RoleWatchChange(kind=r.CHANGE_KIND_CREATED, role=r.Role(account_id=account))


def counted(client: Watching) -> list[tuple[str, int]]:
    return [*accounts.roles_by_account(cast(RolecallClient, client)).items()]


def test_roles_are_counted_up_to_the_first_checkpoint_and_sorted_by_number() -> None:
    ids = ("111", "22", "9000", "22", "21")
    client = Watching(*map(role_of, ids), w.WatchCheckpoint(revision=1), role_of("5"))

    assert counted(client) == [("21", 1), ("22", 2), ("111", 1), ("9000", 1)]
    assert client.asked == [{"include_initial_state": True}]
    assert client.closed


def test_accounts_are_in_the_order_of_their_numbers_however_many_roles_they_have() -> None:
    client = Watching(*map(role_of, ("22", "9", "21", "21", "9", "9")), w.WatchCheckpoint(revision=1))

    assert counted(client) == [("9", 3), ("21", 2), ("22", 1)]


def test_roles_that_change_meanwhile_are_counted_again_by_the_user() -> None:
    with pytest.raises(CommandError) as caught:
        counted(Watching(role_of("1"), ResyncRequiredError("the changes are gone")))

    assert caught.value.message == "the roles changed while they were read: the changes are gone"
    assert caught.value.hint == "try again"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(accounts, "roles_by_account", lambda _: {"22": 1_234, "111": 1})
    return monkeypatch


def test_the_default_account_is_marked(rolecall: CommandLine, known: pytest.MonkeyPatch) -> None:
    known.setattr(accounts, "account_on_server", lambda _client, name: "111" if name == "" else "22")
    with recording() as (address, _):
        people = rolecall("account", "list", "--address", address)
        programs = json.loads(rolecall("account", "list", "--address", address, "-o", "json").out)

    lines = [line.split() for line in people.out.splitlines()]
    assert [lines[0], *lines[2:]] == [["ACCOUNT", "ROLES", "DEFAULT", "ALIASES"], ["22", "1,234"], ["111", "1", "*"]]
    assert programs == {
        "accounts": [
            {"account_id": "22", "roles": 1_234, "default": False, "aliases": []},
            {"account_id": "111", "roles": 1, "default": True, "aliases": []},
        ]
    }


def test_all_aliases_of_an_account_are_shown_in_order(
    rolecall: CommandLine, known: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known.setattr(accounts, "account_on_server", lambda _client, _name: "")
    known.setenv("ROLECALL_CONFIG", str(tmp_path / "config.yaml"))
    with recording() as (address, _):
        aliases = "{shop: '22', pay: '22', other: '9', app: '22'}"
        (tmp_path / "config.yaml").write_text(f"contexts: {{a: {{address: '{address}', accounts: {aliases}}}}}")
        (tmp_path / "config.yaml").chmod(0o600)
        people = rolecall("account", "list", "--context", "a").out.splitlines()
        programs = json.loads(rolecall("account", "list", "--context", "a", "-o", "json").out)["accounts"]

    assert [" ".join(line.split()) for line in people[2:]] == ["22 1,234 app, pay, shop", "111 1"]
    assert [account["aliases"] for account in programs] == [["app", "pay", "shop"], []]


def test_a_server_without_a_default_account_has_none_marked(rolecall: CommandLine, known: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> str:
        raise InvalidArgumentError("INVALID_ARGUMENT", "there is no default account")

    known.setattr(accounts, "account_on_server", unknown)
    with recording() as (address, _):
        people = rolecall("account", "list", "--address", address)

    assert people.code == 0
    assert "*" not in people.out


def test_without_roles_there_is_no_table(rolecall: CommandLine, known: pytest.MonkeyPatch) -> None:
    known.setattr(accounts, "roles_by_account", lambda _: {})
    with recording() as (address, _):
        assert rolecall("account", "list", "--address", address) == (0, "", "no roles\n")


def test_what_a_server_says_of_its_caller_has_a_heading(rolecall: CommandLine) -> None:
    access = caller.CanIResponse(
        allowed=True,
        explanation=caller.AccessExplanation(determining_statements=[caller.AccessStatement(policy="P", index=1)]),
    )
    with recording(CanI=access) as (address, _):
        whoami = rolecall("whoami", "--address", address).out
        can = rolecall("can", "ram:GetRole", "--address", address).out

    assert whoami.splitlines()[0].split() == ["YOU"]
    assert can.splitlines()[1].split() == ["POLICY", "STATEMENT", "SID"]
