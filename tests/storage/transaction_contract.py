"""The part of the contract of a store that is about what a write reads before it is committed."""

from __future__ import annotations

from dataclasses import replace

from rolecall.roles.change import ChangeKind
from rolecall.roles.digest import StateDigest, state_digest
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.role import Revision, Role
from tests.storage.samples import ACCOUNT, OTHER_ACCOUNT, author, change, create, remove, sample

KEY = f"{ACCOUNT}/app"


class TransactionContract:
    """Inherit the tests, and provide an empty `repository` as a fixture."""

    def test_a_write_reads_what_it_has_put(self, repository: RoleRepository) -> None:
        old, gone = create(repository, "Old", "Gone", tags={"team": "a"})

        def work(transaction: Transaction) -> None:
            new = sample(transaction, "New", tags={"team": "a"})
            transaction.put(ChangeKind.CREATED, new)
            transaction.delete(gone)

            assert transaction.role(new.key) == new
            assert transaction.role(gone.key) is None
            assert transaction.roles([new.key, gone.key, old.key, f"{ACCOUNT}/none"]) == {new.key: new, old.key: old}
            assert list(transaction.tagged({"team": "a"})) == [new, old]
            assert transaction.count(ACCOUNT) == 2
            assert transaction.role_at(new.role_id, transaction.revision) == new
            assert transaction.role_at(gone.role_id, transaction.revision) is None
            # And again, after a read of everything.
            assert transaction.role(new.key) == new
            assert transaction.role(gone.key) is None

        repository.transact(author(), work)

    def test_many_roles_are_read_at_once(self, repository: RoleRepository) -> None:
        made = create(repository, *(f"r{n}" for n in range(1_203)))

        found, _ = repository.transact(author(), lambda t: t.roles(role.key for role in made))

        assert found == {role.key: role for role in made}

    def test_tagged_finds_roles_of_every_account_that_carry_all_tags(self, repository: RoleRepository) -> None:
        create(repository, "None")
        create(repository, "Half", tags={"team": "a"})
        create(repository, "Other", tags={"team": "b", "env": "x"})
        (here,) = create(repository, "Both", tags={"team": "a", "env": "x", "more": ""})
        (there,) = create(repository, "Both", account_id=OTHER_ACCOUNT, tags={"team": "a", "env": "x"})

        found, _ = repository.transact(author(), lambda t: list(t.tagged({"team": "a", "env": "x"})))

        assert found == [here, there]

    def test_tags_are_found_as_they_now_are(self, repository: RoleRepository) -> None:
        create(repository, "App", "Gone", tags={"team": "a"})
        change(repository, KEY, tags={"team": "b"})
        remove(repository, f"{ACCOUNT}/gone")

        found, _ = repository.transact(author(), lambda t: [list(t.tagged({"team": x})) for x in "ab"])

        assert [[role.role_name for role in roles] for roles in found] == [[], ["App"]]

    def test_roles_are_counted_by_account(self, repository: RoleRepository) -> None:
        create(repository, "A", "B", "C")
        create(repository, "A", account_id=OTHER_ACCOUNT)
        remove(repository, f"{ACCOUNT}/b")
        change(repository, f"{ACCOUNT}/a", description="changed")

        counts, _ = repository.transact(author(), lambda t: [t.count(a) for a in (ACCOUNT, OTHER_ACCOUNT, "7")])

        assert counts == [2, 1, 0]

    def test_a_write_counts_the_roles_that_it_has_made_and_deleted(self, repository: RoleRepository) -> None:
        a, b, c = create(repository, "A", "B", "C")

        def work(transaction: Transaction) -> list[tuple[int, int]]:
            def counts() -> tuple[int, int]:
                return transaction.count(ACCOUNT), transaction.count(OTHER_ACCOUNT)

            found = [counts()]
            for account_id in (ACCOUNT, ACCOUNT, OTHER_ACCOUNT):
                name = f"r{transaction.count(account_id)}"
                transaction.put(ChangeKind.CREATED, sample(transaction, name, account_id=account_id))
                found.append(counts())
            transaction.put(ChangeKind.UPDATED, replace(a, description="changed"))
            found.append(counts())
            for role in (a, b, c):
                transaction.delete(role)
                found.append(counts())
            return found

        found, _ = repository.transact(author(), work)
        later, _ = repository.transact(author(), lambda t: (t.count(ACCOUNT), t.count(OTHER_ACCOUNT)))

        assert found == [(3, 0), (4, 0), (5, 0), (5, 1), (5, 1), (4, 1), (3, 1), (2, 1)]
        assert later == (2, 1)

    def test_role_at_is_the_role_as_that_write_left_it(self, repository: RoleRepository) -> None:
        (first,) = create(repository, "App")
        create(repository, "Other")
        third = change(repository, KEY, description="third")

        found, _ = repository.transact(author(), lambda t: [t.role_at(first.role_id, Revision(n)) for n in range(6)])

        assert found == [None, first, None, third, None, None]

    def test_role_at_of_a_deletion_is_nothing(self, repository: RoleRepository) -> None:
        (role,) = create(repository, "App")
        remove(repository, KEY)

        found, _ = repository.transact(author(), lambda t: t.role_at(role.role_id, Revision(2)))

        assert found is None

    def test_role_at_is_found_in_what_is_kept_of_the_log(self, repository: RoleRepository) -> None:
        for n in range(3):
            create(repository, f"r{n}")
        (role,) = create(repository, "App")
        changed = change(repository, KEY, description="changed")
        repository.prune(keep_after=2_000, keep_revisions=2, forget_requests_before=0)

        found, _ = repository.transact(author(), lambda t: [t.role_at(role.role_id, Revision(n)) for n in range(7)])

        assert found == [None, None, None, None, role, changed, None]

    def test_what_a_write_has_put_stays_after_it_has_read_everything(self, repository: RoleRepository) -> None:
        first, second, gone = create(repository, "First", "Second", "Gone", tags={"team": "a"})
        digest = StateDigest()

        def work(transaction: Transaction) -> list[Role]:
            put = [replace(first, description="put before the read"), sample(transaction, "New", tags={"team": "a"})]
            transaction.put(ChangeKind.UPDATED, put[0])
            transaction.put(ChangeKind.CREATED, put[1])
            transaction.delete(gone)
            assert list(transaction.tagged({"team": "a"})) == [put[0], put[1], second]
            put += [replace(second, description="after it"), replace(put[1], description="twice", tags={})]
            for role in put[2:]:
                transaction.put(ChangeKind.UPDATED, role)
            assert list(transaction.tagged({"team": "a"})) == [put[0], put[2]]
            assert transaction.count(ACCOUNT) == 3
            return [put[0], put[3], put[2]]

        expected, _ = repository.transact(author(), work)

        assert sorted(repository.load(digest), key=lambda role: role.key) == expected
        assert digest.value == repository.head().digest == state_digest(expected)
        assert repository.transact(author(), lambda t: t.count(ACCOUNT))[0] == repository.size() == 3
