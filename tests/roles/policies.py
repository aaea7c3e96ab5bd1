"""Trust policies and a catalog for tests of roles."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from rolecall.policy.limits import Limits
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import CatalogOptions, RoleCatalog
from rolecall.roles.change import Author
from rolecall.roles.change_pages import ChangeReader
from rolecall.roles.commands import CreateRole
from rolecall.roles.pages import HistoryReader, Reader
from rolecall.roles.repository import RoleRepository
from rolecall.roles.rights import RoleAccess, WriteScope
from rolecall.roles.role import Micros, Role

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"


class EveryRight:
    """The rights of an author who may do everything."""

    def require_create(self, access: RoleAccess) -> None:
        pass

    def require_update(self, access: RoleAccess) -> None:
        pass

    def require_delete(self, access: RoleAccess) -> None:
        pass

    def require_apply(self, declared: Sequence[RoleAccess], pruned: Sequence[RoleAccess]) -> frozenset[str]:
        return frozenset()


SCOPE = WriteScope("alice\nCreateRole", EveryRight())
READER = Reader("alice", lambda _: True)
HISTORY_READER = HistoryReader("alice", lambda _ref, _role: None)
CHANGE_READER = ChangeReader(HISTORY_READER, lambda _: True, by_tags=False)


def policy(principal: str = f"acs:ram::{ACCOUNT}:root", *, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": {"RAM": principal}}
    return json.dumps({"Version": "1", "Statement": [statement]})


POLICY = policy()
OTHER_POLICY = policy(f"acs:ram::{ACCOUNT}:user/alice")
BROKEN_POLICY = '{"Version": "1"}'


def catalog_of(repository: RoleRepository, **options: int) -> RoleCatalog:
    accounts = Accounts(ACCOUNT, {"prod": OTHER_ACCOUNT})
    return RoleCatalog(repository, accounts, Limits(), CatalogOptions(**options))  # type: ignore[arg-type]


def author(time: int = 1_000, *, request_id: str = "", change_reason: str = "", source: str = "") -> Author:
    return Author(actor="alice", time=Micros(time), request_id=request_id, change_reason=change_reason, source=source)


def new_id() -> str:
    return str(uuid.uuid4())


def create(catalog: RoleCatalog, name: str = "App", **fields: object) -> Role:
    command = CreateRole(role_name=name, document=POLICY, **fields)  # type: ignore[arg-type]
    return catalog.create(command, author(), SCOPE).result


def everything(repository: RoleRepository) -> object:
    """Return the whole visible state of a store, to compare it before and after a write."""
    return repository.head(), sorted(repository.load(), key=lambda role: role.key)
