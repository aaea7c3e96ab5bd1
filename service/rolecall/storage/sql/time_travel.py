"""Reads of a role as it was at a revision of a SQL store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from rolecall.roles.canonical_json import change_of
from rolecall.roles.change import Change
from rolecall.roles.role import Revision, Role
from rolecall.storage.as_of import version_as_of
from rolecall.storage.sql.queries import read_floor, select_roles
from rolecall.storage.sql.rows import role_of_row
from rolecall.storage.sql.tables import changes, roles

_OF_ROLE = select(changes.c.body).where(changes.c.role_key == bindparam("role_key")).limit(1)
_LAST = _OF_ROLE.where(changes.c.revision <= bindparam("at")).order_by(
    changes.c.revision.desc(), changes.c.ordinal.desc()
)
_FOLLOWING = _OF_ROLE.where(changes.c.revision > bindparam("at")).order_by(changes.c.revision, changes.c.ordinal)
_NEWEST = select_roles().where(roles.c.key == bindparam("role_key"))


def role_as_of(connection: Connection, key: str, revision: Revision) -> Role | None:
    """Return a role as it was at a revision, in the transaction of the connection."""
    parameters = {"role_key": key, "at": revision}

    def newest() -> Role | None:
        row = connection.execute(_NEWEST, {"role_key": key}).one_or_none()
        return role_of_row(row) if row else None

    return version_as_of(
        revision,
        floor=read_floor(connection).revision,
        last=lambda: _change(connection, _LAST, parameters),
        newest=newest,
        following=lambda: _change(connection, _FOLLOWING, parameters),
    )


def _change(
    connection: Connection, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, object]
) -> Change | None:
    body = connection.execute(statement, parameters).scalar_one_or_none()
    return None if body is None else change_of(body)
