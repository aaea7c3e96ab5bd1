"""Every write checks what its author gives, and reports it with everything else that is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import Author
from rolecall.roles.commands import (
    ApplyRoles,
    CreateRole,
    DeleteRole,
    RoleDeclaration,
    RollbackRole,
    UndeleteRole,
    UpdateRole,
)
from rolecall.roles.errors import InvalidFieldsError
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import POLICY, SCOPE, author, create, everything

AUTHOR_FIELDS = ["change_reason", "source", "request_id"]

WRITES: dict[str, tuple[Callable[[RoleCatalog, Author, str], object], list[str]]] = {
    "create": (
        lambda c, by, text: c.create(CreateRole(role_name=text or "New", document=POLICY), by, SCOPE),
        ["role_name", *AUTHOR_FIELDS],
    ),
    "update": (
        lambda c, by, text: c.update(
            UpdateRole(role=text or "App", description="\0" * len(text), etag=text), by, SCOPE
        ),
        ["description", "role", *AUTHOR_FIELDS, "etag"],
    ),
    "delete": (
        lambda c, by, text: c.delete(DeleteRole(role=text or "App", etag=text), by, SCOPE),
        ["role", *AUTHOR_FIELDS, "etag"],
    ),
    "undelete": (
        lambda c, by, text: c.undelete(UndeleteRole(role=text or "App", role_id=text), by, SCOPE),
        ["role", "role_id", *AUTHOR_FIELDS],
    ),
    "rollback": (
        lambda c, by, text: c.rollback(RollbackRole(role=text or "App", revision=1 - len(text), etag=text), by, SCOPE),
        ["role", *AUTHOR_FIELDS, "etag", "revision"],
    ),
    "apply": (
        lambda c, by, text: c.apply(
            ApplyRoles(declarations=(RoleDeclaration(role_name=text or "New", document=POLICY),)), by, SCOPE
        ),
        [*AUTHOR_FIELDS, "roles[0].role_name"],
    ),
}


@pytest.mark.parametrize("text", ["", "_"], ids=["valid", "invalid"])
@pytest.mark.parametrize(("write", "fields"), WRITES.values(), ids=WRITES)
def test_what_the_author_gives_is_checked_with_everything_else(
    catalog: RoleCatalog,
    repository: MemoryRoleRepository,
    write: Callable[[RoleCatalog, Author, str], object],
    fields: list[str],
    text: str,
) -> None:
    create(catalog)
    before = everything(repository)

    with pytest.raises(InvalidFieldsError) as caught:
        write(catalog, author(change_reason="x" * 1_025, source="y" * 257, request_id="1"), text)

    assert [v.field for v in caught.value.violations] == (fields if text else AUTHOR_FIELDS)
    assert everything(repository) == before
