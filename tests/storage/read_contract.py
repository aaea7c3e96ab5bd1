"""The part of the contract of a store that is about reads: roles, lists of them, and their history."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.roles.change import ChangeKind
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision
from tests.storage.samples import ACCOUNT, DOCUMENT, OTHER_ACCOUNT, assert_chained, change, create, remove

KEY = f"{ACCOUNT}/app"


class ReadContract:
    """Inherit the tests, and provide an empty `repository` as a fixture."""

    def test_a_role_comes_back_as_it_was_put(self, repository: RoleRepository) -> None:
        document = '{"Version":\t"1",\r\n "Statement" : [{"Sid":"\u00e9 e\u0301 \U0001f600 \u202e"}] }\n'
        fields: dict[str, Any] = {
            "document": document,
            "description": "e\u0301 is not \u00e9; \u4f60\u597d\n'; DROP TABLE roles; --",
            "max_session_duration_seconds": 43_200,
            "tags": {"b": "", "a": "\u00e9", "A": "e\u0301"},
            "create_time": 1,
            "update_time": 1_795_336_506_222_660,
        }
        (role,) = create(repository, "App.v-2", **fields)

        newest = repository.role(f"{ACCOUNT}/app.v-2")

        assert newest == role
        assert newest.document == document
        assert newest.tags == fields["tags"]
        assert list(repository.load()) == [role]
        assert repository.history(role.role_id, before=None, limit=1)[0].change.role == role

    def test_keys_are_compared_byte_by_byte(self, repository: RoleRepository) -> None:
        create(repository, "App")

        assert repository.role(KEY) is not None
        assert repository.role(KEY.upper()) is None
        assert repository.role(f"{ACCOUNT}/app ") is None

    def test_a_deleted_role_is_not_found_but_its_history_is(self, repository: RoleRepository) -> None:
        (first,) = create(repository, "App")
        remove(repository, KEY)
        (second,) = create(repository, "App")

        assert repository.role(KEY) == second
        assert [(r.revision, r.change.kind.value) for r in repository.history(first.role_id, before=None, limit=9)] == [
            (2, "DELETED"),
            (1, "CREATED"),
        ]
        assert [r.revision for r in repository.history(second.role_id, before=None, limit=9)] == [3]

    def test_load_yields_every_role(self, repository: RoleRepository) -> None:
        made = create(repository, *(f"r{n}" for n in range(1_101)))

        loaded = list(repository.load())

        assert {role.key: role for role in loaded} == {role.key: role for role in made}

    def test_the_size_is_the_number_of_roles_of_every_account(self, repository: RoleRepository) -> None:
        empty = repository.size()

        create(repository, "a", "b")
        create(repository, "c", account_id=OTHER_ACCOUNT)
        remove(repository, f"{ACCOUNT}/a")

        assert (empty, repository.size()) == (0, 2)

    def test_roles_with_the_same_tags_are_loaded_with_them(self, repository: RoleRepository) -> None:
        made = create(repository, "a", "b", tags={"team": "pay", "env": "prod"})

        assert {role.key: role.tags for role in repository.load()} == {role.key: role.tags for role in made}

    def test_load_keeps_no_writer_waiting(self, repository: RoleRepository) -> None:
        create(repository, *(f"r{n}" for n in range(1_101)))
        head = repository.head()
        loading = repository.load()
        loaded = {role.key: role for role in [next(loading)]}

        change(repository, f"{ACCOUNT}/r0", description="new")
        remove(repository, f"{ACCOUNT}/r1100")
        create(repository, "zz")
        loaded |= {role.key: role for role in loading}

        for commit in repository.commits(after=head.revision, limit=10):
            for made in commit.changes:
                loaded[made.role.key] = made.role
                if made.kind is ChangeKind.DELETED:
                    del loaded[made.role.key]
        assert loaded == {role.key: role for role in repository.load()}

    def test_commits_come_in_order_and_no_more_than_asked(self, repository: RoleRepository) -> None:
        for n in range(5):
            create(repository, f"r{n}")

        assert [c.revision for c in repository.commits(after=Revision(1), limit=2)] == [2, 3]
        assert [c.revision for c in repository.commits(after=Revision(3), limit=9)] == [4, 5]
        assert repository.commits(after=Revision(5), limit=9) == []
        assert repository.commits(after=Revision(77), limit=9) == []
        assert_chained(repository)

    def test_roles_are_listed_in_order_of_their_keys(self, repository: RoleRepository) -> None:
        create(repository, "b", "B.2", "a-1", "C", "a.1", "a", "A1")
        create(repository, "a", account_id=ACCOUNT + "0")
        create(repository, "a", account_id=ACCOUNT[:-1])

        listed = repository.list_roles(ACCOUNT, after="", name_prefix="", tags={}, limit=100)

        assert [role.role_name for role in listed] == ["a", "a-1", "a.1", "A1", "b", "B.2", "C"]

    def test_a_list_begins_after_a_key(self, repository: RoleRepository) -> None:
        create(repository, "a", "b", "c", "d")

        listed = repository.list_roles(ACCOUNT, after=f"{ACCOUNT}/b", name_prefix="", tags={}, limit=1)

        assert [role.role_name for role in listed] == ["c"]

    def test_a_list_has_the_names_with_the_prefix_only(self, repository: RoleRepository) -> None:
        create(repository, "App", "APPLE", "ap", "app.z", "apq", "b")

        listed = repository.list_roles(ACCOUNT, after=f"{ACCOUNT}/app", name_prefix="app", tags={}, limit=9)

        assert [role.role_name for role in listed] == ["app.z", "APPLE"]
        # A name is a prefix of itself.
        whole = repository.list_roles(ACCOUNT, after="", name_prefix="app", tags={}, limit=9)
        assert [role.role_name for role in whole] == ["App", "app.z", "APPLE"]

    def test_a_list_has_the_roles_with_all_tags_only(self, repository: RoleRepository) -> None:
        create(repository, "a", "b", "c", tags={"team": "x", "env": "1"})
        create(repository, "d", tags={"team": "x"})
        create(repository, "e", tags={"team": "X", "env": "1"})
        create(repository, "f", account_id=OTHER_ACCOUNT, tags={"team": "x", "env": "1"})
        tags = {"team": "x", "env": "1"}

        first = repository.list_roles(ACCOUNT, after="", name_prefix="", tags=tags, limit=2)
        second = repository.list_roles(ACCOUNT, after=first[-1].key, name_prefix="", tags=tags, limit=2)

        assert [role.role_name for role in (*first, *second)] == ["a", "b", "c"]

    def test_history_has_the_newest_first(self, repository: RoleRepository) -> None:
        (role,) = create(repository, "App")
        create(repository, "Other")
        for n in range(3):
            change(repository, KEY, time=n, description=str(n))

        newest = repository.history(role.role_id, before=None, limit=2)
        older = repository.history(role.role_id, before=newest[-1].revision, limit=9)

        assert [r.revision for r in newest] == [5, 4]
        assert [r.revision for r in older] == [3, 1]
        assert [r.author.time for r in newest] == [2, 1]
        assert newest[0].change.role.description == "2"
        assert repository.history("0", before=None, limit=9) == []

    def test_pages_of_large_commits_are_short_and_together_everything(
        self, repository: RoleRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rolecall.storage.sql.history.CHANGES_PER_READ", 3)
        for size, first in ((5, "a"), (1, "b"), (2, "c"), (1, "d"), (4, "e")):
            create(repository, *(f"{first}{n}" for n in range(size)))

        pages = [repository.commits(after=Revision(0), limit=10)]
        while page := repository.commits(after=pages[-1][-1].revision, limit=10):
            pages.append(page)

        assert [commit.revision for page in pages for commit in page] == [1, 2, 3, 4, 5]
        sizes = [[len(commit.changes) for commit in page] for page in pages]
        assert sizes in ([[5], [1, 2], [1], [4]], [[5, 1, 2, 1, 4]])

    def test_documents_are_stored_as_text(self, repository: RoleRepository) -> None:
        twice = '{"Version": "1", "Version": "2"}'
        create(repository, "App", document=twice)
        create(repository, "Plain")

        found = [repository.role(f"{ACCOUNT}/{name}") for name in ("app", "plain")]

        assert [role.document for role in found if role] == [twice, DOCUMENT]
