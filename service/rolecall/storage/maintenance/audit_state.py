"""The audit of the roles: each against its last change in the log, and the tags and counts of roles against the roles.

Each page is read in one transaction, so servers may write meanwhile: a role, its tags and its last stored change are read together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select, tuple_

from rolecall.policy.wording import quoted
from rolecall.roles.canonical_json import change_of
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Role
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_log import AnyRow, Pages, as_bytes, id_number
from rolecall.storage.sql.queries import read_floor, select_roles
from rolecall.storage.sql.rows import readable, role_of_row
from rolecall.storage.sql.tables import accounts, changes, counter, role_tags, roles

KEYS_PER_PAGE = 500

_ROLES = select_roles().where(roles.c.key > bindparam("after")).order_by(roles.c.key).limit(KEYS_PER_PAGE)
_KEYS: BindParameter[Any] = bindparam("keys")
_TAGS = select(role_tags.c.role_key, role_tags.c.tag_key, role_tags.c.tag_value).where(role_tags.c.role_key.in_(_KEYS))
_LAST = select(changes.c.role_key, func.max(changes.c.revision).label("revision")).group_by(changes.c.role_key)
_LAST_OF_KEYS = _LAST.where(changes.c.role_key.in_(_KEYS)).subquery()
_LAST_CHANGES = (
    select(changes.c.role_key, changes.c.revision, changes.c.body)
    .join(
        _LAST_OF_KEYS,
        (changes.c.role_key == _LAST_OF_KEYS.c.role_key) & (changes.c.revision == _LAST_OF_KEYS.c.revision),
    )
    .order_by(changes.c.role_key, changes.c.ordinal)
)
_CHANGED_KEYS = _LAST.where(changes.c.role_key > bindparam("after")).order_by(changes.c.role_key).limit(KEYS_PER_PAGE)
_PRESENT_KEYS = select(roles.c.key).where(roles.c.key.in_(_KEYS))
_NEXT_ACCOUNT = (
    select(accounts.c.account_id, accounts.c.roles)
    .where(accounts.c.account_id > bindparam("after"))
    .order_by(accounts.c.account_id)
    .limit(1)
)
_NEXT_KEY = select(roles.c.key).where(roles.c.key > bindparam("after")).order_by(roles.c.key).limit(1)
_COUNT = select(func.count()).select_from(roles).where(roles.c.key > bindparam("begin"), roles.c.key < bindparam("end"))
_TAG_POSITION = tuple_(role_tags.c.role_key, role_tags.c.tag_key, role_tags.c.tag_value)
_TAGGED = (
    select(role_tags.c.role_key, role_tags.c.tag_key, role_tags.c.tag_value)
    .where(tuple_(bindparam("after"), bindparam("tag"), bindparam("value")) < _TAG_POSITION)
    .order_by(role_tags.c.role_key, role_tags.c.tag_key, role_tags.c.tag_value)
    .limit(KEYS_PER_PAGE)
)


class StateAudit:
    """One examination of every role, and its counts."""

    def __init__(self, pages: Pages, findings: Findings) -> None:
        self._pages, self._findings = pages, findings
        self.roles = self.older_than_the_log = 0
        self._highest_role_id = 0

    def run(self, on_progress: Callable[[int], object]) -> None:
        """Examine everything; `on_progress` gets the number of roles so far."""
        self._examine_roles(on_progress)
        self._examine_next_role_id()
        self._examine_changed_keys()
        self._examine_accounts()
        self._examine_tagged()

    # --- each role equals its last change in the log, and its tags equal those in the index

    def _examine_roles(self, on_progress: Callable[[int], object]) -> None:
        after = ""
        while True:
            with self._pages() as connection:
                rows = connection.execute(_ROLES, {"after": after}).all()
                self._examine_page(connection, rows)
            if not rows:
                return
            self.roles += len(rows)
            after = rows[-1].key
            on_progress(self.roles)

    def _examine_page(self, connection: Connection, rows: Sequence[AnyRow]) -> None:
        keys = [row.key for row in rows]
        last, tags = _last_changes(connection, keys), _tags(connection, keys)
        floor = read_floor(connection).revision
        for row in rows:
            self._highest_role_id = max(self._highest_role_id, id_number(row.role_id))
            role = readable(_role_of, row)
            if role is None:
                self._findings.add(row.revision, f"role {quoted(row.key)} cannot be read")
                continue
            self._examine_role(row, role, last.get(row.key), floor)
            if tags.get(row.key, set()) != set(role.tags.items()):
                self._findings.add(row.revision, f"role {quoted(row.key)} has other tags in the index than in itself")

    def _examine_role(self, row: AnyRow, role: Role, last: AnyRow | None, floor: int) -> None:
        name = f"role {quoted(row.key)}"
        if row.key != role.key:
            self._findings.add(row.revision, f"{name} is stored with a key that is not its own, {quoted(role.key)}")
        if last is None:
            self.older_than_the_log += 1
            if row.revision > floor:
                self._findings.add(
                    row.revision, f"{name} is of revision {row.revision}, but the log has no change of it"
                )
            return
        change = readable(change_of, as_bytes(last.body))
        if change is None:
            return  # The walk over the log has reported it.
        if change.kind is ChangeKind.DELETED:
            self._findings.add(last.revision, f"{name} exists, but commit {last.revision} deleted it")
        elif differing := _differing(role, change.role):
            self._findings.add(last.revision, f"{name} is not as commit {last.revision} left it: {differing}")

    # --- no role has an id that the store would assign again

    def _examine_next_role_id(self) -> None:
        # Read after the roles: it only grows, so it is above the id of every role that was read.
        with self._pages() as connection:
            following = connection.execute(select(counter.c.next_role_id)).scalar_one()
        if following <= self._highest_role_id:
            self._findings.add(
                None, f"the store would assign role id {following} again: roles have ids up to {self._highest_role_id}"
            )

    # --- no role is missing that the log did not delete

    def _examine_changed_keys(self) -> None:
        after = ""
        while True:
            with self._pages() as connection:
                rows = connection.execute(_CHANGED_KEYS, {"after": after}).all()
                self._examine_missing(connection, [row.role_key for row in rows])
            if not rows:
                return
            after = rows[-1].role_key

    def _examine_missing(self, connection: Connection, keys: Sequence[str]) -> None:
        present = set(connection.execute(_PRESENT_KEYS, {"keys": keys}).scalars()) if keys else set()
        missing = [key for key in keys if key not in present]
        for key, last in _last_changes(connection, missing).items():
            change = readable(change_of, as_bytes(last.body))
            if change is not None and change.kind is not ChangeKind.DELETED:
                self._findings.add(
                    last.revision, f"role {quoted(key)} is missing, but commit {last.revision} did not delete it"
                )

    # --- the stored counts of roles are right

    def _examine_accounts(self) -> None:
        for account_id in self._accounts():
            with self._pages() as connection:
                stored = connection.execute(
                    select(accounts.c.roles).where(accounts.c.account_id == account_id)
                ).scalar()
                begin, end = _keys_of(account_id)
                found = connection.execute(_COUNT, {"begin": begin, "end": end}).scalar_one()
            if (stored or 0) != found:
                self._findings.add(
                    None, f"account {quoted(account_id)} is counted with {stored or 0} roles, but has {found}"
                )

    def _accounts(self) -> Iterator[str]:
        """Yield every account that has a count or a role, each once, in order."""
        after = ""
        while True:
            with self._pages() as connection:
                counted = connection.execute(_NEXT_ACCOUNT, {"after": after}).one_or_none()
                key = connection.execute(_NEXT_KEY, {"after": _keys_of(after)[1] if after else ""}).scalar_one_or_none()
            names = [counted.account_id] if counted else []
            names += [key.partition("/")[0]] if key else []
            following = [name for name in names if name > after]
            if not following:
                return
            after = min(following)
            yield after

    # --- no tag in the index belongs to a missing role

    def _examine_tagged(self) -> None:
        position = {"after": "", "tag": "", "value": ""}
        while True:
            with self._pages() as connection:
                rows = connection.execute(_TAGGED, position).all()
                keys = sorted({row.role_key for row in rows})
                present = set(connection.execute(_PRESENT_KEYS, {"keys": keys}).scalars()) if keys else set()
            for key in keys:
                if key not in present:
                    self._findings.add(None, f"there are tags of a role {quoted(key)}, but no such role")
            if not rows:
                return
            position = {"after": rows[-1].role_key, "tag": rows[-1].tag_key, "value": rows[-1].tag_value}


def _role_of(row: AnyRow) -> Role:
    """Return the role of a row; raise `TypeError` if a tag is not text."""
    role = role_of_row(row)
    if not all(isinstance(value, str) for value in role.tags.values()):
        raise TypeError
    return role


def _last_changes(connection: Connection, keys: Sequence[str]) -> Mapping[str, AnyRow]:
    """Return the last stored change of each role, by key; if a commit has several, the last of them."""
    if not keys:
        return {}
    return {row.role_key: row for row in connection.execute(_LAST_CHANGES, {"keys": keys})}


def _tags(connection: Connection, keys: Sequence[str]) -> Mapping[str, set[tuple[str, str]]]:
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for key, name, value in connection.execute(_TAGS, {"keys": keys}) if keys else ():
        found[key].add((name, value))
    return found


def _keys_of(account_id: str) -> tuple[str, str]:
    """Return the bounds of all keys of an account, both exclusive: `0` is the character after `/`."""
    return f"{account_id}/", f"{account_id}0"


def _differing(role: Role, other: Role) -> str:
    names = [field.name for field in fields(Role) if getattr(role, field.name) != getattr(other, field.name)]
    return ", ".join(names) + (" differs" if len(names) == 1 else " differ") if names else ""
