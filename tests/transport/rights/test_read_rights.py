"""The rights of reads, each with its action, its resource and the tags of the role that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rolecall.callers.caller import NO_ACCESS_KEYS, AccessKeys
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Role, RoleRef
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.reads import (
    RoleRights,
    may_read,
    may_read_history,
    named_accounts,
    require_on,
    require_watch,
)
from tests.server.serving import ACCOUNT
from tests.transport.rights.test_identity_rights import role

OTHER = "210987654321"
ROLE = f"acs:ram::{ACCOUNT}:role/app"
TAGS = {"acs:ResourceTag/team": ("shop",)}
LIST, GET, HISTORY, WATCH = "ram:ListRoles", "ram:GetRole", "rolecall:ReadHistory", "rolecall:Watch"


class Holder:
    """A caller that is allowed what one test needs, and notes what it is asked."""

    def __init__(self, *allowed: str, reads_tags: bool = False) -> None:
        self._allowed, self.reads_tags = allowed, reads_tags
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def allows(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> bool:
        self.asked.append((action, resource, dict(keys)))
        return resource in self._allowed


def accounts() -> Accounts:
    return Accounts(ACCOUNT, {"partner": OTHER})


def role_rights(found: Role | None = None) -> RoleRights:
    return RoleRights(accounts(), lambda key: RoleVersion(found) if found and key == f"{ACCOUNT}/app" else None)


def asked_by(holder: Any, call: Callable[[Any], object]) -> tuple[list[tuple[str, str, dict[str, Any]]], object]:
    """Return what a caller is asked, and the action and resource that it lacks, or what is returned."""
    try:
        result = call(holder)
    except PermissionDeniedError as error:
        result = error.action, error.resource
    return holder.asked, result


@pytest.mark.parametrize(
    ("text", "resource", "tags"),
    [
        ("app", ROLE, TAGS),
        ("APP", f"acs:ram::{ACCOUNT}:role/APP", TAGS),
        ("partner/app", f"acs:ram::{OTHER}:role/app", {}),
        ("a/b/c", "*", {}),
    ],
)
@pytest.mark.parametrize("reads", [True, False])
def test_a_role_is_judged_by_its_name_and_its_tags(
    text: str, resource: str, tags: dict[str, tuple[str, ...]], reads: bool
) -> None:
    expected = [(GET, resource, tags if reads else {})]

    def require(caller: Any) -> None:
        role_rights(role()).require_role(GET, text, caller)

    assert asked_by(Holder(resource, reads_tags=reads), require) == (expected, None)
    assert asked_by(Holder(reads_tags=reads), require) == (expected, (GET, resource))


@pytest.mark.parametrize(("ref", "resource"), [(RoleRef(ACCOUNT, "app"), ROLE), (None, "*")])
@pytest.mark.parametrize("reads", [True, False])
def test_a_role_whose_state_is_known_is_judged_by_it(ref: RoleRef | None, resource: str, reads: bool) -> None:
    expected = [(HISTORY, resource, TAGS if reads else {})]

    def require(caller: Any) -> None:
        require_on(HISTORY, ref, role(), caller)

    assert asked_by(Holder(resource, reads_tags=reads), require) == (expected, None)
    assert asked_by(Holder(reads_tags=reads), require) == (expected, (HISTORY, resource))


@pytest.mark.parametrize(("may", "action"), [(may_read, GET), (may_read_history, HISTORY)])
@pytest.mark.parametrize("reads", [True, False])
def test_whether_a_role_may_be_read_needs_its_own_action(may: Any, action: str, reads: bool) -> None:
    expected = [(action, ROLE, TAGS if reads else {})]

    assert asked_by(Holder(ROLE, reads_tags=reads), lambda caller: may(role(), caller)) == (expected, True)
    assert asked_by(Holder("*", reads_tags=reads), lambda caller: may(role(), caller)) == (expected, False)


@pytest.mark.parametrize(
    ("account", "prefix", "resource"),
    [
        ("", "", f"acs:ram::{ACCOUNT}:role/*"),
        ("partner", "shop-", f"acs:ram::{OTHER}:role/shop-*"),
        ("partner", "sh*p", "*"),
        ("no such account", "shop-", "*"),
    ],
)
def test_a_list_needs_the_right_on_the_roles_of_its_account_with_its_prefix(
    account: str, prefix: str, resource: str
) -> None:
    def require(caller: Any) -> None:
        role_rights().require_list(account, prefix, caller)

    assert asked_by(Holder(resource), require) == ([(LIST, resource, {})], None)
    assert asked_by(Holder(), require) == ([(LIST, resource, {})], (LIST, resource))


@pytest.mark.parametrize(
    ("texts", "prefix", "resources"),
    [
        ([], "", ["*"]),
        ([OTHER, ACCOUNT], "shop-", [f"acs:ram::{ACCOUNT}:role/shop-*", f"acs:ram::{OTHER}:role/shop-*"]),
        (["partner"], "", [f"acs:ram::{OTHER}:role/*"]),
        (["partner", "no such account"], "", ["*"]),
        (["partner"], "sh*p", ["*"]),
    ],
)
def test_the_changes_of_accounts_need_the_right_on_the_roles_of_each(
    texts: list[str], prefix: str, resources: list[str]
) -> None:
    def require(caller: Any) -> None:
        role_rights().require_changes(texts, prefix, caller)

    every = [(HISTORY, resource, dict[str, Any]()) for resource in resources]
    assert asked_by(Holder(*resources), require) == (every, None)
    assert asked_by(Holder(*resources[:-1]), require) == (every, (HISTORY, resources[-1]))


@pytest.mark.parametrize(
    ("ids", "resources"),
    [
        ([], ["*"]),
        ([ACCOUNT], [f"acs:ram::{ACCOUNT}:*"]),
        ([OTHER, ACCOUNT], [f"acs:ram::{ACCOUNT}:*", f"acs:ram::{OTHER}:*"]),
    ],
)
def test_a_watch_needs_the_right_on_each_whole_account(ids: list[str], resources: list[str]) -> None:
    def require(caller: Any) -> None:
        require_watch(ids, caller)

    every = [(WATCH, resource, dict[str, Any]()) for resource in resources]
    assert asked_by(Holder(*resources), require) == (every, None)
    assert asked_by(Holder(*resources[:-1]), require) == (every, (WATCH, resources[-1]))


def test_accounts_of_which_one_is_none_stand_for_every_account() -> None:
    assert list(named_accounts(accounts(), ["partner", ACCOUNT])) == [OTHER, ACCOUNT]
    assert list(named_accounts(accounts(), ["partner", "no such account"])) == []
    assert list(named_accounts(accounts(), [])) == []
