"""The tables of the SQL stores, for every engine. The migrations define the same tables; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.types import TypeEngine

# SQLAlchemy makes each column of a primary key NOT NULL, whatever the column says.
METADATA = MetaData()

# Identifiers compare byte by byte: SQLite does so by default (BINARY), PostgreSQL with `COLLATE "C"`.
IDENTIFIER: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

ONE_ROW = 1
"""The key of the row in each table that has exactly one."""

SCHEMA = 5
"""The number of this version's schema, which is that of the newest migration."""

OLDEST_SCHEMA = 5
"""The oldest schema that this version supports: it has every table and column that this version uses."""

COMPATIBLE_FROM = 5
"""The oldest schema whose versions may write to this one: older ones would not bring the digest of the roles forward."""

UNFINISHED_SCHEMA = 4
"""The schema of a store whose digest is being computed: no version writes to it."""

meta = Table(
    "meta",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("incarnation", IDENTIFIER, nullable=False),
    Column("token_key", LargeBinary, nullable=False),
)
"""The name of the history (incarnation), and the key that authenticates its tokens."""

counter = Table(
    "counter",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", NUMBER, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("next_role_id", NUMBER, nullable=False),
    Column("compatible_from", Integer, nullable=False, server_default="3"),
    Column("digest", LargeBinary, nullable=False, server_default=""),
)
"""The newest revision, its hash and the next role id. Every write updates this row first, so writes are serial on every engine.

`digest` is that of all roles (`rolecall.roles.digest`), which every write brings forward.

`compatible_from` is the `SCHEMA` of the oldest version that can still work on the tables: a migration that removes something raises
it. It is in this table because every write reads this row, and waits for the migration that changes it.
"""

floor = Table(
    "floor",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", NUMBER, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The newest pruned revision and its hash: the log begins after it."""

accounts = Table(
    "accounts",
    METADATA,
    Column("account_id", IDENTIFIER, primary_key=True),
    Column("roles", NUMBER, nullable=False),
)
"""The number of roles of each account, so that no query counts a million rows."""

roles = Table(
    "roles",
    METADATA,
    Column("key", IDENTIFIER, primary_key=True),
    Column("account_id", IDENTIFIER, nullable=False),
    Column("role_name", IDENTIFIER, nullable=False),
    Column("role_id", IDENTIFIER, nullable=False),
    # Never JSON: JSON types drop the first of two members with one name.
    Column("document", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("max_session_duration_seconds", Integer, nullable=False),
    Column("tags", Text, nullable=False),
    Column("create_time", NUMBER, nullable=False),
    Column("update_time", NUMBER, nullable=False),
    Column("revision", NUMBER, nullable=False),
)
"""The newest version of every role; `key` begins with the account id, `tags` is canonical JSON."""

role_tags = Table(
    "role_tags",
    METADATA,
    Column("tag_key", IDENTIFIER),
    Column("tag_value", IDENTIFIER),
    Column("role_key", IDENTIFIER),
    PrimaryKeyConstraint("tag_key", "tag_value", "role_key"),
    Index("role_tags_of_role", "role_key"),
    sqlite_with_rowid=False,
)
"""The tags of `roles` again, as an index: finds the roles with a tag, ordered by key."""

commits = Table(
    "commits",
    METADATA,
    Column("revision", NUMBER, primary_key=True, autoincrement=False),
    Column("time", NUMBER, nullable=False),
    # The bytes that were hashed, never a type that could reformat them; so in `changes`.
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""One row for each write; `body` is its header, `time` is copied from the header for retention."""

changes = Table(
    "changes",
    METADATA,
    Column("revision", NUMBER),
    Column("ordinal", Integer),
    Column("role_id", IDENTIFIER, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("role_key", IDENTIFIER, nullable=False, server_default=""),
    PrimaryKeyConstraint("revision", "ordinal"),
    Index("changes_of_role", "role_id", "revision"),
    Index("changes_of_key", "role_key", "revision"),
)
"""What each write did to each role: `body` has the kind and the role. `role_key` also finds roles that were deleted."""

requests = Table(
    "requests",
    METADATA,
    Column("scope", IDENTIFIER),
    Column("request_id", IDENTIFIER),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", LargeBinary, nullable=False),
    Column("time", NUMBER, nullable=False),
    PrimaryKeyConstraint("scope", "request_id"),
    Index("requests_by_time", "time"),
)
"""The outcomes of requests by request id, for retries."""
