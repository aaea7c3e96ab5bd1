"""The repository on a SQL database of any engine; a `Driver` adds what is specific to an engine.

Any thread may call any method: each call takes a connection of its own from the pool. Each read is one short transaction, which
sees a consistent state.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from rolecall.roles.change import Author, Commit, LoggedChange, LogSpan, RoleRevision
from rolecall.roles.digest import StateDigest, StoredRole
from rolecall.roles.errors import AlteredRolesError, RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Examined, Floor, Head, Notifications, Transaction
from rolecall.roles.role import Revision, Role
from rolecall.storage.sql.history import commits_after, require_newest, role_history
from rolecall.storage.sql.logged_changes import changes_of_span, last_deleted
from rolecall.storage.sql.queries import (
    listed_roles,
    lock_for_writing,
    read_floor,
    read_head,
    select_roles,
    write_and_undo,
)
from rolecall.storage.sql.retention import prune_commits
from rolecall.storage.sql.rows import role_of_row
from rolecall.storage.sql.tables import accounts, meta, requests, roles
from rolecall.storage.sql.time_travel import role_as_of
from rolecall.storage.sql.transaction import SqlTransaction

T = TypeVar("T")

WRITES = "rolecall_writes"
"""The execution option of a connection that will write: engines may begin such a transaction differently."""

ROLES_PER_READ = 500
MAX_SHARED_VALUES = 10_000

_ROLE = select_roles().where(roles.c.key == bindparam("role_key"))
_ROLES = select_roles().where(roles.c.key.in_(bindparam("keys")))
_LOAD = select_roles().where(roles.c.key > bindparam("after")).order_by(roles.c.key).limit(ROLES_PER_READ)
_SIZE = select(func.coalesce(func.sum(accounts.c.roles), 0))
_CENSUS = select(func.count()).select_from(roles)
_TOKEN_KEY = select(meta.c.token_key)


class Driver(Protocol):
    """What is specific to an engine."""

    @property
    def exclusive(self) -> bool:
        """Return whether no other server can write while the store is open here."""
        ...

    def notify(self, connection: Connection, revision: Revision) -> None:
        """Notify other servers of a write if and when its transaction commits."""
        ...

    def notifications(self) -> Notifications | None:
        """Return the notifications of other servers' commits, None if the engine has none."""
        ...

    def unavailable_error(self, error: SQLAlchemyError) -> StoreUnavailableError | None:
        """Return the error that the caller gets, or None if `error` is a programming mistake of ours."""
        ...

    def require_room(self) -> None:
        """Raise `StoreUnavailableError` if the disk is known to have no room for a write."""
        ...

    def shorten_timeouts(self) -> None:
        """Shorten all waits for the database from now on; running transactions are not aborted."""
        ...

    def release(self) -> None:
        """Release what the opening acquired, such as a lock file."""
        ...


class SqlRoleRepository:
    """Stores roles in the tables of a database."""

    def __init__(self, engine: Engine, driver: Driver) -> None:
        self._engine, self._driver = engine, driver
        self._writer = threading.Lock()
        self._closed = self._released = False
        self._cached_key: tuple[str, bytes] | None = None

    @property
    def token_key(self) -> bytes:
        """Return the key that authenticates tokens; it is cached, and read again when `head` has found another incarnation."""
        return self._cached_key[1] if self._cached_key else self._head_and_key()[1]

    @property
    def exclusive(self) -> bool:
        """Return whether no other server can write."""
        return self._driver.exclusive

    def head(self) -> Head:
        """Return the newest revision of the store and its history."""
        return self._head_and_key()[0]

    def floor(self) -> Floor:
        """Return the newest pruned revision and its hash."""
        with self._reading() as connection:
            return read_floor(connection)

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` in a write transaction; commit if it returns."""
        with self._writing() as connection:
            transaction = SqlTransaction(connection, author)
            result = work(transaction)
            commit = transaction.finish()
            if commit:
                self._driver.notify(connection, commit.revision)
        return result, commit

    def load(self, digest: StateDigest | None = None) -> Iterator[Role]:
        """Yield every role, in several short reads, and add each to `digest` as it is stored."""
        with self._reading() as connection:
            require_newest(connection)
        after, shared = "", dict[object, object]()
        while rows := self._read_page(after):
            yield from _readable(rows, digest, shared)
            after = rows[-1][0]
            if len(shared) > MAX_SHARED_VALUES:
                shared.clear()

    def size(self) -> int:
        """Return how many roles there are."""
        with self._reading() as connection:
            return int(connection.execute(_SIZE).scalar_one())

    def examine(self, keys: Sequence[str]) -> Examined:
        """Return some roles and the head."""
        with self._reading() as connection:
            head = read_head(connection)
            rows = connection.execute(_ROLES, {"keys": list(keys)}).all()
        return Examined(head, {role.key: role for role in map(role_of_row, rows)})

    def census(self) -> tuple[Head, int]:
        """Return the head and the number of roles."""
        with self._reading() as connection:
            return read_head(connection), int(connection.execute(_CENSUS).scalar_one())

    def commits(self, *, after: Revision, limit: int) -> list[Commit]:
        """Return the next commits after a revision."""
        with self._reading() as connection:
            begin = read_floor(connection)
            if after < begin.revision:
                message = f"the commits after revision {after} are not all kept: history begins after {begin.revision}"
                raise RevisionNotKeptError(after, floor=begin.revision, message=message)
            return commits_after(connection, begin, after, limit)

    def role(self, key: str) -> Role | None:
        """Return the newest version of a role."""
        with self._reading() as connection:
            row = connection.execute(_ROLE, {"role_key": key}).one_or_none()
            return role_of_row(row) if row else None

    def role_as_of(self, key: str, revision: Revision) -> Role | None:
        """Return a role as it was at a revision."""
        with self._reading() as connection:
            return role_as_of(connection, key, revision)

    def list_roles(
        self, account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int
    ) -> list[Role]:
        """Return roles of an account in order of their keys."""
        statement = listed_roles(account_id, after=after, name_prefix=name_prefix, tags=tags, limit=limit)
        with self._reading() as connection:
            return [role_of_row(row) for row in connection.execute(statement)]

    def history(self, role_id: str, *, before: Revision | None, limit: int) -> list[RoleRevision]:
        """Return the stored revisions of a role, the newest first."""
        with self._reading() as connection:
            return role_history(connection, role_id, before, limit)

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of a deleted role."""
        with self._reading() as connection:
            return last_deleted(connection, key, role_id)

    def changes(self, span: LogSpan, *, key: str, limit: int) -> list[LoggedChange]:
        """Return changes of a span of the log."""
        with self._reading() as connection:
            return changes_of_span(connection, span, key, limit)

    def prune(self, *, keep_after: int, keep_revisions: int, forget_requests_before: int) -> int:
        """Delete old outcomes of requests, and the oldest commits, in several transactions so that writers get their turn."""
        with self._writing() as connection:
            lock_for_writing(connection)
            connection.execute(delete(requests).where(requests.c.time < forget_requests_before))
        total = 0
        while pruned := self._prune_some(keep_after, keep_revisions):
            total += pruned
        return total

    def try_write(self) -> None:
        """Write without changing anything; raise `StoreUnavailableError` if the store cannot write."""
        self._driver.require_room()
        with self._writing() as connection:
            lock_for_writing(connection)
            write_and_undo(connection)

    def rename_history(self, expected: str) -> Head:
        """Give the history a new incarnation if it still has the expected one."""
        with self._writing() as connection:
            lock_for_writing(connection)
            renaming = update(meta).where(meta.c.incarnation == expected).values(incarnation=str(uuid.uuid4()))
            renamed = connection.execute(renaming).rowcount
            head = read_head(connection)
            if renamed:
                self._driver.notify(connection, head.revision)
        return head

    def notifications(self) -> Notifications | None:
        """Return the notifications of other servers' commits."""
        return self._driver.notifications()

    def close(self) -> None:
        """Accept no new call; close the connections and release the driver after the write in progress."""
        self._closed = True
        self._driver.shorten_timeouts()
        with self._writer:
            if not self._released:
                self._released = True
                self._engine.dispose()
                self._driver.release()

    def _head_and_key(self) -> tuple[Head, bytes]:
        with self._reading() as connection:
            head, cached = read_head(connection), self._cached_key
            if cached is None or cached[0] != head.incarnation:
                cached = head.incarnation, connection.execute(_TOKEN_KEY).scalar_one()
        self._cached_key = cached
        return head, cached[1]

    def _read_page(self, after: str) -> Sequence[StoredRole]:
        with self._reading() as connection:
            return connection.execute(_LOAD, {"after": after}).all()

    def _prune_some(self, keep_after: int, keep_revisions: int) -> int:
        with self._writing() as connection:
            lock_for_writing(connection)
            return prune_commits(connection, keep_after=keep_after, keep_revisions=keep_revisions)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._store_errors(), self._connected() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        # Writes of this process queue here, those of other processes in the database.
        with self._writer, self._store_errors(), self._connected() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            try:
                yield connection
            finally:
                # `close` has closed those that were not in use; this one would stay open, in a pool that nobody knows.
                if self._closed:
                    connection.invalidate()

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            yield
        except SQLAlchemyError as error:
            store_error = self._driver.unavailable_error(error)
            if store_error is None:
                raise
            raise store_error from error


def _readable(rows: Sequence[StoredRole], digest: StateDigest | None, shared: dict[object, object]) -> list[Role]:
    """Return the roles of rows, after adding the rows to `digest`."""
    try:
        if digest is not None:
            digest.add_stored(rows)
        return [role_of_row(row, shared.setdefault) for row in rows]
    except (TypeError, ValueError) as error:
        raise AlteredRolesError(f"a role from `{rows[0][0]}` on cannot be read; run `rolecall audit verify`") from error
