"""The use cases of role administration.

What needs no state is checked before a transaction begins; everything else within it, so that the checked state is the state that
is written. Methods block; callers run them on a worker thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits
from rolecall.policy.linting.findings import Severity
from rolecall.roles.accounts import Accounts
from rolecall.roles.apply import Application
from rolecall.roles.change import Author, ChangeKind, RoleRevision
from rolecall.roles.change_pages import ChangeFilters, ChangePages, ChangeReader, ChangesPage
from rolecall.roles.commands import (
    ApplyRoles,
    CreateRole,
    DeleteRole,
    Page,
    RoleDifference,
    RollbackRole,
    UndeleteRole,
    UpdateRole,
    Written,
)
from rolecall.roles.content import Content
from rolecall.roles.declarations import DeclarationRules, raise_if_any
from rolecall.roles.documents import DocumentRules
from rolecall.roles.errors import (
    InvalidFieldsError,
    RevisionNotKeptError,
    RoleExistsError,
    RoleLimitError,
    RoleNotFoundError,
    StaleEtagError,
)
from rolecall.roles.fields import author_violations, etag_violations, revision_violations, role_id_violations
from rolecall.roles.idempotency import (
    DIFFERENCES_OUTCOME,
    NO_OUTCOME,
    ROLE_OUTCOME,
    OutcomeFormat,
    Write,
    rehearse,
    write_once,
)
from rolecall.roles.pages import HistoryReader, Reader, RolePages, named_role
from rolecall.roles.proven import KnownRoles, ProvenWrites, Writes
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.roles.rights import RoleAccess, WriteScope
from rolecall.roles.role import Revision, Role, RoleRef
from rolecall.roles.tokens import Tokens
from rolecall.roles.undelete import deleted_role, require_undelete

NO_ROLE = RoleRef("", "")
"""Stands for a name that is none, after which a write does not come to its work."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogOptions:
    """The limit of roles in an account, and the severities of linter findings that block a write (none by default)."""

    max_roles_per_account: int = 1_000_000
    lint_blocks: frozenset[Severity] = frozenset()


class RoleCatalog:
    """Creates, changes and lists the roles of a repository.

    Every write raises what the rights of its scope raise, before any other error. It raises `InvalidFieldsError` or
    `InvalidPolicyError` for a malformed request, `IdempotencyMismatchError` for a request id that was used with another body, and
    `StoreUnavailableError`. With `validate_only` it does every check and
    writes nothing: the returned role then has no id if it would be created, and revision 0 if it would change.
    """

    def __init__(
        self,
        repository: RoleRepository,
        accounts: Accounts,
        limits: Limits,
        options: CatalogOptions | None = None,
        *,
        tokens: Tokens | None = None,
        known: KnownRoles | None = None,
    ) -> None:
        """Without `tokens` they are made from the key and the incarnation of the repository, which must be available.

        With the roles that are `known`, writes raise `AlteredRolesError` instead of changing a role that no server wrote.
        """
        self._writes: Writes = repository if known is None else ProvenWrites(repository, known)
        self._accounts = accounts
        self._options = options or CatalogOptions()
        self._rules = DeclarationRules(accounts, DocumentRules(limits, self._options.lint_blocks))
        tokens = tokens or Tokens(repository.token_key, repository.head().incarnation)
        self._pages = RolePages(repository, accounts, tokens)
        self._change_pages = ChangePages(repository, accounts, tokens)

    def create(self, command: CreateRole, author: Author, scope: WriteScope) -> Written[Role]:
        """Create a role; raise `RoleExistsError` or `RoleLimitError`."""
        # Of a role that exists nothing is read, so that a refusal does not show whether it does.
        access = RoleAccess(ref=self._rules.name_of(command), document=command.document, tags=command.tags)

        def judge(_: Transaction) -> None:
            scope.rights.require_create(access)

        write = Write(command=command, author=author, scope=scope.name, judge=judge)
        with self._judged_if_invalid(write):
            declared = self._rules.declared(command, author_violations(author), author.time)

        def work(transaction: Transaction) -> Role:
            if existing := transaction.role(declared.ref.key):
                raise RoleExistsError(existing.arn)
            role_id = "" if command.validate_only else transaction.new_role_id()
            revision = _stamp(transaction, command)
            role = declared.content.new_role(declared.ref, role_id=role_id, revision=revision, time=author.time)
            transaction.put(ChangeKind.CREATED, role)
            self._require_room(transaction, [role.account_id])
            return role

        return self._write(write, work, ROLE_OUTCOME)

    def update(self, command: UpdateRole, author: Author, scope: WriteScope) -> Written[Role]:
        """Change a role, or nothing if it already has the given content; raise `RoleNotFoundError` or `StaleEtagError`."""
        named, violations = named_role(self._accounts, command.role)

        def judge(transaction: Transaction) -> None:
            before = _existing(transaction, named)
            document = command.document if command.document is not None or before is None else before.document
            scope.rights.require_update(
                RoleAccess(ref=named, before=before, document=document, tags=command.tags or {})
            )

        write = Write(command=command, author=author, scope=scope.name, judge=judge)
        violations += [*author_violations(author), *etag_violations(command.etag)]
        ref = named or NO_ROLE
        with self._judged_if_invalid(write):
            self._rules.require_valid_update(command, ref, violations, author.time)

        def work(transaction: Transaction) -> Role:
            role = _current(transaction, ref, command.etag)
            content = _updated(Content.of(role), command)
            return _changed(transaction, role, content, author, _stamp(transaction, command))

        return self._write(write, work, ROLE_OUTCOME)

    def delete(self, command: DeleteRole, author: Author, scope: WriteScope) -> Written[None]:
        """Delete a role; raise `RoleNotFoundError` or `StaleEtagError`."""
        named, violations = named_role(self._accounts, command.role)

        def judge(transaction: Transaction) -> None:
            scope.rights.require_delete(RoleAccess(ref=named, before=_existing(transaction, named)))

        write = Write(command=command, author=author, scope=scope.name, judge=judge)
        with self._judged_if_invalid(write):
            raise_if_any([*violations, *author_violations(author), *etag_violations(command.etag)])

        def work(transaction: Transaction) -> None:
            transaction.delete(_current(transaction, named or NO_ROLE, command.etag))

        return self._write(write, work, NO_OUTCOME)

    def undelete(self, command: UndeleteRole, author: Author, scope: WriteScope) -> Written[Role]:
        """Restore a deleted role; raise `RoleExistsError`, `RoleNotFoundError` or `RoleLimitError`.

        Raise `InvalidPolicyError` if the language now refuses its document.
        """
        named, violations = named_role(self._accounts, command.role)
        violations += role_id_violations(command.role_id)

        def judge(transaction: Transaction) -> None:
            require_undelete(transaction, scope.rights, named, command, valid=not violations)

        write = Write(command=command, author=author, scope=scope.name, judge=judge)
        with self._judged_if_invalid(write):
            raise_if_any([*violations, *author_violations(author)])

        def work(transaction: Transaction) -> Role:
            ref = named or NO_ROLE
            deleted = deleted_role(transaction, ref, command.role_id)
            self._rules.require_valid_document(deleted.document, ref, author.time)
            role = replace(deleted, revision=_stamp(transaction, command), update_time=author.time)
            transaction.put(ChangeKind.CREATED, role)
            self._require_room(transaction, [role.account_id])
            return role

        return self._write(write, work, ROLE_OUTCOME)

    def rollback(self, command: RollbackRole, author: Author, scope: WriteScope) -> Written[Role]:
        """Restore a role; raise `RoleNotFoundError`, `StaleEtagError` or `RevisionNotKeptError`.

        Raise `InvalidPolicyError` if the language now refuses the document of that revision, `BrokenHistoryError` if another
        program has altered the write of it.
        """
        named, violations = named_role(self._accounts, command.role)

        def judge(transaction: Transaction) -> None:
            scope.rights.require_update(_restoring(transaction, named, command.revision))

        write = Write(command=command, author=author, scope=scope.name, judge=judge)
        violations += [*author_violations(author), *etag_violations(command.etag)]
        with self._judged_if_invalid(write):
            raise_if_any([*violations, *revision_violations(command.revision)])

        def work(transaction: Transaction) -> Role:
            ref = named or NO_ROLE
            role = _current(transaction, ref, command.etag)
            content = Content.of(_kept_version(transaction, role, Revision(command.revision)))
            self._rules.require_valid_document(content.document, ref, author.time)
            return _changed(transaction, role, content, author, transaction.revision)

        return self._write(write, work, ROLE_OUTCOME)

    def apply(self, command: ApplyRoles, author: Author, scope: WriteScope) -> Written[tuple[RoleDifference, ...]]:
        """Make the roles match their declarations in one write, all or nothing; raise `RoleLimitError`."""
        application = Application(command, self._rules, scope.rights)
        write = Write(command=command, author=author, scope=scope.name, judge=application.judge)
        with self._judged_if_invalid(write):
            all_declared = self._rules.all_declared(command, author_violations(author), author.time)

        def work(transaction: Transaction) -> tuple[RoleDifference, ...]:
            differences = application.apply(transaction, all_declared, author.time)
            created = (
                declared.ref.account_id
                for declared, difference in zip(all_declared, differences, strict=False)
                if difference.kind is ChangeKind.CREATED
            )
            self._require_room(transaction, set(created))
            return differences

        written = self._write(write, work, DIFFERENCES_OUTCOME)
        return replace(written, result=application.shown(written.result))

    def list(
        self,
        account_id: str,
        page_size: int,
        page_token: str,
        name_prefix: str = "",
        tags: Mapping[str, str] | None = None,
        *,
        reader: Reader,
    ) -> Page[Role]:
        """Return a page of an account's roles in order of their names, without those that may not be read.

        Raise `InvalidFieldsError`, or `InvalidTokenError` for a token of another list.
        """
        return self._pages.roles(
            account_id, page_size, page_token, name_prefix=name_prefix, tags=tags or {}, reader=reader
        )

    def revisions(
        self, role: str, page_size: int, page_token: str, *, role_id: str = "", reader: HistoryReader
    ) -> Page[RoleRevision]:
        """Return a page of a role's history, the newest first; raise as `list` does, and `RoleNotFoundError`.

        Without a `role_id` it is the role that has the name, or else that had it last.
        """
        return self._pages.revisions(role, role_id, page_size, page_token, reader)

    def changes(self, filters: ChangeFilters, page_size: int, page_token: str, reader: ChangeReader) -> ChangesPage:
        """Return a page of the changes that the filters select, without those that may not be read.

        Raise as `list` does, and `RevisionNotKeptError` if the stored history begins later.
        """
        return self._change_pages.page(filters, page_size, page_token, reader)

    def _write(self, write: Write, work: Callable[[Transaction], T], outcome: OutcomeFormat[T]) -> Written[T]:
        if not isinstance(write.command, RollbackRole) and write.command.validate_only:
            return rehearse(self._writes, write, work)
        return write_once(self._writes, write, work, outcome)

    @contextmanager
    def _judged_if_invalid(self, write: Write) -> Iterator[None]:
        """Judge the rights of a write that proves invalid before its violations are raised."""
        try:
            yield
        except (InvalidFieldsError, InvalidPolicyError):
            rehearse(self._writes, write, lambda _: None)
            raise

    def _require_room(self, transaction: Transaction, account_ids: Iterable[str]) -> None:
        limit = self._options.max_roles_per_account
        for account_id in sorted(account_ids):
            if transaction.count(account_id) > limit:
                raise RoleLimitError(account_id, limit)


def _stamp(transaction: Transaction, command: CreateRole | UpdateRole | UndeleteRole) -> Revision:
    return Revision(0) if command.validate_only else transaction.revision


def _existing(transaction: Transaction, ref: RoleRef | None) -> Role | None:
    return None if ref is None else transaction.role(ref.key)


def _restoring(transaction: Transaction, ref: RoleRef | None, revision: int) -> RoleAccess:
    """Return the access of a rollback: what it sets is what the role had at that revision."""
    before = _existing(transaction, ref)
    # A revision that no store can have is refused later, and must not reach this one.
    valid = not revision_violations(revision)
    version = transaction.role_at(before.role_id, Revision(revision)) if before and valid else None
    if version is None:
        return RoleAccess(ref=ref, before=before)
    return RoleAccess(ref=ref, before=before, document=version.document, tags=version.tags)


def _current(transaction: Transaction, ref: RoleRef, etag: str) -> Role:
    role = transaction.role(ref.key)
    if role is None:
        raise RoleNotFoundError(ref.arn)
    if etag and etag != role.etag:
        raise StaleEtagError(role.arn, given=etag, current=role.etag)
    return role


def _updated(content: Content, command: UpdateRole) -> Content:
    given = {name: getattr(command, name) for name in Content._fields}
    return content._replace(**{name: value for name, value in given.items() if value is not None})


def _changed(transaction: Transaction, role: Role, content: Content, author: Author, revision: Revision) -> Role:
    if content == Content.of(role):
        return role
    changed = content.onto(role, revision=revision, time=author.time)
    transaction.put(ChangeKind.UPDATED, changed)
    return changed


def _kept_version(transaction: Transaction, role: Role, revision: Revision) -> Role:
    version = transaction.role_at(role.role_id, revision)
    if version is not None:
        # What is restored becomes what a server wrote, so it must be what a server wrote.
        transaction.require_unaltered(revision)
        return version
    floor = transaction.floor().revision
    if revision <= floor:
        message = f"revision {revision} is not stored: history begins after {floor}"
    else:
        message = f"revision {revision} is not one of role `{role.arn}`; list its revisions to find one"
    raise RevisionNotKeptError(revision, floor=floor, message=message)
