"""The list of changes: its filters, its pages, and what a reader may see of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rolecall.roles import change_pages
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import ChangeKind, LoggedChange, LogPosition, LogSpan, RoleRevision
from rolecall.roles.change_pages import ChangeFilters, ChangeReader, ChangesPage
from rolecall.roles.commands import ApplyRoles, DeleteRole, RoleDeclaration, UpdateRole
from rolecall.roles.errors import InvalidFieldsError, InvalidTokenError, RevisionNotKeptError, RoleError
from rolecall.roles.pages import HistoryReader
from rolecall.roles.repository import Examined, Transaction
from rolecall.roles.role import Micros, Revision, Role, RoleRef
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import ACCOUNT, CHANGE_READER, HISTORY_READER, OTHER_ACCOUNT, POLICY, SCOPE, author, create


class SomeRefusalError(Exception):
    """What a reader without the right gets."""


def pages(
    catalog: RoleCatalog, size: int = 0, *, reader: ChangeReader = CHANGE_READER, **filters: Any
) -> Iterator[ChangesPage]:
    token = ""
    while True:
        page = catalog.changes(ChangeFilters(**filters), size, token, reader)
        yield page
        token = page.next_page_token
        if not token:
            return


def listed(catalog: RoleCatalog, size: int = 0, **filters: Any) -> list[str]:
    """Return what was listed: `REVISION KIND NAME`."""
    return [
        f"{item.position.revision} {item.change.kind.value} {item.change.role.role_name}"
        for page in pages(catalog, size, **filters)
        for item in page.items
    ]


@pytest.fixture
def story(catalog: RoleCatalog) -> RoleCatalog:
    """Return a catalog in which five writes were made."""
    create(catalog, "App", tags={"team": "a"})
    create(catalog, "Other", account_id="prod")
    catalog.update(UpdateRole(role="App", description="x"), author(7, change_reason="why"), SCOPE)
    declared = tuple(RoleDeclaration(role_name=name, document=POLICY) for name in ("Apple", "Pear"))
    catalog.apply(ApplyRoles(declarations=declared), author(source="ci"), SCOPE)
    catalog.delete(DeleteRole(role="App"), author(), SCOPE)
    return catalog


ALL = ["1 CREATED App", "2 CREATED Other", "3 UPDATED App", "4 CREATED Apple", "4 CREATED Pear", "5 DELETED App"]


@pytest.mark.parametrize("size", [0, 1, 2, 5, 6, 7])
def test_changes_are_listed_in_the_order_of_the_log_or_the_newest_first(story: RoleCatalog, size: int) -> None:
    assert listed(story, size) == ALL
    assert listed(story, size, newest_first=True) == ALL[::-1]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"start_revision": 4}, ALL[3:]),
        ({"start_revision": 6}, []),
        ({"start_revision": (1 << 63) - 1}, []),
        ({"account_ids": ("prod",)}, [ALL[1]]),
        ({"account_ids": ("", "prod")}, ALL),
        ({"name_prefix": "aPP"}, [ALL[0], ALL[2], ALL[3], ALL[5]]),
        ({"role": "app"}, [ALL[0], ALL[2], ALL[5]]),
        ({"role": "app", "account_ids": ("prod",)}, []),
        ({"role": "Nobody"}, []),
        ({"kinds": frozenset({ChangeKind.UPDATED, ChangeKind.DELETED})}, [ALL[2], ALL[5]]),
        ({"actor": "alice"}, ALL),
        ({"actor": "Alice"}, []),
        ({"role": "app", "start_revision": 2, "kinds": frozenset({ChangeKind.DELETED})}, [ALL[5]]),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_a_change_is_listed_if_every_filter_selects_it(
    story: RoleCatalog, filters: dict[str, Any], expected: list[str]
) -> None:
    assert listed(story, **filters) == expected
    assert listed(story, 1, newest_first=True, **filters) == expected[::-1]


def test_a_page_names_its_bounds_and_each_change_its_author(story: RoleCatalog) -> None:
    (page,) = pages(story)

    assert (page.revision, page.oldest) == (5, 1)
    assert (page.items[2].author.change_reason, page.items[2].author.time) == ("why", 7)
    assert [item.author.source for item in page.items[3:5]] == ["ci", "ci"]


def test_changes_after_a_page_was_read_are_in_the_list_that_continues_it(story: RoleCatalog) -> None:
    first = story.changes(ChangeFilters(), 4, "", CHANGE_READER)
    create(story, "Later")
    rest = story.changes(ChangeFilters(), 0, first.next_page_token, CHANGE_READER)
    create(story, "Last")
    continued = story.changes(ChangeFilters(start_revision=rest.revision + 1), 0, "", CHANGE_READER)

    assert [item.position.revision for item in (*first.items, *rest.items)] == [1, 2, 3, 4, 4, 5, 6]
    assert [item.change.role.role_name for item in continued.items] == ["Last"]


def test_a_page_ends_when_it_has_examined_enough(story: RoleCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_pages, "CHANGES_PER_PAGE", 2)
    monkeypatch.setattr(change_pages, "CHANGES_PER_READ", 1)

    found = list(pages(story, kinds=frozenset({ChangeKind.DELETED})))

    assert [len(page.items) for page in found] == [0, 0, 1]


def test_a_page_ends_early_when_a_message_would_be_full(story: RoleCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_pages, "MAX_PAGE_BYTES", 1)

    assert [len(page.items) for page in pages(story)] == [1] * 6


@pytest.mark.parametrize(
    ("changes", "reads", "complete"), [(199, 1, True), (200, 2, True), (1_000, 6, True), (1_001, 6, False)]
)
def test_a_page_examines_a_thousand_changes_and_reads_200_at_a_time(
    catalog: RoleCatalog, repository: MemoryRoleRepository, changes: int, reads: int, complete: bool
) -> None:
    def work(transaction: Transaction) -> None:
        for number in range(changes):
            transaction.put(ChangeKind.CREATED, replace(role, role_name=f"r{number}", role_id=f"r{number}"))

    role = Role(
        role_id="", account_id=ACCOUNT, role_name="", document=POLICY, create_time=Micros(1), update_time=Micros(1),
        revision=Revision(1),
    )  # fmt: skip
    repository.transact(author(), work)
    read, spans = repository.changes, list[LogSpan]()

    def counted(span: LogSpan, *, key: str, limit: int) -> list[LoggedChange]:
        assert limit == 200
        spans.append(span)
        return read(span, key=key, limit=limit)

    repository.changes = counted  # type: ignore[method-assign]
    page = catalog.changes(ChangeFilters(kinds=frozenset({ChangeKind.DELETED})), 0, "", CHANGE_READER)

    assert (page.items, bool(page.next_page_token), len(spans)) == ((), not complete, reads)
    # Behind every change of revision 0, and in front of every one of revision 2; a number has 32 bits in every store.
    assert (spans[0].after, spans[0].before) == (LogPosition(Revision(0), (1 << 31) - 1), LogPosition(Revision(2), 0))
    assert [span.after.ordinal for span in spans[1:]] == [199, 399, 599, 799, 999][: reads - 1]


@pytest.mark.parametrize(("over", "items"), [(0, [3, 1]), (1, [2, 2])])
def test_a_page_of_changes_has_two_mebibytes_of_texts(
    catalog: RoleCatalog, repository: MemoryRoleRepository, over: int, items: list[int]
) -> None:
    third = (2 << 20) // 4
    for size in (2 * third, third, third + over, 10):
        role = Role(
            role_id="", account_id=ACCOUNT, role_name=f"r{size}", document="x" * size, create_time=Micros(1),
            update_time=Micros(1), revision=Revision(1),
        )  # fmt: skip
        repository.transact(author(), lambda transaction, role=role: transaction.put(ChangeKind.CREATED, role))  # type: ignore[misc]

    assert [len(page.items) for page in pages(catalog)] == items


def test_every_violation_of_a_list_has_its_reason(story: RoleCatalog) -> None:
    wrong = ChangeFilters(account_ids=("prod",) * 101)

    with pytest.raises(InvalidFieldsError) as caught:
        story.changes(wrong, 0, "", CHANGE_READER)

    assert [(v.field, v.reason, v.message) for v in caught.value.violations] == [
        ("account_ids", "TOO_MANY_ACCOUNTS", "must have at most 100 entries, not 101; leave it out for every account")
    ]
    assert listed(story, account_ids=("prod",) * 100) == [ALL[1]]


def test_the_roles_of_a_page_are_read_at_once_and_the_last_states_of_deleted_ones_once_each(
    story: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    examine, history, read = repository.examine, repository.history, list[object]()

    def examined(keys: Sequence[str]) -> Examined:
        read.append(list(keys))
        return examine(keys)

    def looked_up(role_id: str, *, before: Revision | None, limit: int) -> list[RoleRevision]:
        read.append((before, limit))
        return history(role_id, before=before, limit=limit)

    repository.examine, repository.history = examined, looked_up  # type: ignore[method-assign]
    (page,) = pages(story, reader=ChangeReader(HISTORY_READER, lambda _: True, by_tags=True))

    assert len(page.items) == 6
    assert read == [
        [f"{ACCOUNT}/app", f"{ACCOUNT}/apple", f"{ACCOUNT}/pear", f"{OTHER_ACCOUNT}/other"],
        (None, 1),
    ]


def test_below_the_floor_a_list_says_where_history_begins(story: RoleCatalog, repository: MemoryRoleRepository) -> None:
    begun = story.changes(ChangeFilters(), 1, "", CHANGE_READER)
    repository.prune(keep_after=9_000, keep_revisions=2, forget_requests_before=0)

    assert listed(story) == ALL[3:]
    assert listed(story, newest_first=True) == ALL[:2:-1]
    assert story.changes(ChangeFilters(), 1, "", CHANGE_READER).oldest == 4
    with pytest.raises(RevisionNotKeptError, match="start at 4 or later"):
        listed(story, start_revision=3)
    # A list that was begun before must not skip what was removed since.
    with pytest.raises(RevisionNotKeptError):
        story.changes(ChangeFilters(), 1, begun.next_page_token, CHANGE_READER)


def test_an_empty_store_has_no_changes(catalog: RoleCatalog) -> None:
    (page,) = pages(catalog)

    assert (page.items, page.revision, page.oldest) == ((), 0, 1)


def test_a_page_token_is_valid_for_the_same_list_only(story: RoleCatalog) -> None:
    same = {"account_ids": ("", "prod"), "kinds": frozenset({ChangeKind.CREATED, ChangeKind.DELETED})}
    token = story.changes(ChangeFilters(**same), 1, "", CHANGE_READER).next_page_token  # type: ignore[arg-type]
    others: list[dict[str, Any]] = [
        {**same, "start_revision": 1},
        {**same, "account_ids": ("prod",)},
        {**same, "name_prefix": "a"},
        {**same, "role": "app"},
        {**same, "kinds": frozenset({ChangeKind.CREATED})},
        {**same, "actor": "alice"},
        {**same, "newest_first": True},
    ]

    assert story.changes(ChangeFilters(**same), 9, token, CHANGE_READER).items  # type: ignore[arg-type]
    for other in others:
        with pytest.raises(InvalidTokenError):
            story.changes(ChangeFilters(**other), 1, token, CHANGE_READER)
    stranger = ChangeReader(HistoryReader("bob", HISTORY_READER.require), lambda _: True, by_tags=False)
    with pytest.raises(InvalidTokenError):
        story.changes(ChangeFilters(**same), 1, token, stranger)  # type: ignore[arg-type]


def test_all_violations_of_a_list_are_reported_at_once(story: RoleCatalog) -> None:
    wrong = ChangeFilters(
        role="a/b/c", start_revision=-1, account_ids=("prod", "nobody"), name_prefix="a_", actor="\0" * 3_000
    )

    with pytest.raises(InvalidFieldsError) as caught:
        story.changes(wrong, 1_001, "", CHANGE_READER)

    fields = ["role", "page_size", "start_revision", "name_prefix", "actor", "actor", "account_ids[1]"]
    assert [v.field for v in caught.value.violations] == fields


def test_accounts_have_a_maximum(story: RoleCatalog) -> None:
    with pytest.raises(InvalidFieldsError, match="at most 100 entries, not 101"):
        listed(story, account_ids=("prod",) * 101)


def test_what_may_not_be_read_is_left_out(story: RoleCatalog) -> None:
    reader = ChangeReader(HISTORY_READER, lambda role: role.role_name != "App", by_tags=False)

    assert listed(story, 1, reader=reader) == [ALL[1], ALL[3], ALL[4]]


def test_the_tags_that_count_are_those_that_a_role_has_now_or_had_last(story: RoleCatalog) -> None:
    story.update(UpdateRole(role="Apple", tags={"team": "a"}), author(), SCOPE)
    story.update(UpdateRole(role="Apple", tags={"team": "b"}), author(), SCOPE)
    reader = ChangeReader(HISTORY_READER, lambda role: role.tags.get("team") == "a", by_tags=True)
    others = ChangeReader(HISTORY_READER, lambda role: role.tags.get("team") == "b", by_tags=True)

    assert listed(story, reader=reader) == [ALL[0], ALL[2], ALL[5]]
    assert listed(story, reader=others) == [ALL[3], "6 UPDATED Apple", "7 UPDATED Apple"]


@pytest.mark.parametrize("role", ["App", "Other", "Apple", "a/b/c"])
def test_the_right_on_a_role_that_is_named_is_required_before_anything_else(story: RoleCatalog, role: str) -> None:
    asked: list[tuple[RoleRef | None, Role | None]] = []

    def refuse(ref: RoleRef | None, standing: Role | None) -> None:
        asked.append((ref, standing))
        raise SomeRefusalError

    reader = ChangeReader(HistoryReader("alice", refuse), lambda _: True, by_tags=False)
    with pytest.raises(SomeRefusalError):
        story.changes(ChangeFilters(role=role, start_revision=-1), -1, "x", reader)

    ref, standing = asked[0]
    assert (ref is None) == (role == "a/b/c")
    # A deleted role is judged as it last was, one that never was by its name alone.
    assert (standing is None) == (role in ("Other", "a/b/c"))


def test_a_token_of_another_list_is_refused(story: RoleCatalog) -> None:
    token = story.revisions("App", 1, "", reader=HISTORY_READER).next_page_token

    with pytest.raises(RoleError):
        story.changes(ChangeFilters(), 1, token, CHANGE_READER)
