"""The list of changes, a page at a time: what was changed when, by whom and why.

A page ends when it is full, or when it has examined a bounded number of changes. Its token says which change was examined last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rolecall.roles.accounts import Accounts
from rolecall.roles.change import LAST_ORDINAL, ChangeKind, LoggedChange, LogPosition, LogSpan
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.fields import (
    actor_violations,
    name_prefix_violations,
    page_size_violations,
    start_revision_violations,
)
from rolecall.roles.limits import MAX_ACCOUNTS_LISTED
from rolecall.roles.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_BYTES, HistoryReader, named_role, size_of
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision, Role, RoleRef
from rolecall.roles.tokens import Tokens

CHANGES_PER_PAGE = 1_000
"""The most changes that are examined for a page."""

CHANGES_PER_READ = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilters:
    """Which changes are listed: those that every given filter selects. The names are as the caller wrote them."""

    start_revision: int = 0
    account_ids: tuple[str, ...] = ()
    name_prefix: str = ""
    role: str = ""
    kinds: frozenset[ChangeKind] = frozenset()
    actor: str = ""
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class ChangeReader:
    """Who lists changes. `may_read` gets a role as it stands, or for a deleted one its last state.

    `by_tags`: whether that depends on the tags of the role, for which its state is looked up. `history` requires the right on a
    role that the filters name.
    """

    history: HistoryReader
    may_read: Callable[[Role], bool]
    by_tags: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesPage:
    """A page of changes. `revision` is the newest that was examined, `oldest` the oldest that is stored."""

    items: tuple[LoggedChange, ...]
    next_page_token: str
    revision: Revision
    oldest: Revision


class ChangePages:
    """Answers the lists of changes of a repository."""

    def __init__(self, repository: RoleRepository, accounts: Accounts, tokens: Tokens) -> None:
        self._repository, self._accounts, self._tokens = repository, accounts, tokens

    def page(self, filters: ChangeFilters, size: int, token: str, reader: ChangeReader) -> ChangesPage:
        """Return a page of changes, without those that may not be read.

        Raise `InvalidFieldsError`, `RevisionNotKeptError` if the list starts before the stored history, or `InvalidTokenError`.
        """
        selection = self._selection(filters, size, reader)
        bound = ("ListChanges", reader.history.scope, *selection.bound(filters))
        cursor = _position(self._tokens.cursor_of(token, filter=bound)) if token else None
        head, oldest = self._repository.head().revision, Revision(self._repository.floor().revision + 1)
        span = _span(filters, oldest, head, cursor)
        page = _FilledPage(size or DEFAULT_PAGE_SIZE)
        standing = _StandingRoles(self._repository) if reader.by_tags else None
        last = page.fill(self._logged(span, selection.key, standing), _listing(selection, reader, standing))
        next_token = self._tokens.page(_text(last), filter=bound) if last else ""
        return ChangesPage(items=tuple(page.items), next_page_token=next_token, revision=head, oldest=oldest)

    def _selection(self, filters: ChangeFilters, size: int, reader: ChangeReader) -> _Selection:
        """Return what the filters select, after requiring the right on a role that they name."""
        ref, violations = named_role(self._accounts, filters.role) if filters.role else (None, [])
        if filters.role:
            reader.history.require(ref, self._standing(ref) if ref else None)
        violations += [
            *page_size_violations(size),
            *start_revision_violations(filters.start_revision),
            *name_prefix_violations(filters.name_prefix),
            *actor_violations(filters.actor),
        ]
        account_ids = frozenset(self._account_ids(filters, violations))
        if violations:
            raise InvalidFieldsError(violations)
        return _Selection(
            account_ids, filters.name_prefix.lower(), ref.key if ref else "", filters.kinds, filters.actor
        )

    def _account_ids(self, filters: ChangeFilters, violations: list[FieldViolation]) -> Iterator[str]:
        if len(filters.account_ids) > MAX_ACCOUNTS_LISTED:
            given = len(filters.account_ids)
            text = f"must have at most {MAX_ACCOUNTS_LISTED} entries, not {given}; leave it out for every account"
            violations.append(FieldViolation(field="account_ids", reason="TOO_MANY_ACCOUNTS", message=text))
            return
        for number, text in enumerate(filters.account_ids):
            try:
                yield self._accounts.account_id(text)
            except InvalidFieldsError as error:
                violations += [replace(v, field=f"account_ids[{number}]") for v in error.violations]

    def _standing(self, ref: RoleRef) -> Role | None:
        return self._repository.role(ref.key) or self._repository.deleted_role(ref.key, "")

    def _logged(self, span: LogSpan, key: str, standing: _StandingRoles | None) -> Iterator[LoggedChange]:
        """Yield the changes of a span, reading some at a time, and their roles with them if these are needed."""
        while found := self._repository.changes(span, key=key, limit=CHANGES_PER_READ):
            if standing is not None:
                standing.read(found)
            yield from found
            if len(found) < CHANGES_PER_READ:
                return
            span = _rest(span, found[-1].position)


class _StandingRoles:
    """The roles of changes as they stand, or as they last were."""

    def __init__(self, repository: RoleRepository) -> None:
        self._repository = repository
        self._current: dict[str, Role] = {}
        self._deleted: dict[str, Role] = {}

    def read(self, changes: Sequence[LoggedChange]) -> None:
        """Read the existing roles of some changes at once."""
        keys = {logged.change.role.key for logged in changes} - self._current.keys()
        self._current.update(self._repository.examine(sorted(keys)).roles)

    def of(self, role: Role) -> Role:
        """Return a role as it stands, or as it last was."""
        current = self._current.get(role.key)
        if current is not None and current.role_id == role.role_id:
            return current
        if role.role_id not in self._deleted:
            newest = self._repository.history(role.role_id, before=None, limit=1)
            self._deleted[role.role_id] = newest[0].change.role if newest else role
        return self._deleted[role.role_id]


def _listing(
    selection: _Selection, reader: ChangeReader, standing: _StandingRoles | None
) -> Callable[[LoggedChange], bool]:
    """Return what says whether a change is listed."""

    def listed(logged: LoggedChange) -> bool:
        if not selection.selects(logged):
            return False
        role = logged.change.role
        # By the tags that it has now: those of its past neither give a right to its history nor take one.
        return reader.may_read(role if standing is None else standing.of(role))

    return listed


@dataclass(frozen=True, slots=True)
class _Selection:
    """The filters, with names resolved."""

    account_ids: frozenset[str]
    prefix: str
    key: str
    kinds: frozenset[ChangeKind]
    actor: str

    def selects(self, logged: LoggedChange) -> bool:
        role = logged.change.role
        return (
            (not self.account_ids or role.account_id in self.account_ids)
            and role.role_name.lower().startswith(self.prefix)
            and (not self.kinds or logged.change.kind in self.kinds)
            and self.actor in ("", logged.author.actor)
        )

    def bound(self, filters: ChangeFilters) -> tuple[str, ...]:
        """Return the filters as texts, to which a page token is bound."""
        kinds, account_ids = ",".join(sorted(self.kinds)), ",".join(sorted(self.account_ids))
        order = "newest first" if filters.newest_first else "oldest first"
        return (str(filters.start_revision), order, self.key, self.prefix, self.actor, kinds, account_ids)


class _FilledPage:
    """Collects the changes of a page until it is full."""

    def __init__(self, limit: int) -> None:
        self._limit, self._bytes = limit, 0
        self.items: list[LoggedChange] = []

    def fill(self, changes: Iterator[LoggedChange], listed: Callable[[LoggedChange], bool]) -> LogPosition | None:
        """Collect the listed ones of `changes`. Return the position of the last one examined; None if there are no more."""
        last: LogPosition | None = None
        for examined, logged in enumerate(changes):
            if examined == CHANGES_PER_PAGE:
                return last
            if listed(logged) and not self._take(logged):
                return last
            last = logged.position
        return None

    def _take(self, logged: LoggedChange) -> bool:
        """Collect a change; return False if there is no room for it. The first one always has room."""
        size = size_of(logged.change.role)
        if self.items and (len(self.items) == self._limit or self._bytes + size > MAX_PAGE_BYTES):
            return False
        self.items.append(logged)
        self._bytes += size
        return True


def _span(filters: ChangeFilters, oldest: Revision, head: Revision, cursor: LogPosition | None) -> LogSpan:
    first = filters.start_revision or oldest
    after, before = LogPosition(Revision(first - 1), LAST_ORDINAL), LogPosition(Revision(head + 1), 0)
    span = LogSpan(after, before, newest_first=filters.newest_first)
    return span if cursor is None else _rest(span, cursor)


def _rest(span: LogSpan, examined: LogPosition) -> LogSpan:
    """Return what follows a position in a span."""
    return replace(span, before=examined) if span.newest_first else replace(span, after=examined)


def _text(position: LogPosition) -> str:
    return f"{position.revision}.{position.ordinal}"


def _position(text: str) -> LogPosition:
    revision, _, ordinal = text.partition(".")
    return LogPosition(Revision(int(revision)), int(ordinal))
