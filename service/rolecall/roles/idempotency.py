"""Idempotent writes: a repeated request id gets the outcome of the first time, whatever has changed since.

1. Within the transaction of the write, its author's rights are judged first: an outcome is for those who may still write.
2. The id is looked up in the scope of its caller and method.
3. A known id with the same body returns the stored outcome; with another body it raises `IdempotencyMismatchError`.
4. With an unknown id the work is done, and its outcome is stored if and only if the write commits, also when it changed
   nothing. A failed write stores nothing, since its transaction is rolled back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Generic, NoReturn, TypedDict, TypeVar, cast

from rolecall.roles.canonical_json import RoleForm, canonical, role_form, role_of_form
from rolecall.roles.change import Author, ChangeKind
from rolecall.roles.commands import ApplyRoles, Command, RoleDifference, Written
from rolecall.roles.differences import LEFT_OUT
from rolecall.roles.errors import IdempotencyMismatchError
from rolecall.roles.proven import Writes
from rolecall.roles.repository import Remembered, Transaction
from rolecall.roles.role import Revision, Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutcomeFormat(Generic[T]):
    """Converts the result of a write to JSON, and back."""

    form: Callable[[T], object]
    result: Callable[[object], T]


class _StoredOutcome(TypedDict):
    revision: int
    result: object


def _differences_form(differences: tuple[RoleDifference, ...]) -> list[list[str]]:
    """differences = [[kind, arn, diff?], ...]; a diff that was left out is not stored."""
    return [
        [d.kind.value, d.role_arn] if d.diff == LEFT_OUT else [d.kind.value, d.role_arn, d.diff] for d in differences
    ]


def _differences_of_form(form: object) -> tuple[RoleDifference, ...]:
    return tuple(
        RoleDifference(kind=ChangeKind(kind), role_arn=arn, diff=diff[0] if diff else LEFT_OUT)
        for kind, arn, *diff in cast(list[list[str]], form)
    )


ROLE_OUTCOME: OutcomeFormat[Role] = OutcomeFormat(role_form, lambda form: role_of_form(cast(RoleForm, form)))
NO_OUTCOME: OutcomeFormat[None] = OutcomeFormat(lambda _: None, lambda _: None)
DIFFERENCES_OUTCOME: OutcomeFormat[tuple[RoleDifference, ...]] = OutcomeFormat(_differences_form, _differences_of_form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write that a caller requests: its command, its author, the scope of its request id, and what judges its rights.

    `judge` is called in the transaction, before anything else, and raises an error if a right is missing.
    """

    command: Command
    author: Author
    scope: str
    judge: Callable[[Transaction], None]


def write_once(
    repository: Writes, write: Write, work: Callable[[Transaction], T], outcome: OutcomeFormat[T]
) -> Written[T]:
    """Run `work` in a transaction; return the stored outcome instead if the request id is known."""
    digest = fingerprint(write) if write.author.request_id else b""

    def once(transaction: Transaction) -> Written[T]:
        write.judge(transaction)
        if known := _recalled(transaction, write):
            return _replayed(known, digest, write, outcome)
        written = _worked(transaction, work)
        if write.author.request_id:
            remembered = Remembered(digest, _stored(written, outcome))
            transaction.remember(write.scope, _id(write), remembered)
        return written

    written, commit = repository.transact(write.author, once)
    return replace(written, commit=commit)


def rehearse(repository: Writes, write: Write, work: Callable[[Transaction], T]) -> Written[T]:
    """Run `work` in a transaction that is then rolled back; return its result and the revision of the state that it found."""

    def rehearsed(transaction: Transaction) -> NoReturn:
        write.judge(transaction)
        raise _RehearsedError(work(transaction), Revision(transaction.revision - 1))

    try:
        repository.transact(write.author, rehearsed)
    except _RehearsedError as rehearsal:
        return Written(result=cast(T, rehearsal.result), revision=rehearsal.revision)
    raise AssertionError("a rehearsal was committed")


def fingerprint(write: Write) -> bytes:
    """Return a digest of everything that the caller sent, without the request id."""
    digest = hashlib.sha256()
    for part in _parts(write):
        body = canonical(part)
        digest.update(len(body).to_bytes(8, "big"))
        digest.update(body)
    return digest.digest()


class _RehearsedError(Exception):
    """Carries a result out of a transaction that must not commit."""

    def __init__(self, result: object, revision: Revision) -> None:
        self.result, self.revision = result, revision


def _recalled(transaction: Transaction, write: Write) -> Remembered | None:
    return transaction.recall(write.scope, _id(write)) if write.author.request_id else None


def _worked(transaction: Transaction, work: Callable[[Transaction], T]) -> Written[T]:
    result = work(transaction)
    revision = transaction.revision if transaction.changed else Revision(transaction.revision - 1)
    return Written(result=result, revision=revision)


def _stored(written: Written[T], outcome: OutcomeFormat[T]) -> bytes:
    stored: _StoredOutcome = {"revision": written.revision, "result": outcome.form(written.result)}
    return canonical(stored)


def _replayed(remembered: Remembered, digest: bytes, write: Write, outcome: OutcomeFormat[T]) -> Written[T]:
    if remembered.fingerprint != digest:
        raise IdempotencyMismatchError(write.author.request_id)
    stored = cast(_StoredOutcome, json.loads(remembered.outcome))
    return Written(result=outcome.result(stored["result"]), revision=Revision(stored["revision"]), replayed=True)


def _id(write: Write) -> str:
    # The case of a UUID does not matter.
    return write.author.request_id.lower()


def _parts(write: Write) -> Iterator[object]:
    command, author = write.command, write.author
    yield [type(command).__name__, author.change_reason, author.source]
    if isinstance(command, ApplyRoles):
        yield _form(command.prune_tags)
        # Only if there are any, so that a request from before they existed has the same digest.
        if command.prune_accounts:
            yield ["prune_accounts", *command.prune_accounts]
        yield from map(_form, command.declarations)
    else:
        yield _form(command)


def _form(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _form(getattr(value, field.name)) for field in fields(value)}
    return dict(value) if isinstance(value, Mapping) else value
