"""Stores as the last release wrote them, with schema 0003: a small one that it did write, and ones of any size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine

from rolecall.roles.canonical_json import FIRST_HASH, change_bytes, commit_hash, header_bytes
from rolecall.roles.change import Author, Change, ChangeKind
from rolecall.roles.digest import stored_role
from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.sql import schema
from rolecall.storage.sqlite.driver import connect_sqlite
from tests.postgres import PostgresServer

LAST_RELEASE = Path(__file__).parent / "data" / "last_release.sql"
ROLES_PER_COMMIT = 1_000
_TABLES = ("meta", "counter", "floor", "accounts", "roles", "role_tags", "commits", "changes", "requests")


def last_release(path: Path) -> Path:
    """Make the file that the last release wrote."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(LAST_RELEASE.read_text(encoding="utf-8"))
    return path


def old_store(path: Path, roles: int) -> Path:
    """Make a file with schema 0003 and this many roles, a thousand to a commit, each with its whole log."""
    last_release(path)
    with closing(connect_sqlite(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table in ("accounts", "roles", "role_tags", "commits", "changes", "requests"):
            connection.execute(f"DELETE FROM {table}")
        previous = FIRST_HASH
        for revision in range(1, roles // ROLES_PER_COMMIT + 1):
            previous = _add_commit(connection, revision, previous)
        connection.execute("UPDATE floor SET revision = 0, hash = ?", (FIRST_HASH,))
        last = roles // ROLES_PER_COMMIT, previous, 300_000_000_000_000_000 + roles
        connection.execute("UPDATE counter SET revision = ?, hash = ?, next_role_id = ?", last)
        connection.execute("INSERT INTO accounts SELECT account_id, count(*) FROM roles GROUP BY account_id")
        connection.execute("COMMIT")
    return path


def in_postgres(server: PostgresServer, path: Path) -> str:
    """Return the URL of a database with the tables and the rows of a file with schema 0003."""
    url = server.create_database()
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.begin() as connection:
        schema._upgrade(connection, 3)
    engine.dispose()
    with closing(sqlite3.connect(path)) as source, psycopg.connect(url) as target:
        for table in _TABLES:
            rows = source.execute(f"SELECT * FROM {table}").fetchall()
            if rows:
                _insert(target, table, rows)
    return url


def _insert(target: psycopg.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    with target.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _add_commit(connection: sqlite3.Connection, revision: int, previous: bytes) -> bytes:
    author = Author(actor="alice", time=Micros(revision), request_id="", change_reason="", source="")
    made = list(_roles(revision))
    header = header_bytes(Revision(revision), author)
    bodies = [change_bytes(Change(ChangeKind.CREATED, role)) for role in made]
    hash_ = commit_hash(previous, header, bodies)
    connection.execute("INSERT INTO commits VALUES (?, ?, ?, ?)", (revision, revision, header, hash_))
    connection.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
        ((revision, n, role.role_id, body, role.key) for n, (role, body) in enumerate(zip(made, bodies, strict=True))),
    )
    connection.executemany(f"INSERT INTO roles VALUES ({', '.join('?' * 11)})", map(stored_role, made))
    return hash_


def _roles(revision: int) -> Iterator[Role]:
    for number in range((revision - 1) * ROLES_PER_COMMIT, revision * ROLES_PER_COMMIT):
        yield Role(
            role_id=str(300_000_000_000_000_000 + number),
            account_id=str(100_000_000_000 + number % 20),
            role_name=f"Workload-{number:07}",
            document='{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": '
            f'{{"RAM": ["acs:ram::100000000000:user/app-{number}"]}}}}]}}',
            create_time=Micros(revision),
            update_time=Micros(revision),
            revision=Revision(revision),
        )
