"""A write that the caller may do for no role at all is refused before anything of it is read or waits for the writer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.transport.errors import PermissionDeniedError, UploadOrderError
from rolecall.transport.options import UploadLimits
from rolecall.transport.rights.reads import RoleRights
from rolecall.transport.services.role import RoleParts, RoleServicer
from rolecall.transport.services.uploads import Uploads
from rolecall_client.v1 import role_pb2 as pb
from tests.callers.permitted import permitted
from tests.transport.rights.serving import Policy, policy
from tests.transport.test_write_scopes import ACCOUNT, WRITES, Catalog, Writer, WrittenError, upload

APP = f"acs:ram::{ACCOUNT}:role/app"
NEEDS = {
    "CreateRole": "ram:CreateRole",
    "UpdateRole": "ram:UpdateRole",
    "DeleteRole": "ram:DeleteRole",
    "UndeleteRole": "ram:CreateRole",
    "RollbackRole": "ram:UpdateRole",
    "ApplyRoles": "ram:CreateRole",
}
ACTIONS = ["ram:CreateRole", "ram:UpdateRole", "ram:DeleteRole", "ram:GetRole"]


class Roles:
    """A RoleService whose caller has one policy, over a catalog that writes nothing."""

    def __init__(self, rights: Policy) -> None:
        caller, accounts, unused = permitted(rights), Accounts(ACCOUNT), type("Unused", (), {"consistency": str})()
        self.catalog, self.read = Catalog(), False
        parts: Any = {
            "catalog": self.catalog,
            "writer": Writer(),
            "snapshot": unused,
            "accounts": accounts,
            "tokens": unused,
            "uploads": Uploads(UploadLimits()),
            "identify": lambda _: caller,
            "rights": RoleRights(accounts, lambda _: None),
            "clock": lambda: 77,
        }
        self._servicer = RoleServicer(RoleParts(**parts))

    async def ask(self, method: str, message: Any = None) -> None:
        given = self._noted(upload()) if method == "ApplyRoles" and message is None else message
        await getattr(self._servicer, method)(WRITES[method][1] if given is None else given, None)

    async def _noted(self, messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
        self.read = True
        async for message in messages:
            yield message


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", NEEDS)
async def test_a_write_reaches_the_catalog_if_the_caller_may_do_it_for_any_role(method: str, action: str) -> None:
    roles = Roles(policy(action, on="acs:ram:*:*:role/of-another-name"))
    # What an upload creates, changes and deletes is judged role by role.
    reached = action == NEEDS[method] or (method == "ApplyRoles" and action != "ram:GetRole")

    with pytest.raises(WrittenError if reached else PermissionDeniedError) as raised:
        await roles.ask(method)

    assert len(roles.catalog.asked) == reached
    assert roles.read == (method == "ApplyRoles" and reached)
    if isinstance(raised.value, PermissionDeniedError):
        resource = "*" if method == "ApplyRoles" else APP
        assert (raised.value.action, raised.value.resource) == (NEEDS[method], resource)


HISTORY: list[tuple[str, Any, str]] = [
    ("ListRoleRevisions", pb.ListRoleRevisionsRequest(role="app"), APP),
    ("ListRoleRevisions", pb.ListRoleRevisionsRequest(role="?"), "*"),
    ("ListChanges", pb.ListChangesRequest(role="app"), APP),
    ("ListChanges", pb.ListChangesRequest(), "*"),
]


@pytest.mark.parametrize(("method", "message", "resource"), HISTORY)
async def test_a_history_that_the_caller_may_read_of_no_role_is_refused_before_the_store_is_read(
    method: str, message: Any, resource: str
) -> None:
    roles = Roles(policy("ram:GetRole"))

    with pytest.raises(PermissionDeniedError) as raised:
        await roles.ask(method, message)

    assert roles.catalog.asked == []
    assert (raised.value.action, raised.value.resource) == ("rolecall:ReadHistory", resource)


async def test_a_role_of_another_account_is_named_in_the_refusal_of_its_creation() -> None:
    roles = Roles(policy("ram:GetRole"))

    with pytest.raises(PermissionDeniedError) as raised:
        await roles.ask("CreateRole", pb.CreateRoleRequest(account_id="210987654321", role_name="app"))

    assert raised.value.resource == "acs:ram::210987654321:role/app"


@pytest.mark.parametrize(
    ("action", "error"), [("ram:CreateRole", UploadOrderError), ("ram:DeleteRole", PermissionDeniedError)]
)
async def test_only_a_caller_that_may_create_every_role_learns_what_is_wrong_with_its_upload(
    action: str, error: type[Exception]
) -> None:
    roles = Roles(policy(action))

    async def nothing() -> AsyncIterator[Any]:
        messages: tuple[Any, ...] = ()
        for message in messages:
            yield message

    with pytest.raises(error) as raised:
        await roles.ask("ApplyRoles", nothing())

    if isinstance(raised.value, PermissionDeniedError):
        assert (raised.value.action, raised.value.resource) == ("ram:CreateRole", "*")


@pytest.mark.parametrize(
    ("on", "error"), [("*", InvalidFieldsError), ("acs:ram:*:*:role/other", PermissionDeniedError)]
)
async def test_only_a_caller_that_may_change_the_role_learns_what_is_wrong_with_its_change(
    on: str, error: type[Exception]
) -> None:
    roles, message = Roles(policy("ram:UpdateRole", on=on)), pb.UpdateRoleRequest(role="app")
    message.update_mask.paths.append("no_such_field")

    with pytest.raises(error) as raised:
        await roles.ask("UpdateRole", message)

    assert roles.catalog.asked == []
    if isinstance(raised.value, PermissionDeniedError):
        assert (raised.value.action, raised.value.resource) == ("ram:UpdateRole", APP)
