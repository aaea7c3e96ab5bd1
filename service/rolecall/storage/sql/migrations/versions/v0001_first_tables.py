"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _one_row_tables()
    _role_tables()
    _log_tables()


def _one_row_tables() -> None:
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("incarnation", IDENTIFIER, nullable=False),
        sa.Column("token_key", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "counter",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("next_role_id", NUMBER, nullable=False),
    )
    op.create_table(
        "floor",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


def _role_tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", IDENTIFIER, primary_key=True),
        sa.Column("roles", NUMBER, nullable=False),
    )
    op.create_table(
        "roles",
        sa.Column("key", IDENTIFIER, primary_key=True),
        sa.Column("account_id", IDENTIFIER, nullable=False),
        sa.Column("role_name", IDENTIFIER, nullable=False),
        sa.Column("role_id", IDENTIFIER, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("max_session_duration_seconds", sa.Integer, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("create_time", NUMBER, nullable=False),
        sa.Column("update_time", NUMBER, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
    )
    op.create_table(
        "role_tags",
        sa.Column("tag_key", IDENTIFIER, nullable=False),
        sa.Column("tag_value", IDENTIFIER, nullable=False),
        sa.Column("role_key", IDENTIFIER, nullable=False),
        sa.PrimaryKeyConstraint("tag_key", "tag_value", "role_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("role_tags_of_role", "role_tags", ["role_key"])


def _log_tables() -> None:
    op.create_table(
        "commits",
        sa.Column("revision", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("time", NUMBER, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("role_id", IDENTIFIER, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("revision", "ordinal"),
    )
    op.create_index("changes_of_role", "changes", ["role_id", "revision"])
    op.create_table(
        "requests",
        sa.Column("scope", IDENTIFIER, nullable=False),
        sa.Column("request_id", IDENTIFIER, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.LargeBinary, nullable=False),
        sa.Column("time", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id"),
    )
    op.create_index("requests_by_time", "requests", ["time"])
