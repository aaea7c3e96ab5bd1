"""Writing once: a request id that comes again gets the outcome of the first time, whatever has happened since.

1. The id is looked up in the scope of its caller and method, within the transaction that writes.
2. Known, with the same body: the outcome that was kept is the answer. With another body: `IdempotencyMismatchError`.
3. Unknown: the work is done, and its outcome is kept if and only if the write commits, also when it changed nothing.
   Failures keep nothing, since the transaction that they end keeps nothing.
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
from rolecall.roles.repository import Remembered, RoleRepository, Transaction
from rolecall.roles.role import Revision, Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutcomeForm(Generic[T]):
    """How the result of a write is kept: to JSON and back."""

    form: Callable[[T], object]
    result: Callable[[object], T]


class _KeptOutcome(TypedDict):
    revision: int
    result: object


def _differences_form(differences: tuple[RoleDifference, ...]) -> list[list[str]]:
    """differences = [[kind, arn, diff?], ...]; without a diff it is the one that was left out, as it is for most of very many."""
    return [
        [d.kind.value, d.role_arn] if d.diff == LEFT_OUT else [d.kind.value, d.role_arn, d.diff] for d in differences
    ]


def _differences_of_form(form: object) -> tuple[RoleDifference, ...]:
    return tuple(
        RoleDifference(kind=ChangeKind(kind), role_arn=arn, diff=diff[0] if diff else LEFT_OUT)
        for kind, arn, *diff in cast(list[list[str]], form)
    )


ROLE_OUTCOME: OutcomeForm[Role] = OutcomeForm(role_form, lambda form: role_of_form(cast(RoleForm, form)))
NO_OUTCOME: OutcomeForm[None] = OutcomeForm(lambda _: None, lambda _: None)
DIFFERENCES_OUTCOME: OutcomeForm[tuple[RoleDifference, ...]] = OutcomeForm(_differences_form, _differences_of_form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A write that was asked for: by whom, in which scope of request ids, and the command."""

    command: Command
    author: Author
    scope: str


def write_once(
    repository: RoleRepository, request: Request, work: Callable[[Transaction], T], outcome: OutcomeForm[T]
) -> Written[T]:
    """Do `work` in a transaction, unless the request was done before: then return what it came to."""
    digest = fingerprint(request) if request.author.request_id else b""

    def once(transaction: Transaction) -> Written[T]:
        if remembered := _recalled(transaction, request):
            return _replayed(remembered, digest, request, outcome)
        written = _worked(transaction, work)
        if request.author.request_id:
            kept = Remembered(digest, _kept(written, outcome))
            transaction.remember(request.scope, _id(request), kept)
        return written

    written, commit = repository.transact(request.author, once)
    return replace(written, commit=commit)


def rehearse(repository: RoleRepository, author: Author, work: Callable[[Transaction], T]) -> Written[T]:
    """Do `work` in a transaction that is then rolled back; return what it came to, at the state it found."""

    def rehearsed(transaction: Transaction) -> NoReturn:
        raise _RehearsedError(work(transaction), Revision(transaction.revision - 1))

    try:
        repository.transact(author, rehearsed)
    except _RehearsedError as rehearsal:
        return Written(result=cast(T, rehearsal.result), revision=rehearsal.revision)
    raise AssertionError("a rehearsal was committed")


def fingerprint(request: Request) -> bytes:
    """Return a digest of all that the caller sent but the request id itself."""
    digest = hashlib.sha256()
    for part in _parts(request):
        body = canonical(part)
        digest.update(len(body).to_bytes(8, "big"))
        digest.update(body)
    return digest.digest()


class _RehearsedError(Exception):
    """Carries a result out of a transaction that must not commit."""

    def __init__(self, result: object, revision: Revision) -> None:
        self.result, self.revision = result, revision
        super().__init__()


def _recalled(transaction: Transaction, request: Request) -> Remembered | None:
    return transaction.recall(request.scope, _id(request)) if request.author.request_id else None


def _worked(transaction: Transaction, work: Callable[[Transaction], T]) -> Written[T]:
    result = work(transaction)
    revision = transaction.revision if transaction.changed else Revision(transaction.revision - 1)
    return Written(result=result, revision=revision)


def _kept(written: Written[T], outcome: OutcomeForm[T]) -> bytes:
    kept: _KeptOutcome = {"revision": written.revision, "result": outcome.form(written.result)}
    return canonical(kept)


def _replayed(remembered: Remembered, digest: bytes, request: Request, outcome: OutcomeForm[T]) -> Written[T]:
    if remembered.fingerprint != digest:
        raise IdempotencyMismatchError(request.author.request_id)
    kept = cast(_KeptOutcome, json.loads(remembered.outcome))
    return Written(result=outcome.result(kept["result"]), revision=Revision(kept["revision"]), replayed=True)


def _id(request: Request) -> str:
    # One UUID has spellings in both cases.
    return request.author.request_id.lower()


def _parts(request: Request) -> Iterator[object]:
    command, author = request.command, request.author
    yield [type(command).__name__, author.change_reason, author.source]
    if isinstance(command, ApplyRoles):
        yield _form(command.prune_tags)
        yield from map(_form, command.declarations)
    else:
        yield _form(command)


def _form(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _form(getattr(value, field.name)) for field in fields(value)}
    return dict(value) if isinstance(value, Mapping) else value
