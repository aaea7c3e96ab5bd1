"""The audit of the digest of the roles: it is that of the rows, with every column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from sqlalchemy import bindparam

from rolecall.roles.digest import StateDigest
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_log import AnyRow, Pages
from rolecall.storage.sql.queries import read_head, select_roles
from rolecall.storage.sql.tables import roles

ATTEMPTS = 3
ROLES_PER_PAGE = 2_000

_ROLES = select_roles().where(roles.c.key > bindparam("after")).order_by(roles.c.key).limit(ROLES_PER_PAGE)


def check_digest(pages: Pages, findings: Findings) -> None:
    """Add a finding if the rows do not have the digest of the head.

    If servers write during each of `ATTEMPTS` attempts, the last one is one transaction, for which writers of a SQLite file wait.
    """
    for _ in range(ATTEMPTS):
        before, digest = _head(pages), _digest(pages)
        if before.revision == _head(pages).revision:
            return _compare(before, digest, findings)
    with pages() as connection:
        whole: Pages = lambda: nullcontext(connection)  # noqa: E731  (a name for what is passed on)
        return _compare(_head(whole), _digest(whole), findings)


def _compare(head: Head, digest: bytes, findings: Findings) -> None:
    if head.digest != digest:
        findings.add(
            head.revision,
            f"the roles are not those that servers wrote up to revision {head.revision}: they have another digest",
        )


def _head(pages: Pages) -> Head:
    with pages() as connection:
        return read_head(connection)


def _digest(pages: Pages) -> bytes:
    digest = StateDigest()
    for rows in _rows(pages):
        digest.add_stored(rows)
    return digest.value


def _rows(pages: Pages) -> Iterator[list[AnyRow]]:
    after = ""
    while True:
        with pages() as connection:
            rows = list(connection.execute(_ROLES, {"after": after}).all())
        if not rows:
            return
        yield rows
        after = rows[-1].key
