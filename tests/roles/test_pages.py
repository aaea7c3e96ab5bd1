from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rolecall.roles import pages
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import ChangeKind
from rolecall.roles.change_pages import ChangeFilters
from rolecall.roles.commands import DeleteRole, UpdateRole
from rolecall.roles.errors import InvalidFieldsError, InvalidTokenError, RoleNotFoundError
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import (
    ACCOUNT,
    CHANGE_READER,
    HISTORY_READER,
    READER,
    SCOPE,
    author,
    catalog_of,
    create,
    new_id,
)


def names(catalog: RoleCatalog, size: int, **arguments: object) -> list[list[str]]:
    """Return the names of every page of a list."""
    found, token = [], ""
    while True:
        page = catalog.list("", size, token, **arguments, reader=READER)  # type: ignore[arg-type]
        found.append([role.role_name for role in page.items])
        token = page.next_page_token
        if not token:
            return found


def test_a_list_comes_in_pages(catalog: RoleCatalog) -> None:
    for name in ("b", "A", "d", "C", "e"):
        create(catalog, name)

    assert names(catalog, 2) == [["A", "b"], ["C", "d"], ["e"]]
    assert names(catalog, 5) == [["A", "b", "C", "d", "e"]]
    assert names(catalog, 0) == [["A", "b", "C", "d", "e"]]


def test_an_empty_list_is_one_empty_page(catalog: RoleCatalog) -> None:
    page = catalog.list("prod", 0, "", reader=READER)

    assert (page.items, page.next_page_token, page.revision) == ((), "", 0)


def test_a_list_can_be_filtered(catalog: RoleCatalog) -> None:
    create(catalog, "App", tags={"team": "a"})
    create(catalog, "Apple", tags={"team": "a", "env": "x"})
    create(catalog, "Appendix", tags={"team": "a", "env": "x"})
    create(catalog, "Other", tags={"team": "a", "env": "x"})

    assert names(catalog, 1, name_prefix="APP", tags={"env": "x", "team": "a"}) == [["Appendix"], ["Apple"]]


def test_a_page_token_is_valid_for_the_same_list_only(catalog: RoleCatalog) -> None:
    for name in ("a", "ab", "b"):
        create(catalog, name, tags={"k": "v"})
        create(catalog, name, account_id="prod")
    token = catalog.list("", 1, "", name_prefix="a", tags={"k": "v"}, reader=READER).next_page_token

    assert catalog.list(ACCOUNT, 2, token, name_prefix="A", tags={"k": "v"}, reader=READER).items[0].role_name == "ab"
    others: list[tuple[str, int, str, str, dict[str, str]]] = [
        ("prod", 1, token, "a", {"k": "v"}),
        ("", 1, token, "", {"k": "v"}),
        ("", 1, token, "a", {}),
        ("", 1, token, "a", {"v": "k"}),
        ("", 1, token + "A", "a", {"k": "v"}),
    ]
    for other in others:
        with pytest.raises(InvalidTokenError):
            catalog.list(*other, reader=READER)
    with pytest.raises(InvalidTokenError):
        catalog.revisions("a", 1, token, reader=HISTORY_READER)


def test_page_tokens_are_valid_on_every_server_of_one_store(repository: MemoryRoleRepository) -> None:
    for name in ("a", "b"):
        create(catalog_of(repository), name)
    token = catalog_of(repository).list("", 1, "", reader=READER).next_page_token

    page = catalog_of(repository).list("", 1, token, reader=READER)

    assert [role.role_name for role in page.items] == ["b"]


def test_all_violations_of_a_list_are_reported_at_once(catalog: RoleCatalog) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        catalog.list("nobody", 1_001, "", name_prefix="a_", tags={"": ""}, reader=READER)

    assert [v.field for v in caught.value.violations] == ["account_id", "page_size", "name_prefix", "tags"]


@pytest.mark.parametrize("size", [-1, 1_001])
def test_a_page_has_a_limit(catalog: RoleCatalog, size: int) -> None:
    create(catalog)

    with pytest.raises(InvalidFieldsError, match="0 to 1000"):
        catalog.list("", size, "", reader=READER)
    with pytest.raises(InvalidFieldsError, match="0 to 1000"):
        catalog.revisions("App", size, "", reader=HISTORY_READER)


def test_a_page_ends_early_when_a_message_would_be_full(catalog: RoleCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: dict[str, Any] = {"description": "é" * 1_000, "tags": {"k": "v" * 200}}
    size = len(create(catalog, "a", **texts).document) + 2_000 + 201
    for name in ("b", "c", "d"):
        create(catalog, name, **texts)

    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 2 * size)
    two_at_a_time = names(catalog, 3)
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 1)
    one_at_a_time = names(catalog, 3)

    assert two_at_a_time == [["a", "b"], ["c", "d"]]
    assert one_at_a_time == [["a"], ["b"], ["c"], ["d"]]


def sized(size: int) -> Role:
    """Return a role of which the texts take so many bytes."""
    return Role(
        role_id="1", account_id=ACCOUNT, role_name="App", document="é" * 500, create_time=Micros(1), update_time=Micros(1),
        revision=Revision(1), description="d" * (size - 1_010), tags={"éé": "vv", "k": "vvv"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "fitting"),
    [
        ([1 << 20, 1 << 20, 2_000], 2),
        ([1 << 20, (1 << 20) + 1], 1),
        ([(2 << 20) + 1, 2_000], 1),
        ([2_000] * 3, 3),
        ([], 0),
    ],
)
def test_a_page_has_two_mebibytes_of_texts_and_at_least_one_item(sizes: list[int], fitting: int) -> None:
    roles = [sized(size) for size in sizes]

    assert [pages.size_of(role) for role in roles] == sizes
    assert pages._fitting(roles) == fitting


def test_a_page_has_a_hundred_items_unless_another_size_is_given(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    def work(transaction: Transaction) -> None:
        for number in range(101):
            transaction.put(ChangeKind.CREATED, replace(sized(2_000), role_name=f"r{number}", role_id=str(number)))

    repository.transact(author(), work)
    for _ in range(101):
        catalog.update(UpdateRole(role="r0", description=new_id()), author(), SCOPE)

    lists = (
        catalog.list("", 0, "", reader=READER),
        catalog.revisions("r0", 0, "", reader=HISTORY_READER),
        catalog.changes(ChangeFilters(), 0, "", CHANGE_READER),
    )

    assert [len(page.items) for page in lists] == [100] * 3
    assert all(page.next_page_token for page in lists)


def test_revisions_come_in_pages_with_the_newest_first(catalog: RoleCatalog) -> None:
    create(catalog)
    create(catalog, "Other")
    for n in range(3):
        catalog.update(UpdateRole(role="App", description=str(n)), author(n, change_reason=f"why {n}"), SCOPE)

    first = catalog.revisions("app", 3, "", reader=HISTORY_READER)
    last = catalog.revisions("app", 3, first.next_page_token, reader=HISTORY_READER)

    assert [item.revision for item in (*first.items, *last.items)] == [5, 4, 3, 1]
    assert [item.change.kind.value for item in (*first.items, *last.items)] == ["UPDATED"] * 3 + ["CREATED"]
    assert first.items[0].author.change_reason == "why 2"
    assert (last.next_page_token, last.revision) == ("", 5)


def test_revisions_of_a_role_that_never_was_are_not_found(catalog: RoleCatalog) -> None:
    other = create(catalog, "Other")

    with pytest.raises(RoleNotFoundError):
        catalog.revisions("App", 0, "", reader=HISTORY_READER)
    with pytest.raises(RoleNotFoundError, match=f"`{other.role_id}`"):
        catalog.revisions("App", 0, "", role_id=other.role_id, reader=HISTORY_READER)


def test_a_deleted_role_has_its_revisions_until_another_has_its_name(catalog: RoleCatalog) -> None:
    first = create(catalog)
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)
    deleted = catalog.revisions("App", 0, "", reader=HISTORY_READER)
    second = create(catalog)

    assert [item.change.kind.value for item in deleted.items] == ["DELETED", "CREATED"]
    assert [item.revision for item in catalog.revisions("App", 0, "", reader=HISTORY_READER).items] == [3]
    for role, revisions in ((first, [2, 1]), (second, [3])):
        page = catalog.revisions("app", 0, "", role_id=role.role_id, reader=HISTORY_READER)
        assert [item.revision for item in page.items] == revisions


def test_a_role_id_is_checked_before_the_store_is_read(catalog: RoleCatalog) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        catalog.revisions("App", 1_001, "", role_id="1\0", reader=HISTORY_READER)

    assert [v.field for v in caught.value.violations] == ["role_id", "page_size"]


def test_a_token_of_revisions_is_valid_for_that_role_only(catalog: RoleCatalog) -> None:
    for name in ("a", "b"):
        create(catalog, name)
        catalog.update(UpdateRole(role=name, description="x"), author(), SCOPE)
    token = catalog.revisions("a", 1, "", reader=HISTORY_READER).next_page_token

    with pytest.raises(InvalidTokenError):
        catalog.revisions("b", 1, token, reader=HISTORY_READER)
