"""The tables of the SQL stores, for every engine.

Identifiers compare byte by byte on every engine: SQLite does so unasked (BINARY), PostgreSQL with `COLLATE "C"`. A trust policy
is TEXT and never JSON, since JSON types keep the last of two members of one name. What is hashed is kept as the bytes that
were hashed. The migrations spell the same tables out; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.types import TypeEngine

METADATA = MetaData()

IDENTIFIER: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

ONE_ROW = 1
"""The key of the row in each table that has but one."""

SCHEMA = 3
"""The number of this version's schema, which is that of the newest migration."""

OLDEST_SCHEMA = 3
"""The oldest schema that this version can work on: what it reads and writes is there since then."""

meta = Table(
    "meta",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("incarnation", IDENTIFIER, nullable=False),
    Column("token_key", LargeBinary, nullable=False),
)
"""Which history this is, and the key of its tokens."""

counter = Table(
    "counter",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", NUMBER, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("next_role_id", NUMBER, nullable=False),
    Column("compatible_from", Integer, nullable=False, server_default=str(OLDEST_SCHEMA)),
)
"""Where the store stands. Every write updates this row first, so writes come one after the other on every engine.

`compatible_from` is the `SCHEMA` of the oldest version that can still work on the tables as they are: a migration that takes
something away raises it. It stands here because every write reads this row, and waits for the migration that changes it.
"""

floor = Table(
    "floor",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", NUMBER, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Where the kept history begins."""

accounts = Table(
    "accounts",
    METADATA,
    Column("account_id", IDENTIFIER, primary_key=True),
    Column("roles", NUMBER, nullable=False),
)
"""How many roles an account has, so that nobody counts a million rows."""

roles = Table(
    "roles",
    METADATA,
    Column("key", IDENTIFIER, primary_key=True),
    Column("account_id", IDENTIFIER, nullable=False),
    Column("role_name", IDENTIFIER, nullable=False),
    Column("role_id", IDENTIFIER, nullable=False),
    Column("document", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("max_session_duration_seconds", Integer, nullable=False),
    Column("tags", Text, nullable=False),
    Column("create_time", NUMBER, nullable=False),
    Column("update_time", NUMBER, nullable=False),
    Column("revision", NUMBER, nullable=False),
)
"""The newest version of every role; `key` begins with the account, `tags` is canonical JSON text."""

role_tags = Table(
    "role_tags",
    METADATA,
    Column("tag_key", IDENTIFIER, nullable=False),
    Column("tag_value", IDENTIFIER, nullable=False),
    Column("role_key", IDENTIFIER, nullable=False),
    PrimaryKeyConstraint("tag_key", "tag_value", "role_key"),
    Index("role_tags_of_role", "role_key"),
    sqlite_with_rowid=False,
)
"""The tags once more, to find roles by them in order of their keys."""

commits = Table(
    "commits",
    METADATA,
    Column("revision", NUMBER, primary_key=True, autoincrement=False),
    Column("time", NUMBER, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""One row for each write; `body` is its header, `time` is taken from it for retention."""

changes = Table(
    "changes",
    METADATA,
    Column("revision", NUMBER, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("role_id", IDENTIFIER, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("role_key", IDENTIFIER, nullable=False, server_default=""),
    PrimaryKeyConstraint("revision", "ordinal"),
    Index("changes_of_role", "role_id", "revision"),
    Index("changes_of_key", "role_key", "revision"),
)
"""What each write did to each role; kind and role are in `body`. `role_key` leads to roles that have been deleted."""

requests = Table(
    "requests",
    METADATA,
    Column("scope", IDENTIFIER, nullable=False),
    Column("request_id", IDENTIFIER, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", LargeBinary, nullable=False),
    Column("time", NUMBER, nullable=False),
    PrimaryKeyConstraint("scope", "request_id"),
    Index("requests_by_time", "time"),
)
"""What requests came to, for those that come again."""
