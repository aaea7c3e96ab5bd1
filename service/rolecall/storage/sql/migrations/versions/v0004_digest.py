"""The store has a digest of its roles, which is computed in steps: `digesting` says how far it is.

From now on no older version writes, because it would not bring the digest forward.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NO_ROLES = bytes(32)

_counter = sa.table("counter", sa.column("compatible_from"), sa.column("digest", sa.LargeBinary))


def upgrade() -> None:
    """Add the column, and the table with the progress."""
    op.add_column("counter", sa.Column("digest", sa.LargeBinary, nullable=False, server_default=""))
    op.execute(sa.update(_counter).values(compatible_from=5, digest=NO_ROLES))
    digesting = op.create_table(
        "digesting",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("after", IDENTIFIER, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(digesting, [{"id": 1, "after": "", "digest": NO_ROLES}])
