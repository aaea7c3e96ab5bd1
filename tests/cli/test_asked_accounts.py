"""How the account that a name means is asked of a server, and when a command stops since the context means another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rolecall.cli.failure import CommandError
from rolecall.cli.remote.account_names import account_in, account_on_server, require_same_accounts, with_account_id
from rolecall_client.contexts.context import ServerContext
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import role_pb2 as r


class Server:
    """Answers with a role of the account that a name means, or with an error; it records the names that it is asked."""

    def __init__(self, accounts: Mapping[str, str] | None = None, error: RolecallError | None = None) -> None:
        self._accounts, self._error, self.asked = accounts or {}, error, list[str]()

    def get_role(self, role: str, /) -> r.GetRoleResponse:
        self.asked.append(role)
        if self._error:
            raise self._error
        return r.GetRoleResponse(role=r.Role(account_id=self._accounts[role.rpartition("/")[0]]))

    def list_roles(self, request: r.ListRolesRequest, /) -> r.ListRolesResponse:
        raise AssertionError(request)


def error(code: str, **metadata: str) -> RolecallError:
    return RolecallError(code, "said the server", metadata=metadata)


def context(**fields: Any) -> ServerContext:
    return ServerContext(name="prod", address="x", **fields)


@pytest.mark.parametrize(
    ("account", "asked", "found"),
    [("42", [], "42"), ("shop", ["shop/rolecall-context"], "7"), ("", ["rolecall-context"], "1"), ("4²", ["4²/rolecall-context"], "9")],
)  # fmt: skip
def test_an_id_is_not_asked_and_any_other_name_is_asked_by_a_role_of_it(
    account: str, asked: list[str], found: str
) -> None:
    server = Server({"shop": "7", "": "1", "4²": "9"})

    assert account_on_server(server, account) == found
    assert server.asked == asked


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"role": "acs:ram::77:role/rolecall-context"}, "77"),
        ({"resource": "acs:ram::78:role/rolecall-context"}, "78"),
        ({"role": "acs:ram::77:role/x", "resource": "acs:ram::78:role/x"}, "77"),
    ],
)
@pytest.mark.parametrize("code", ["NOT_FOUND", "PERMISSION_DENIED"])
def test_an_error_that_names_the_role_has_its_account(code: str, facts: dict[str, str], found: str) -> None:
    assert account_on_server(Server(error=error(code, **facts)), "shop") == found


@pytest.mark.parametrize(
    "facts", [{}, {"role": "shop/rolecall-context"}, {"role": "no acs:ram::1:role/x"}, {"role": "acs:ram::"}]
)
def test_any_other_error_is_that_of_the_command(facts: dict[str, str]) -> None:
    given = error("NOT_FOUND", **facts)

    with pytest.raises(RolecallError) as caught:
        account_on_server(Server(error=given), "shop")

    assert caught.value is given


def test_only_names_that_the_context_has_are_compared_each_once_and_in_order() -> None:
    server = Server({"shop": "1", "pay": "2", "": "1"})
    named = ["shop", None, "shop", "pay", "other", "42"]

    require_same_accounts(server, context(accounts={"shop": "1", "pay": "2", "more": "3"}), [*named, ""])
    assert server.asked == ["pay/rolecall-context", "shop/rolecall-context"]
    require_same_accounts(server, context(accounts={"shop": "1"}, default_account="shop"), ["", None])
    assert server.asked[2:] == ["rolecall-context"]
    require_same_accounts(server, None, named)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("fields", "account", "name", "meant"),
    [
        ({"accounts": {"shop": "5"}}, "shop", "the alias `shop`", "5 in the context, account 1 on the server"),
        ({"default_account": "6"}, "", "a name without an account", "6 in the context, account 2 on the server"),
        ({"accounts": {"none": "7"}}, "none", "the alias `none`", "7 in the context, no account on the server"),
    ],
)
def test_a_command_stops_where_both_mean_different_accounts(
    fields: dict[str, Any], account: str, name: str, meant: str
) -> None:
    server = Server(error=error("INVALID_ARGUMENT")) if account == "none" else Server({"shop": "1", "": "2"})

    with pytest.raises(CommandError) as caught:
        require_same_accounts(server, context(**fields), [account])

    assert caught.value.message == f"the context `prod` and the server differ about {name}: {meant}"
    assert caught.value.hint == "name the account by its id, or correct the context; nothing was done"


@pytest.mark.parametrize("code", ["UNAVAILABLE", "PERMISSION_DENIED", "NOT_FOUND"])
def test_a_command_stops_if_the_server_does_not_say_what_it_means(code: str) -> None:
    with pytest.raises(RolecallError, match="said the server"):
        require_same_accounts(Server(error=error(code)), context(accounts={"shop": "5"}), ["shop"])


@pytest.mark.parametrize(
    ("role", "account", "with_id"),
    [
        ("shop/app", "shop", "5/app"),
        ("other/app", "other", "other/app"),
        ("a/b/app", "a/b", "a/b/app"),
        ("app", "", "app"),
        ("acs:ram::1:role/app", None, "acs:ram::1:role/app"),
    ],
)
def test_the_alias_of_a_role_is_replaced_by_the_id_that_the_context_has(
    role: str, account: str | None, with_id: str
) -> None:
    assert account_in(role) == account
    assert with_account_id(role, context(accounts={"shop": "5"}, default_account="shop")) == with_id
    assert with_account_id(role, None) == role
