"""What a transaction returns of roles that differ from those in memory: by the revisions of both, and by the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import AlteredRolesError, StoreUnavailableError
from rolecall.roles.proven import ProvenTransaction
from rolecall.roles.role import Micros, Revision, Role

STORED = Role(
    role_id="7", account_id="1", role_name="App", document="{}", create_time=Micros(1), update_time=Micros(2),
    revision=Revision(3),
)  # fmt: skip
OLDER = replace(STORED, description="older", revision=Revision(2))
KEY = STORED.key


class Store:
    """A transaction of revision 5, and the roles in memory as of another revision."""

    def __init__(self, *, stored: Role | None, logged: Role | None, known: Role | None, seen: int) -> None:
        self.stored, self.logged, self.known = stored, logged, known
        self.revision, self.seen = Revision(5), Revision(seen)

    def role(self, _key: str) -> Role | None:
        return self.stored

    def roles(self, keys: Iterable[str]) -> Mapping[str, Role]:
        return {key: self.stored for key in keys if self.stored}

    def tagged(self, _tags: Mapping[str, str]) -> Iterable[Role]:
        return [self.stored] if self.stored else []

    def role_at(self, role_id: str, revision: Revision) -> Role | None:
        assert (role_id, revision) == (STORED.role_id, STORED.revision)
        return self.logged

    def put(self, _kind: ChangeKind, role: Role) -> None:
        self.stored = role

    def delete(self, _role: Role) -> None:
        self.stored = None


class Known:
    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def revision(self) -> Revision:
        return self._store.seen

    def role(self, key: str) -> Role | None:
        assert key == KEY
        return self._store.known


def proven(**facts: Any) -> ProvenTransaction:
    store: Any = Store(**{"stored": STORED, "logged": STORED, "known": STORED, "seen": 4, **facts})
    return ProvenTransaction(store, Known(store))


READS = {
    "role": lambda transaction: transaction.role(KEY),
    "roles": lambda transaction: transaction.roles([KEY]).get(KEY),
    "tagged": lambda transaction: next(iter(transaction.tagged({"k": "v"})), None),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({}, None),
        ({"known": OLDER, "seen": 2}, None),
        ({"known": None, "seen": 2}, None),
        ({"known": OLDER, "seen": 3}, StoreUnavailableError),
        ({"known": None, "seen": 4}, StoreUnavailableError),
        ({"known": OLDER, "seen": 2, "logged": OLDER}, AlteredRolesError),
        ({"known": OLDER, "seen": 4, "logged": None}, AlteredRolesError),
    ],
)
def test_a_role_that_differs_from_memory_is_proven_by_the_log_and_newer(
    read: Any, facts: dict[str, Any], error: type[Exception] | None
) -> None:
    transaction = proven(**facts)

    if error is None:
        assert read(transaction) == STORED
        return
    with pytest.raises(error) as caught:
        read(transaction)
    assert type(caught.value) is error
    assert f"role `{KEY}` " in str(caught.value)


@pytest.mark.parametrize(("seen", "altered"), [(3, False), (4, True), (5, False)])
@pytest.mark.parametrize("read", [READS["role"], READS["roles"]])
def test_a_role_that_only_memory_has_was_deleted_since_unless_memory_is_as_new(
    read: Any, seen: int, altered: bool
) -> None:
    transaction = proven(stored=None, seen=seen)

    if altered:
        with pytest.raises(AlteredRolesError):
            read(transaction)
    else:
        assert read(transaction) is None


def test_what_a_write_has_put_or_deleted_is_its_own() -> None:
    changed, written, deleted = replace(STORED, description="new"), proven(logged=None), proven(stored=STORED)

    written.put(ChangeKind.UPDATED, changed)
    deleted.delete(STORED)

    assert (written.role(KEY), deleted.role(KEY)) == (changed, None)


@pytest.mark.parametrize(
    ("key", "role_id", "altered"), [(KEY, "", False), (KEY, "7", False), (KEY, "8", True), ("1/other", "7", True)]
)
def test_a_deleted_role_has_the_name_and_the_id_that_it_was_asked_for_with(
    key: str, role_id: str, altered: bool
) -> None:
    transaction: Any = proven()
    transaction._transaction.deleted_role = lambda *asked: STORED if asked == (key, role_id) else None

    if not altered:
        assert transaction.deleted_role(key, role_id) is STORED
        return
    with pytest.raises(AlteredRolesError) as caught:
        transaction.deleted_role(key, role_id)
    assert str(caught.value) == (
        f"the log has a deletion of `{key}` that is of another role; run `rolecall audit verify`"
    )


def test_no_deleted_role_is_none() -> None:
    transaction: Any = proven()
    transaction._transaction.deleted_role = lambda *_: None

    assert transaction.deleted_role(KEY, "7") is None


def test_everything_that_is_not_a_role_of_the_store_is_passed_on_as_it_is() -> None:
    calls: list[tuple[str, Any]] = [
        ("floor", ()),
        ("count", ("1",)),
        ("require_unaltered", (Revision(3),)),
        ("new_role_id", ()),
        ("recall", ("scope", "id")),
        ("remember", ("scope", "id", "outcome")),
    ]
    made, transaction = list[tuple[str, Any]](), proven()

    def answering(name: str) -> Callable[..., str]:
        def answer(*given: object) -> str:
            made.append((name, given))
            return f"result of {name}"

        return answer

    for name, _ in calls:
        setattr(transaction._transaction, name, answering(name))

    results = {name: getattr(transaction, name)(*given) for name, given in calls}

    assert made == calls
    nothing = {"require_unaltered": None, "remember": None}
    assert results == {**{name: f"result of {name}" for name, _ in calls}, **nothing}


@pytest.mark.parametrize("changed", [True, False])
def test_the_revision_of_a_write_and_whether_it_changes_anything_are_those_of_the_store(changed: bool) -> None:
    store: Any = proven()._transaction
    store.changed = changed
    transaction = ProvenTransaction(store, Known(store))

    assert (transaction.revision, transaction.changed) == (5, changed)
