"""The digest of the roles of a store whose schema had none, computed in steps of a transaction each.

A step continues where the one before it has ended, also in another process. The digest is that of the roles as the log has them: a
role that differs from its last stored change, or that the log does not know, makes every load fail until it is mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, LargeBinary, bindparam, column, func, select, table, update

from rolecall.roles.canonical_json import change_of
from rolecall.roles.change import ChangeKind
from rolecall.roles.digest import StateDigest, StoredRole, stored_role
from rolecall.storage.sql.queries import read_floor, select_roles
from rolecall.storage.sql.rows import readable
from rolecall.storage.sql.tables import IDENTIFIER, changes, roles

ROLES_PER_STEP = 2_000

_digesting = table("digesting", column("after", IDENTIFIER), column("digest", LargeBinary))
_NEXT = select_roles().where(roles.c.key > bindparam("after")).order_by(roles.c.key).limit(ROLES_PER_STEP)
_KEYS: BindParameter[Any] = bindparam("keys")
_LAST = (
    select(changes.c.role_key, func.max(changes.c.revision).label("revision"))
    .where(changes.c.role_key.in_(_KEYS))
    .group_by(changes.c.role_key)
    .subquery()
)
_TYPES = tuple(each.type.python_type for each in roles.c)
_LAST_CHANGES = (
    select(changes.c.role_key, changes.c.body)
    .join(_LAST, (changes.c.role_key == _LAST.c.role_key) & (changes.c.revision == _LAST.c.revision))
    .order_by(changes.c.role_key, changes.c.ordinal)
)


def add_next_roles(connection: Connection) -> bool:
    """Add the next roles to the digest; return False if there are none left."""
    after, so_far = connection.execute(select(_digesting.c.after, _digesting.c.digest)).one()
    rows = connection.execute(_NEXT, {"after": after}).all()
    if not rows:
        return False
    digest = StateDigest(so_far)
    digest.add_stored(_as_logged(connection, rows))
    connection.execute(update(_digesting).values(after=rows[-1].key, digest=digest.value))
    return True


def digest_as_logged(connection: Connection, digest: StateDigest) -> None:
    """Add every role of a store to `digest`, as the log has it."""
    after = ""
    while rows := connection.execute(_NEXT, {"after": after}).all():
        digest.add_stored(_as_logged(connection, rows))
        after = rows[-1].key


def _as_logged(connection: Connection, rows: Sequence[Any]) -> Sequence[StoredRole]:
    floor = read_floor(connection).revision
    last = connection.execute(_LAST_CHANGES, {"keys": [row.key for row in rows]})
    bodies = {row.role_key: row.body for row in last}
    logged = list[StoredRole]()
    for row in rows:
        if row.key in bodies:
            logged += _role_after(bodies[row.key])
        elif tuple(map(type, row)) == _TYPES and row.revision <= floor:
            logged.append(row)
    return logged


def _role_after(body: bytes) -> Sequence[StoredRole]:
    """Return the role that a change left, if it left one and can be read."""
    return readable(_left_by, body) or ()


def _left_by(body: bytes) -> Sequence[StoredRole]:
    change = change_of(body)
    return () if change.kind is ChangeKind.DELETED else [stored_role(change.role)]
