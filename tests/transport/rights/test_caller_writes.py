"""The rights of one caller on writes: which action each write needs, and what a denial shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rolecall.policy.trusted_names import TrustedNames, trusted_names
from rolecall.roles.rights import RoleAccess
from rolecall.roles.role import RoleRef
from rolecall.transport.errors import PermissionDeniedError, PruneDeniedError
from rolecall.transport.rights.writes import CallerWriteRights, WriteKeys
from tests.server.serving import ACCOUNT
from tests.transport.rights.test_writes import ECS, ROOT, role, trust

CREATE, UPDATE, DELETE, GET = "ram:CreateRole", "ram:UpdateRole", "ram:DeleteRole", "ram:GetRole"


class Holder:
    """A caller that has some actions on every role but those of some names, and notes the keys that it is asked with."""

    def __init__(self, *actions: str, without: Mapping[str, str] | None = None) -> None:
        self._actions, self._without = actions, without or {}
        self.asked: list[tuple[str, str]] = []
        self.keys: list[Mapping[str, tuple[str, ...]]] = []

    def allows(self, action: str, resource: str, keys: Mapping[str, tuple[str, ...]]) -> bool:
        self.asked.append((action, resource))
        self.keys.append(keys)
        return action in self._actions and not resource.endswith(self._without.get(action, "\n"))


def arn(name: str) -> str:
    return f"acs:ram::{ACCOUNT}:role/{name}"


def new(name: str = "new") -> RoleAccess:
    return RoleAccess(ref=RoleRef(ACCOUNT, name), document=trust(ECS))


def stored(name: str = "stored") -> RoleAccess:
    return RoleAccess(ref=RoleRef(ACCOUNT, name), before=role(trust(ROOT)), document=trust(ECS))


def outcome(holder: Any, call: Callable[[CallerWriteRights], object]) -> object:
    """Return what a call returns, or what is missing for it."""
    try:
        return call(CallerWriteRights(holder))
    except PermissionDeniedError as error:
        return error.action, error.resource
    except PruneDeniedError as error:
        return str(error)


@pytest.mark.parametrize(
    ("action", "require"),
    [
        (CREATE, CallerWriteRights.require_create),
        (UPDATE, CallerWriteRights.require_update),
        (DELETE, CallerWriteRights.require_delete),
    ],
)
def test_each_write_needs_its_own_action(action: str, require: Callable[[CallerWriteRights, RoleAccess], None]) -> None:
    others = [other for other in (CREATE, UPDATE, DELETE, GET) if other != action]

    assert outcome(Holder(action), lambda rights: require(rights, stored())) is None
    assert outcome(Holder(*others), lambda rights: require(rights, stored())) == (action, arn("stored"))
    assert outcome(Holder(), lambda rights: require(rights, RoleAccess(ref=None))) == (action, "*")


@pytest.mark.parametrize(
    ("actions", "access", "missing"),
    [
        ((CREATE,), new(), None),
        ((UPDATE,), stored(), None),
        ((CREATE,), stored(), (UPDATE, arn("stored"))),
        ((UPDATE,), new(), (CREATE, arn("new"))),
        ((GET, DELETE), stored(), (CREATE, arn("stored"))),
        ((GET, DELETE), new(), (CREATE, arn("new"))),
    ],
)
def test_a_declared_role_is_created_with_one_right_and_changed_with_another(
    actions: tuple[str, ...], access: RoleAccess, missing: object
) -> None:
    assert outcome(Holder(*actions, GET), lambda rights: rights.require_apply([access], [])) == (missing or frozenset())


def test_an_apply_of_nothing_asks_about_everything() -> None:
    holder = Holder()

    assert outcome(holder, lambda rights: rights.require_apply([], [])) == (CREATE, "*")
    assert outcome(Holder(CREATE), lambda rights: rights.require_apply([], [])) == frozenset()
    assert holder.asked == [(CREATE, "*")]


def test_a_prune_alone_asks_only_about_the_roles_that_it_deletes() -> None:
    holder = Holder(DELETE, GET)

    assert outcome(holder, lambda rights: rights.require_apply([], [stored("a")])) == frozenset()
    assert {action for action, _ in holder.asked} == {DELETE, GET}


def test_roles_that_may_not_be_deleted_are_counted_and_not_named() -> None:
    pruned = [stored("a"), stored("b"), stored("c")]

    some = outcome(Holder(DELETE, GET, without={DELETE: "/b"}), lambda rights: rights.require_apply([], pruned))
    none = outcome(Holder(GET), lambda rights: rights.require_apply([], pruned))

    assert some == str(PruneDeniedError(DELETE, 1))
    assert none == str(PruneDeniedError(DELETE, 3))
    assert arn("b") not in str(some)


def test_what_changes_is_hidden_of_each_role_that_the_caller_may_not_read() -> None:
    holder = Holder(CREATE, UPDATE, DELETE, GET, without={GET: "d"})

    hidden = outcome(
        holder, lambda rights: rights.require_apply([new(), stored("old"), stored("oz")], [stored("and"), stored("x")])
    )

    assert hidden == {f"{ACCOUNT}/old", f"{ACCOUNT}/and"}
    assert outcome(Holder(CREATE), lambda rights: rights.require_apply([RoleAccess(ref=None)], [])) == {"*"}


def test_a_document_that_many_roles_share_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = list[str]()

    def noted(document: str) -> TrustedNames:
        read.append(document)
        return trusted_names(document)

    monkeypatch.setattr("rolecall.transport.rights.writes.trusted_names", noted)
    holder = Holder(CREATE, UPDATE, GET)

    outcome(holder, lambda rights: rights.require_apply([new("a"), new("b"), stored("c")], []))
    found = [keys["ram:ServiceNames"] for keys in holder.keys]

    assert found == [("ecs.aliyuncs.com",)] * 6
    assert read == [trust(ECS), trust(ROOT)]


def test_the_names_of_a_role_whose_document_stays_are_read_once() -> None:
    read = list[str]()

    def names_of(document: str) -> TrustedNames:
        read.append(document)
        return TrustedNames(types=frozenset({document}))

    before = role("same")
    same = WriteKeys(RoleAccess(ref=None, before=before, document="same"), names_of)
    deleted = WriteKeys(RoleAccess(ref=None, before=before), names_of)
    changed = WriteKeys(RoleAccess(ref=None, before=before, document="other"), names_of)
    created = WriteKeys(RoleAccess(ref=None, document="new"), names_of)

    types = [keys["ram:TrustedPrincipalTypes"] for keys in (same, deleted, changed, created)]
    assert types == [("same",), ("same",), ("other", "same"), ("new",)]
    assert read == ["same", "same", "same", "other", "new"]
