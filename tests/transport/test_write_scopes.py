"""In whose name each write of roles is, which its request id is remembered under, and what is noted of its author."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rolecall.callers.caller import Caller
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import Author
from rolecall.roles.role import Micros
from rolecall.transport.options import UploadLimits
from rolecall.transport.services.role import RoleParts, RoleServicer
from rolecall.transport.services.uploads import Uploads
from rolecall_client.v1 import role_pb2 as pb
from tests.callers.permitted import administrator

ACCOUNT = "123456789012"
NOTED: dict[str, Any] = {"request_id": "r", "change_reason": "why"}


class WrittenError(Exception):
    """A write reached the catalog."""


class Catalog:
    """A catalog that writes nothing, and notes what it is asked to write."""

    def __init__(self) -> None:
        self.asked = list[tuple[str, Any, Author, str]]()

    def __getattr__(self, name: str) -> Callable[[Any, Author, Any], None]:
        def write(command: Any, author: Author, scope: Any) -> None:
            self.asked.append((name, command, author, scope.name))
            raise WrittenError

        return write


class Writer:
    async def write(self, work: Callable[[], Any]) -> Any:
        return work()

    read = write


async def upload() -> AsyncIterator[pb.ApplyRolesRequest]:
    yield pb.ApplyRolesRequest(options=pb.ApplyRolesOptions(**NOTED, source="git"))


WRITES: dict[str, tuple[str, Any]] = {
    "CreateRole": ("create", pb.CreateRoleRequest(role_name="app", **NOTED)),
    "UpdateRole": ("update", pb.UpdateRoleRequest(role="app", **NOTED)),
    "DeleteRole": ("delete", pb.DeleteRoleRequest(role="app", **NOTED)),
    "UndeleteRole": ("undelete", pb.UndeleteRoleRequest(role="app", **NOTED)),
    "RollbackRole": ("rollback", pb.RollbackRoleRequest(role="app", **NOTED)),
    "ApplyRoles": ("apply", None),
}


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_is_in_the_name_of_its_caller_and_its_method(method: str) -> None:
    caller: Caller = administrator()
    catalog, uploads = Catalog(), Uploads(UploadLimits())
    unused: Any = type("Unused", (), {"consistency": str, "require_role": None})()
    parts = RoleParts(
        catalog=catalog,  # type: ignore[arg-type]
        writer=Writer(),
        snapshot=unused,
        accounts=Accounts(ACCOUNT),
        tokens=unused,
        uploads=uploads,
        identify=lambda _: caller,
        rights=unused,
        clock=lambda: 77,
    )
    name, message = WRITES[method]

    with pytest.raises(WrittenError):
        await getattr(RoleServicer(parts), method)(upload() if message is None else message, None)

    ((asked, _, author, scope),) = catalog.asked
    assert (asked, scope) == (name, f"{caller.credential.scope}\n{method}")
    source = "git" if method == "ApplyRoles" else ""
    actor = caller.credential.identity
    assert author == Author(actor=actor, time=Micros(77), request_id="r", change_reason="why", source=source)
    assert uploads._bytes_in_progress == 0
