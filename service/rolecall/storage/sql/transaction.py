"""One write transaction on a SQL store.

Changed roles are buffered and written in batches: before a read that must see them, and at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from sqlalchemy import Connection, Executable, bindparam, delete, insert, select, text, update

from rolecall.roles.canonical_json import change_bytes, change_of, commit_hash, header_bytes
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.digest import StateDigest, stored_role
from rolecall.roles.errors import AlteredRolesError
from rolecall.roles.repository import Floor, Remembered
from rolecall.roles.role import Revision, Role
from rolecall.storage.memory_transaction import role_id_at
from rolecall.storage.sql.history import commits_after
from rolecall.storage.sql.logged_changes import last_deleted
from rolecall.storage.sql.queries import (
    RETURN_REVISION,
    TAKE_REVISION,
    read_floor,
    require_digest,
    require_writable,
    select_roles,
    tagged_roles,
)
from rolecall.storage.sql.rows import role_of_row, role_values, tag_values
from rolecall.storage.sql.tables import accounts, changes, commits, counter, requests, role_tags, roles

KEYS_PER_READ = 500

_POSITION = select(
    counter.c.revision, counter.c.hash, counter.c.digest, counter.c.next_role_id, counter.c.compatible_from
)
_ROLE = select_roles().where(roles.c.key == bindparam("role_key"))
_ROLES = select_roles().where(roles.c.key.in_(bindparam("keys")))
_COUNT = select(accounts.c.roles).where(accounts.c.account_id == bindparam("account"))
# Both engines support this syntax, but SQLAlchemy has no construct that covers both.
_ADD_TO_COUNT = text(
    "INSERT INTO accounts (account_id, roles) VALUES (:account_id, :more)"
    " ON CONFLICT (account_id) DO UPDATE SET roles = accounts.roles + excluded.roles"
)
_REMEMBER = text(
    "INSERT INTO requests (scope, request_id, fingerprint, outcome, time)"
    " VALUES (:scope, :request_id, :fingerprint, :outcome, :time) ON CONFLICT (scope, request_id) DO UPDATE"
    " SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, time = excluded.time"
)
_CHANGE_AT = select(changes.c.body).where(changes.c.role_id == bindparam("id"), changes.c.revision == bindparam("at"))
_REQUEST = (requests.c.scope == bindparam("in_scope")) & (requests.c.request_id == bindparam("id"))
_RECALL = select(requests.c.fingerprint, requests.c.outcome).where(_REQUEST)
_DELETE_ROLES = delete(roles).where(roles.c.key.in_(bindparam("keys"))).returning(*roles.c)
_DELETE_TAGS = delete(role_tags).where(role_tags.c.role_key == bindparam("role_key"))


class SqlTransaction:
    """A write on a connection whose transaction has begun. Call `finish` at the end."""

    def __init__(self, connection: Connection, author: Author) -> None:
        self._connection, self._author = connection, author
        # Before any read: on every engine a write waits here for the write before it, and never in the middle of its work.
        connection.execute(TAKE_REVISION)
        self._revision, self._previous_hash, digest, self._next_role_id, schema = connection.execute(_POSITION).one()
        require_writable(schema)
        self._digest = StateDigest(require_digest(digest))
        self._changes: list[Change] = []
        self._unwritten: dict[str, Role | None] = {}
        self._replaced: list[str] = []
        self._count_changes: Counter[str] = Counter()
        self._remembered: dict[tuple[str, str], Remembered] = {}

    @property
    def revision(self) -> Revision:
        """Return the revision that this write will have."""
        return Revision(self._revision)

    @property
    def changed(self) -> bool:
        """Return whether anything was put or deleted."""
        return bool(self._changes)

    def floor(self) -> Floor:
        """Return the newest pruned revision and its hash."""
        return read_floor(self._connection)

    def role(self, key: str) -> Role | None:
        """Return the newest version of a role."""
        if key in self._unwritten:
            return self._unwritten[key]
        row = self._connection.execute(_ROLE, {"role_key": key}).one_or_none()
        return role_of_row(row) if row else None

    def roles(self, keys: Iterable[str]) -> Mapping[str, Role]:
        """Return the newest versions of many roles."""
        self._write_roles()
        found, remaining = {}, iter(keys)
        while some := list(islice(remaining, KEYS_PER_READ)):
            rows = self._connection.execute(_ROLES, {"keys": some})
            found.update({role.key: role for role in map(role_of_row, rows)})
        return found

    def count(self, account_id: str) -> int:
        """Return how many roles an account has."""
        stored = self._connection.execute(_COUNT, {"account": account_id}).scalar_one_or_none()
        return (stored or 0) + self._count_changes[account_id]

    def tagged(self, tags: Mapping[str, str]) -> Iterable[Role]:
        """Return every role with all of the tags."""
        self._write_roles()
        return [role_of_row(row) for row in self._connection.execute(tagged_roles(tags))]

    def role_at(self, role_id: str, revision: Revision) -> Role | None:
        """Return the role as the write of a revision left it."""
        for change in self._changes_at(role_id, revision):
            if change.role.role_id == role_id and change.kind is not ChangeKind.DELETED:
                return change.role
        return None

    def require_unaltered(self, revision: Revision) -> None:
        """Raise `BrokenHistoryError` if the write of a revision is not as its hash says."""
        commits_after(self._connection, self.floor(), Revision(revision - 1), 1)

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of a deleted role."""
        return last_deleted(self._connection, key, role_id)

    def new_role_id(self) -> str:
        """Return an id that no role of this store has ever had, nor one of a store that it was copied from."""
        role_id = role_id_at(self._author.time, self._next_role_id)
        self._next_role_id = role_id + 1
        return str(role_id)

    def put(self, kind: ChangeKind, role: Role) -> None:
        """Store the newest version of a role."""
        if kind is ChangeKind.CREATED:
            self._count_changes[role.account_id] += 1
        else:
            self._replaced.append(role.key)
        self._unwritten[role.key] = role
        self._changes.append(Change(kind, role))

    def delete(self, role: Role) -> None:
        """Delete a role."""
        self._count_changes[role.account_id] -= 1
        self._replaced.append(role.key)
        self._unwritten[role.key] = None
        self._changes.append(Change(ChangeKind.DELETED, role))

    def recall(self, scope: str, request_id: str) -> Remembered | None:
        """Return the remembered outcome of a request."""
        if noted := self._remembered.get((scope, request_id)):
            return noted
        row = self._connection.execute(_RECALL, {"in_scope": scope, "id": request_id}).one_or_none()
        return Remembered(*row) if row else None

    def remember(self, scope: str, request_id: str, remembered: Remembered) -> None:
        """Remember the outcome of a request."""
        self._remembered[scope, request_id] = remembered

    def finish(self) -> Commit | None:
        """Write everything that is still buffered; return the revision to the counter if nothing was changed."""
        self._write_requests()
        if not self._changes:
            self._connection.execute(RETURN_REVISION)
            return None
        self._write_roles()
        self._write_counts()
        return self._write_commit()

    def _changes_at(self, role_id: str, revision: Revision) -> Iterable[Change]:
        if revision == self._revision:
            return self._changes
        bodies = self._connection.execute(_CHANGE_AT, {"id": role_id, "at": revision}).scalars()
        return map(change_of, bodies)

    def _write_roles(self) -> None:
        put = [role for role in self._unwritten.values() if role is not None]
        for first in range(0, len(self._replaced), KEYS_PER_READ):
            self._delete_roles(self._replaced[first : first + KEYS_PER_READ])
        self._execute_many(_DELETE_TAGS, [{"role_key": key} for key in self._replaced])
        self._digest.add_stored([stored_role(role) for role in put])
        self._execute_many(insert(roles), [role_values(role) for role in put])
        self._execute_many(insert(role_tags), tag_values(put))
        self._unwritten.clear()
        self._replaced.clear()

    def _delete_roles(self, keys: Sequence[str]) -> None:
        try:
            # As they are stored: if another program changed one, the digest keeps the difference, and no load accepts it.
            self._digest.remove_stored(self._connection.execute(_DELETE_ROLES, {"keys": keys}).all())
        except TypeError as error:
            message = f"one of the roles from `{keys[0]}` on cannot be read; run `rolecall audit verify`"
            raise AlteredRolesError(message) from error

    def _write_counts(self) -> None:
        rows = [{"account_id": account_id, "more": more} for account_id, more in self._count_changes.items()]
        self._execute_many(_ADD_TO_COUNT, rows)

    def _write_requests(self) -> None:
        self._execute_many(_REMEMBER, [self._request_values(*remembered) for remembered in self._remembered.items()])

    def _request_values(self, at: tuple[str, str], noted: Remembered) -> dict[str, object]:
        columns = {"scope": at[0], "request_id": at[1], "time": self._author.time}
        return {**columns, "fingerprint": noted.fingerprint, "outcome": noted.outcome}

    def _write_commit(self) -> Commit:
        header, bodies = header_bytes(self.revision, self._author), [change_bytes(change) for change in self._changes]
        new_hash = commit_hash(self._previous_hash, header, bodies)
        row = {"revision": self._revision, "time": self._author.time, "body": header, "hash": new_hash}
        self._connection.execute(insert(commits), row)
        self._execute_many(insert(changes), [self._change_values(*numbered) for numbered in enumerate(bodies)])
        position = {"hash": new_hash, "digest": self._digest.value, "next_role_id": self._next_role_id}
        self._connection.execute(update(counter).values(position))
        return Commit(
            revision=self.revision,
            author=self._author,
            changes=tuple(self._changes),
            hash=new_hash,
            previous_hash=self._previous_hash,
        )

    def _change_values(self, ordinal: int, body: bytes) -> dict[str, object]:
        role = self._changes[ordinal].role
        columns = {"role_id": role.role_id, "role_key": role.key}
        return {"revision": self._revision, "ordinal": ordinal, **columns, "body": body}

    def _execute_many(self, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            self._connection.execute(statement, rows)
