"""The same writes on every adapter come to the same state, byte for byte."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.roles.role import Revision
from rolecall.storage import open_repository
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.postgres import PostgresServer
from tests.storage.samples import ACCOUNT, OTHER_ACCOUNT, author, sample
from tests.storage.stores import clear, empty_store

ACCOUNTS = st.sampled_from([ACCOUNT, OTHER_ACCOUNT])
NAMES = st.sampled_from(["a", "A", "ab", "b", "a.b"])
TAGS = st.dictionaries(st.sampled_from(["k", "K"]), st.sampled_from(["", "v", "é"]), max_size=2)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
TIMES = st.integers(0, 20)
LIMITS = st.integers(1, 4)
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "delete", "remember", "fail"]), ACCOUNTS, NAMES, TAGS, TEXT), max_size=4
)
Step = tuple[str, str, str, dict[str, str], str]


class GivenUpError(Exception):
    """Ends a write without a commit."""


def perform(transaction: Transaction, steps: list[Step]) -> list[object]:
    seen: list[object] = [transaction.revision]
    touched = set()
    for action, account_id, name, tags, text in steps:
        key = f"{account_id}/{name.lower()}"
        role = transaction.role(key)
        seen += [role, transaction.count(account_id), list(transaction.tagged(tags)) if tags else None]
        if action == "fail":
            raise GivenUpError
        if action == "remember":
            seen.append(transaction.recall("scope", name))
            transaction.remember("scope", name, Remembered(b"", text.encode()))
        elif key not in touched:
            touched.add(key)
            if action == "put" and role is None:
                transaction.put(
                    ChangeKind.CREATED, sample(transaction, name, account_id=account_id, tags=tags, description=text)
                )
            elif action == "put" and role is not None:
                new = sample(transaction, role.role_name, account_id=account_id, tags=tags, document=text)
                transaction.put(ChangeKind.UPDATED, new)
            elif role is not None:
                transaction.delete(role)
    return [*seen, transaction.changed, transaction.floor()]


class AllStores(RuleBasedStateMachine):
    """Does everything on each kind of store and compares."""

    postgres: ClassVar[tuple[PostgresServer, str]]

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self._stores: list[RoleRepository] = [
            MemoryRoleRepository(),
            open_sqlite(Path(self._directory.name) / "rolecall.db"),
            open_repository(self._cleared()),
        ]

    @rule(steps=STEPS, time=TIMES)
    def write(self, steps: list[Step], time: int) -> None:
        def outcome(store: RoleRepository) -> object:
            try:
                return store.transact(author(time), lambda t: perform(t, steps))
            except GivenUpError:
                return "given up"

        self._same([outcome(store) for store in self._stores])

    @rule(time=TIMES, newest=st.integers(0, 4))
    def prune(self, time: int, newest: int) -> None:
        forgotten = [s.prune(keep_after=time, keep_revisions=newest, forget_requests_before=time) for s in self._stores]

        self._same(forgotten)

    @rule(account_id=ACCOUNTS, after=NAMES, prefix=st.sampled_from(["", "a", "ab", "z"]), tags=TAGS, limit=LIMITS)
    def list_roles(self, account_id: str, after: str, prefix: str, tags: dict[str, str], limit: int) -> None:
        key = f"{account_id}/{after.lower()}"
        lists = [
            store.list_roles(account_id, after=key, name_prefix=prefix, tags=tags, limit=limit)
            for store in self._stores
        ]

        self._same(lists)

    @rule(after=st.integers(0, 12).map(Revision), limit=LIMITS)
    def read_commits(self, after: Revision, limit: int) -> None:
        def commits(store: RoleRepository) -> list[Commit] | str:
            try:
                return store.commits(after=after, limit=limit)
            except RevisionNotKeptError as error:
                return str(error)

        self._same([commits(store) for store in self._stores])

    @rule(before=st.none() | st.integers(0, 12).map(Revision), limit=LIMITS)
    def read_histories(self, before: Revision | None, limit: int) -> None:
        for role in self._stores[0].load():
            self._same([store.history(role.role_id, before=before, limit=limit) for store in self._stores])
            self._same([store.role(role.key) for store in self._stores])

    @invariant()
    def they_stand_alike(self) -> None:
        self._same([(store.head().revision, store.head().hash, store.floor()) for store in self._stores])
        self._same([sorted(store.load(), key=lambda role: role.key) for store in self._stores])

    def teardown(self) -> None:
        for store in self._stores:
            store.close()
        self._directory.cleanup()

    def _cleared(self) -> str:
        server, url = self.postgres
        clear(server, url)
        return url

    def _same(self, answers: Sequence[object]) -> None:
        first, *others = answers
        assert all(other == first for other in others)


AllStores.TestCase.settings = settings(
    max_examples=10, stateful_step_count=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(autouse=True, scope="module")
def database(postgres_server: PostgresServer) -> None:
    AllStores.postgres = postgres_server, empty_store(postgres_server)


TestAllStores = AllStores.TestCase
