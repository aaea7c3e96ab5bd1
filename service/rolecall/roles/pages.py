"""Lists, a page at a time. A page token says where the next page begins, and is valid for the same list only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rolecall.roles.accounts import Accounts
from rolecall.roles.change import RoleRevision
from rolecall.roles.commands import Page
from rolecall.roles.errors import FieldViolation, InvalidFieldsError, RoleNotFoundError
from rolecall.roles.fields import name_prefix_violations, page_size_violations, role_id_violations, tag_violations
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision, Role, RoleRef
from rolecall.roles.tokens import Tokens

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_BYTES = 2_097_152
"""A page ends early when its texts are larger, so that it fits into a message; it has at least one item."""


@dataclass(frozen=True, slots=True)
class HistoryReader:
    """Who reads the history of a role: the scope of the page tokens, and what requires the right to read it.

    `require` is called on the reading thread before any other error is raised, with the role that the request names (None: it names
    none), and the role as it stands, or for a deleted one its last state; None if there is neither.
    """

    scope: str
    require: Callable[[RoleRef | None, Role | None], None]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a list: the scope of the page tokens, and whether a role may be read. Roles that may not be are left out."""

    scope: str
    may_read: Callable[[Role], bool]


class RolePages:
    """Answers the lists of a repository."""

    def __init__(self, repository: RoleRepository, accounts: Accounts, tokens: Tokens) -> None:
        self._repository, self._accounts, self._tokens = repository, accounts, tokens

    def roles(
        self,
        account: str,
        size: int,
        token: str,
        *,
        name_prefix: str,
        tags: Mapping[str, str],
        reader: Reader,
    ) -> Page[Role]:
        """Return a page of an account's roles in order of their keys: of as many roles as fit, those that may be read."""
        account_id = self._account_id(
            account, [*page_size_violations(size), *name_prefix_violations(name_prefix), *tag_violations(tags)]
        )
        prefix = name_prefix.lower()
        bound = (
            "ListRoles",
            reader.scope,
            account_id,
            prefix,
            *(text for tag in sorted(tags.items()) for text in tag),
        )
        after = self._tokens.cursor_of(token, filter=bound) if token else ""
        revision, limit = self._repository.head().revision, size or DEFAULT_PAGE_SIZE
        found = self._repository.list_roles(account_id, after=after, name_prefix=prefix, tags=tags, limit=limit + 1)
        page = self._page(found, limit, bound, revision, role=_itself, cursor=lambda role: role.key)
        return replace(page, items=tuple(filter(reader.may_read, page.items)))

    def revisions(self, role: str, role_id: str, size: int, token: str, reader: HistoryReader) -> Page[RoleRevision]:
        """Return a page of the history of a role, which may be deleted, the newest first."""
        ref, violations = named_role(self._accounts, role)
        violations += role_id_violations(role_id)
        standing = None if ref is None or violations else self._standing(ref, role_id)
        reader.require(ref, standing)
        violations += page_size_violations(size)
        if ref is None or violations:
            raise InvalidFieldsError(violations)
        if standing is None:
            raise RoleNotFoundError(ref.arn, role_id=role_id, floor=self._repository.floor().revision)
        bound = ("ListRoleRevisions", reader.scope, standing.role_id)
        before = Revision(int(self._tokens.cursor_of(token, filter=bound))) if token else None
        limit, revision = size or DEFAULT_PAGE_SIZE, self._repository.head().revision
        found = self._repository.history(standing.role_id, before=before, limit=limit + 1)
        return self._page(found, limit, bound, revision, role=_its_role, cursor=lambda item: str(item.revision))

    def _standing(self, ref: RoleRef, role_id: str) -> Role | None:
        """Return the role of a name, or with an id that one: as it stands, or as it last was."""
        current = self._repository.role(ref.key)
        if current is not None and role_id in ("", current.role_id):
            return current
        return self._repository.deleted_role(ref.key, role_id)

    def _account_id(self, account: str, violations: Iterable[FieldViolation]) -> str:
        others = list(violations)
        try:
            account_id = self._accounts.account_id(account)
        except InvalidFieldsError as error:
            raise InvalidFieldsError([*error.violations, *others]) from None
        if others:
            raise InvalidFieldsError(others)
        return account_id

    def _page(
        self,
        found: Sequence[T],
        limit: int,
        bound: tuple[str, ...],
        revision: Revision,
        *,
        role: Callable[[T], Role],
        cursor: Callable[[T], str],
    ) -> Page[T]:
        items = tuple(found[: min(limit, _fitting(map(role, found)))])
        more = len(items) < len(found)
        token = self._tokens.page(cursor(items[-1]), filter=bound) if more else ""
        return Page(items=items, next_page_token=token, revision=revision)


def named_role(accounts: Accounts, text: str) -> tuple[RoleRef | None, list[FieldViolation]]:
    """Return the role that a text names, or None and what is wrong with the text."""
    try:
        return accounts.role(text), []
    except InvalidFieldsError as error:
        return None, [*error.violations]


def _fitting(roles: Iterable[Role]) -> int:
    """Return how many of the roles fit into one message: at least one."""
    total = count = 0
    for role in roles:
        total += size_of(role)
        if count and total > MAX_PAGE_BYTES:
            break
        count += 1
    return count


def size_of(role: Role) -> int:
    """Return the bytes of a role's texts."""
    texts = (role.document, role.description, *role.tags.keys(), *role.tags.values())
    return sum(len(text.encode()) for text in texts)


def _itself(role: Role) -> Role:
    return role


def _its_role(revision: RoleRevision) -> Role:
    return revision.change.role
