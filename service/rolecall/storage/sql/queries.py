"""Statements that several parts of the SQL store use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, update

from rolecall.roles.digest import DIGEST_BYTES
from rolecall.roles.errors import AlteredRolesError, StoreUnavailableError
from rolecall.roles.repository import Floor, Head
from rolecall.roles.role import Revision
from rolecall.storage.sql.tables import SCHEMA, counter, floor, meta, role_tags, roles

_HEAD = select(meta.c.incarnation, counter.c.revision, counter.c.hash, counter.c.digest).where(
    meta.c.id == counter.c.id
)
TAKE_REVISION = update(counter).values(revision=counter.c.revision + 1)
RETURN_REVISION = update(counter).values(revision=counter.c.revision - 1)
_LOCK_COUNTER = update(counter).values(revision=counter.c.revision)
_COMPATIBLE_FROM = select(counter.c.compatible_from)
_FLOOR = select(floor.c.revision, floor.c.hash)
_AFTER_EVERY_NAME = "~"
"""Sorts after every character of a role's name, so that every name with a prefix lies below `prefix~`."""


def read_head(connection: Connection) -> Head:
    """Return the newest revision of the store and its history."""
    incarnation, revision, hash_, digest = connection.execute(_HEAD).one()
    return Head(incarnation=incarnation, revision=Revision(revision), hash=hash_, digest=digest)


def lock_for_writing(connection: Connection) -> None:
    """Make other writers wait until this transaction ends; raise as `require_writable` does."""
    lock_counter(connection)
    require_writable(connection.execute(_COMPATIBLE_FROM).scalar_one())


def lock_counter(connection: Connection) -> None:
    """Take the row lock that every writer takes first."""
    connection.execute(_LOCK_COUNTER)


def write_and_undo(connection: Connection) -> None:
    """Write a row so that it has the value that it had; every engine then writes to its disk when the transaction commits."""
    # One update with the same value is not enough: SQLite writes no page for it.
    for statement in (TAKE_REVISION, RETURN_REVISION):
        connection.execute(statement)


def require_writable(compatible_from: int) -> None:
    """Raise `StoreUnavailableError` if a migration since the opening has made the schema too new for this version."""
    if compatible_from > SCHEMA:
        raise StoreUnavailableError(
            f"the store accepts writes only from versions that support schema {compatible_from:04} or later,"
            f" this one supports {SCHEMA:04}; update this server"
        )


def require_digest(digest: object) -> bytes:
    """Return the stored digest of the roles; raise `AlteredRolesError` if it is none."""
    if not isinstance(digest, bytes) or len(digest) != DIGEST_BYTES:
        raise AlteredRolesError(
            f"`counter.digest` of the store must be {DIGEST_BYTES} bytes; run `rolecall audit verify`"
        )
    return digest


def read_floor(connection: Connection) -> Floor:
    """Return the newest pruned revision and its hash: the log begins after it."""
    revision, hash_ = connection.execute(_FLOOR).one()
    return Floor(revision=Revision(revision), hash=hash_)


def select_roles() -> Select[*tuple[Any, ...]]:
    """Return the statement that reads whole roles, for `rows.role_of_row`."""
    return select(*roles.c)


def tagged_roles(tags: Mapping[str, str]) -> Select[*tuple[Any, ...]]:
    """Return the statement that reads the roles with all of the tags (at least one), ordered by key."""
    return _carrying(tags)[0]


def listed_roles(
    account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int
) -> Select[*tuple[Any, ...]]:
    """Return the statement that reads an account's roles, ordered by key."""
    prefix = f"{account_id}/{name_prefix}"
    statement, key = _carrying(tags)
    return statement.where(key >= prefix, key < prefix + _AFTER_EVERY_NAME, key > after).limit(limit)


def _carrying(tags: Mapping[str, str]) -> tuple[Select[*tuple[Any, ...]], ColumnElement[str]]:
    """Return the statement that reads the roles with all of the tags, and the column that orders it.

    With tags that is the key in the table of tags, whose index then leads directly to the roles.
    """
    statement, key = select_roles(), roles.c.key
    for tag_key, tag_value in sorted(tags.items()):
        tag = role_tags.alias()
        statement = statement.join(tag, tag.c.role_key == roles.c.key)
        statement = statement.where(tag.c.tag_key == tag_key, tag.c.tag_value == tag_value)
        key = tag.c.role_key
    return statement.order_by(key), key
