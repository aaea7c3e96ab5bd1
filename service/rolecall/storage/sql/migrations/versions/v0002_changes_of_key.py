"""Changes are found by the key of their role, too."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
CHANGES_PER_READ = 1_000

_changes = sa.table("changes", *map(sa.column, ("revision", "ordinal", "body", "role_key")))
_place = sa.tuple_(_changes.c.revision, _changes.c.ordinal)
_next = sa.select(_changes.c.revision, _changes.c.ordinal, _changes.c.body).order_by(
    _changes.c.revision, _changes.c.ordinal
)
_name = (
    sa.update(_changes)
    .where(_changes.c.revision == sa.bindparam("at"), _changes.c.ordinal == sa.bindparam("nth"))
    .values(role_key=sa.bindparam("key"))
)


def upgrade() -> None:
    """Add the column, fill it from what each change says, and index it."""
    op.add_column("changes", sa.Column("role_key", IDENTIFIER, nullable=False, server_default=""))
    connection, after = op.get_bind(), (-1, -1)
    while rows := connection.execute(_next.where(_place > after).limit(CHANGES_PER_READ)).all():
        connection.execute(_name, [{"at": at, "nth": nth, "key": _key(body)} for at, nth, body in rows])
        after = (rows[-1][0], rows[-1][1])
    op.create_index("changes_of_key", "changes", ["role_key", "revision"])


def _key(body: bytes) -> str:
    role = json.loads(body)["role"]
    return f"{role['account_id']}/{role['role_name'].lower()}"
