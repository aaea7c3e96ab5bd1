"""Roles and authors for tests of stores, and a chain of hashes computed independently."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rolecall.roles.change import Author, ChangeKind, Commit
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.role import Micros, Role

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
DOCUMENT = '{"Version": "1", "Statement": []}'


def author(time: int = 1_000, *, request_id: str = "", actor: str = "alice") -> Author:
    return Author(actor=actor, time=Micros(time), request_id=request_id, change_reason="because", source="here")


def sample(transaction: Transaction, name: str = "App", *, account_id: str = ACCOUNT, **fields: Any) -> Role:
    role = Role(
        role_id=transaction.new_role_id(),
        account_id=account_id,
        role_name=name,
        document=DOCUMENT,
        create_time=Micros(1_000),
        update_time=Micros(1_000),
        revision=transaction.revision,
    )
    return replace(role, **fields)


def creating(*names: str, account_id: str = ACCOUNT, **fields: Any) -> Callable[[Transaction], list[Role]]:
    def work(transaction: Transaction) -> list[Role]:
        made = [sample(transaction, name, account_id=account_id, **fields) for name in names]
        for role in made:
            transaction.put(ChangeKind.CREATED, role)
        return made

    return work


def create(repository: RoleRepository, *names: str, time: int = 1_000, **fields: Any) -> list[Role]:
    made, _ = repository.transact(author(time), creating(*names, **fields))
    return made


def change(repository: RoleRepository, key: str, *, time: int = 1_000, **fields: Any) -> Role:
    def work(transaction: Transaction) -> Role:
        role = transaction.role(key)
        assert role is not None
        changed = replace(role, revision=transaction.revision, **fields)
        transaction.put(ChangeKind.UPDATED, changed)
        return changed

    return repository.transact(author(time), work)[0]


def remove(repository: RoleRepository, key: str, *, time: int = 1_000) -> None:
    def work(transaction: Transaction) -> None:
        role = transaction.role(key)
        assert role is not None
        transaction.delete(role)

    repository.transact(author(time), work)


def nothing(_: Transaction) -> None:
    return None


def all_commits(repository: RoleRepository) -> list[Commit]:
    found: list[Commit] = []
    after = repository.floor().revision
    while page := repository.commits(after=after, limit=7):
        found += page
        after = page[-1].revision
    return found


def chained_hash(previous: bytes, commit: Commit) -> bytes:
    """Compute a commit's hash from its definition, without the code under test."""
    header: Mapping[str, object] = {
        "revision": commit.revision,
        "actor": commit.author.actor,
        "time": commit.author.time,
        "request_id": commit.author.request_id,
        "change_reason": commit.author.change_reason,
        "source": commit.author.source,
    }
    parts = [header, *({"kind": c.kind.value, "role": _role_form(c.role)} for c in commit.changes)]
    stored = [json.dumps(p, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() for p in parts]
    return hashlib.sha256(previous + b"".join(len(s).to_bytes(8, "big") + s for s in stored)).digest()


def assert_chained(repository: RoleRepository) -> None:
    """Assert that the kept commits are contiguous from the floor to the head, and chained."""
    floor, head = repository.floor(), repository.head()
    previous = floor.hash
    commits = all_commits(repository)
    for commit in commits:
        assert commit.previous_hash == previous
        assert commit.hash == chained_hash(previous, commit)
        previous = commit.hash
    assert [c.revision for c in commits] == list(range(floor.revision + 1, head.revision + 1))
    assert head.hash == previous


def _role_form(role: Role) -> dict[str, object]:
    names = ("role_id", "account_id", "role_name", "document", "create_time", "update_time", "revision", "description")
    form = {name: getattr(role, name) for name in names}
    seconds = role.max_session_duration_seconds
    return {**form, "max_session_duration_seconds": seconds, "tags": dict(role.tags)}
