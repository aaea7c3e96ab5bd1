"""What the token of each list is bound to, and what a page reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from rolecall.policy.limits import Limits
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import ChangeKind, RoleRevision
from rolecall.roles.change_pages import ChangeFilters, ChangeReader
from rolecall.roles.commands import DeleteRole, UpdateRole
from rolecall.roles.errors import InvalidTokenError, RoleNotFoundError
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import ACCOUNT, CHANGE_READER, HISTORY_READER, OTHER_ACCOUNT, READER, SCOPE, author, create

TOKENS = Tokens(bytes(32), "a history")
FILTERS = ChangeFilters(
    start_revision=1,
    account_ids=("prod", ""),
    name_prefix="A",
    role="App",
    kinds=frozenset({ChangeKind.UPDATED, ChangeKind.CREATED}),
    actor="alice",
)

# Each list with its first page, for a scope of its reader.
LISTS: dict[str, Callable[[RoleCatalog, str, str], str]] = {
    "roles": lambda c, scope, token: (
        c.list("", 1, token, "A", {"b": "1", "a": "2"}, reader=replace(READER, scope=scope)).next_page_token
    ),
    "revisions": lambda c, scope, token: (
        c.revisions("App", 1, token, reader=replace(HISTORY_READER, scope=scope)).next_page_token
    ),
    "changes": lambda c, scope, token: (
        c.changes(
            FILTERS, 1, token, ChangeReader(replace(HISTORY_READER, scope=scope), lambda _: True, by_tags=False)
        ).next_page_token
    ),
}


@pytest.fixture
def listed(repository: MemoryRoleRepository) -> RoleCatalog:
    """Return a catalog of a role with an id of its own, that was changed twice, and another role."""
    catalog = RoleCatalog(repository, Accounts(ACCOUNT, {"prod": OTHER_ACCOUNT}), Limits(), tokens=TOKENS)
    for name in ("App", "Apple"):
        create(catalog, name, tags={"a": "2", "b": "1"})
    for text in ("one", "two"):
        catalog.update(UpdateRole(role="App", description=text), author(), SCOPE)
    return catalog


def test_a_token_is_bound_to_its_list_its_reader_and_every_filter(listed: RoleCatalog) -> None:
    # Replicas of two versions continue the lists of each other, so what a token is bound to does not change.
    role_id = listed.list("", 1, "", reader=READER).items[0].role_id
    bound = {
        "roles": (f"{ACCOUNT}/app", ("ListRoles", "alice", ACCOUNT, "a", "a", "2", "b", "1")),
        "revisions": ("4", ("ListRoleRevisions", "alice", role_id)),
        "changes": (
            "1.0",
            ("ListChanges", "alice", "1", "oldest first", f"{ACCOUNT}/app", "a", "alice", "CREATED,UPDATED",
             f"{ACCOUNT},{OTHER_ACCOUNT}"),
        ),
    }  # fmt: skip

    assert {name: first(listed, "alice", "") for name, first in LISTS.items()} == {
        name: TOKENS.page(cursor, filter=texts) for name, (cursor, texts) in bound.items()
    }


@pytest.mark.parametrize("page", LISTS.values(), ids=LISTS)
def test_a_token_of_another_reader_is_refused(
    listed: RoleCatalog, page: Callable[[RoleCatalog, str, str], str]
) -> None:
    token = page(listed, "alice", "")

    page(listed, "alice", token)
    with pytest.raises(InvalidTokenError):
        page(listed, "bob", token)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_page_reads_one_more_than_it_has_to_know_whether_another_follows(
    listed: RoleCatalog, repository: MemoryRoleRepository, size: int
) -> None:
    read_roles, read_history, limits = repository.list_roles, repository.history, list[int]()

    def list_roles(account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int) -> list[Role]:
        limits.append(limit)
        return read_roles(account_id, after=after, name_prefix=name_prefix, tags=tags, limit=limit)

    def history(role_id: str, *, before: Revision | None, limit: int) -> list[RoleRevision]:
        limits.append(limit)
        return read_history(role_id, before=before, limit=limit)

    repository.list_roles, repository.history = list_roles, history  # type: ignore[method-assign]
    listed.list("", size, "", reader=READER)
    listed.revisions("App", size, "", reader=HISTORY_READER)

    assert limits == [size + 1] * 2


def test_a_history_that_is_no_longer_stored_says_where_history_begins(
    listed: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    listed.delete(DeleteRole(role="App"), author(), SCOPE)
    repository.prune(keep_after=9_000, keep_revisions=0, forget_requests_before=0)

    with pytest.raises(RoleNotFoundError) as caught:
        listed.revisions("App", 0, "", reader=HISTORY_READER)

    assert str(caught.value) == f"there is no role `acs:ram::{ACCOUNT}:role/App`: history begins after revision 5"


def test_the_last_state_of_a_role_whose_history_is_no_longer_stored_is_that_of_the_change(
    listed: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    listed.delete(DeleteRole(role="App"), author(), SCOPE)
    seen = list[dict[str, str]]()

    def may_read(role: Role) -> bool:
        seen.append(dict(role.tags))
        return True

    repository.history = lambda *_args, **_options: []  # type: ignore[method-assign]
    page = listed.changes(ChangeFilters(role="App"), 0, "", replace(CHANGE_READER, may_read=may_read, by_tags=True))

    assert len(page.items) == 4
    assert seen == [{"a": "2", "b": "1"}] * 4
