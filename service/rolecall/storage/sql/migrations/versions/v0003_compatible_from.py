"""The schema says which is the oldest schema whose software still works on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column. A later migration that takes something away sets it to its own number."""
    op.add_column("counter", sa.Column("compatible_from", sa.Integer, nullable=False, server_default="3"))
