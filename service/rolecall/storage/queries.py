"""The reads that more than one part of the SQL store needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from rolecall.roles.repository import Floor
from rolecall.roles.role import Revision
from rolecall.storage.tables import floor, role_tags, roles

_FLOOR = select(floor.c.revision, floor.c.hash)
_AFTER_EVERY_NAME = "~"
"""Sorts after every character of a role's name, so that `prefix~` ends the names with that prefix."""


def read_floor(connection: Connection) -> Floor:
    """Return where the kept history begins."""
    revision, hash_ = connection.execute(_FLOOR).one()
    return Floor(revision=Revision(revision), hash=hash_)


def select_roles() -> Select[*tuple[Any, ...]]:
    """Return the read of whole roles, for `rows.role_of_row`."""
    return select(*roles.c)


def tagged_roles(tags: Mapping[str, str]) -> Select[*tuple[Any, ...]]:
    """Return the read of every role that carries all of the tags (at least one), in order of their keys."""
    return _carrying(tags)[0]


def listed_roles(
    account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int
) -> Select[*tuple[Any, ...]]:
    """Return the read of an account's roles in order of their keys."""
    beginning = f"{account_id}/{name_prefix}"
    statement, key = _carrying(tags)
    return statement.where(key >= beginning, key < beginning + _AFTER_EVERY_NAME, key > after).limit(limit)


def _carrying(tags: Mapping[str, str]) -> tuple[Select[*tuple[Any, ...]], ColumnElement[str]]:
    """Return the read of roles with all of the tags, and the column that orders it.

    That is the key in the tags' own index where there is a tag, so that roles without it are never looked at.
    """
    statement, key = select_roles(), roles.c.key
    for tag_key, tag_value in sorted(tags.items()):
        tag = role_tags.alias()
        statement = statement.join(tag, tag.c.role_key == roles.c.key)
        statement = statement.where(tag.c.tag_key == tag_key, tag.c.tag_value == tag_value)
        key = tag.c.role_key
    return statement.order_by(key), key
