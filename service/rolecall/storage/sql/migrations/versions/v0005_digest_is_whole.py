"""The digest of the roles is computed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_counter = sa.table("counter", sa.column("digest", sa.LargeBinary))
_digesting = sa.table("digesting", sa.column("digest", sa.LargeBinary))


def upgrade() -> None:
    """Store the digest, and remove the table with the progress."""
    op.execute(sa.update(_counter).values(digest=sa.select(_digesting.c.digest).scalar_subquery()))
    op.drop_table("digesting")
