"""A store of many roles, with the same structure for every size.

N roles in 20 accounts, each with a distinct document of 310 bytes: one Allow statement with one condition, for two users. One user
is one of 999, the other is `auditor`, which is in every role; so there are 1,000 distinct principals and 2 N index entries, N of
them in one list. There are no tags and no descriptions; role ids have 18 digits and every role has a distinct time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rolecall.engine.request import AssumeRoleRequest, read_principal
from rolecall.roles.change import Change, ChangeKind
from rolecall.roles.digest import StateDigest
from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.sqlite.driver import open_sqlite

USERS = 999
ACCOUNTS = [str(100_000_000_000 + number) for number in range(20)]
AUDITOR = f"acs:ram::{ACCOUNTS[0]}:user/auditor"
FROM_VPC = {"acs:SourceVpc": ("vpc-2ze8x1r7oqb5w0hnm",)}
FROM_ELSEWHERE = {"acs:SourceVpc": ("vpc-other",)}
TIME = 1_767_268_800_000_000
FIRST_ROLE_ID = 300_000_000_000_000_001


def user(number: int) -> str:
    return f"acs:ram::{ACCOUNTS[0]}:user/app-{number % USERS}"


def document(number: int, *, shared: bool = False) -> str:
    """Return the document of a role, distinct from all others; `shared`: equal to that of every 999th role."""
    return (
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ['
        f'"{user(number)}", "{AUDITOR}"'
        ']}, "Condition": {"StringEquals": {"acs:SourceVpc": ["vpc-2zeuphj08tt7q3brd", "vpc-2ze8x1r7oqb5w0hnm"]}}, '
        f'"Sid": "{"workload" if shared else f"workload{number:07}"}"}}]}}'
    )


def role(number: int, *, revision: int = 1) -> Role:
    return Role(
        role_id=str(FIRST_ROLE_ID + number),
        account_id=ACCOUNTS[number % len(ACCOUNTS)],
        role_name=f"Workload-{number:07}",
        document=document(number),
        create_time=Micros(TIME + number),
        update_time=Micros(TIME + number),
        revision=Revision(revision),
    )


def question(number: int) -> AssumeRoleRequest:
    """Return a request of a user that role `number` trusts, from the right VPC, so that the decision is allow."""
    return AssumeRoleRequest(read_principal(user(number)), role(number).key, FROM_VPC)


def auditor(*, from_vpc: bool = True) -> AssumeRoleRequest:
    """Return a request of the user that every role trusts; from another VPC no role allows it."""
    return AssumeRoleRequest(read_principal(AUDITOR), "", FROM_VPC if from_vpc else FROM_ELSEWHERE)


def document_of_statements(statements: int) -> str:
    """Return a document with this number of statements, each for another user, all reading the same two keys."""
    condition = {"StringEquals": {"acs:SourceVpc": "vpc-1"}, "IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
    made = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": user(n)}, "Condition": condition}
        for n in range(statements)
    ]
    return json.dumps({"Version": "1", "Statement": made})


def bulk(first: int) -> tuple[Change, ...]:
    """Return 50,000 changes: 25,000 updates, 15,000 new roles from number `first` on, and 10,000 deletions."""
    updated = [replace(role(n), document=document(n + 1), revision=Revision(2)) for n in range(25_000)]
    created = [role(first + n, revision=2) for n in range(15_000)]
    return (
        *(Change(ChangeKind.UPDATED, one) for one in updated),
        *(Change(ChangeKind.CREATED, one) for one in created),
        *(Change(ChangeKind.DELETED, role(n)) for n in range(25_000, 35_000)),
    )


def write_store(path: Path, roles: int, *, shared: bool = False) -> None:
    """Write a store without history: one revision, and every role at it. `shared` is as in `document`."""
    open_sqlite(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        digest = StateDigest()
        connection.executemany(
            "INSERT INTO roles VALUES (?, ?, ?, ?, ?, '', 3600, '{}', ?, ?, 1)",
            _added(digest, _rows(roles, shared=shared)),
        )
        connection.execute("INSERT INTO accounts SELECT account_id, count(*) FROM roles GROUP BY account_id")
        connection.execute(
            "UPDATE counter SET revision = 1, next_role_id = ?, digest = ?", (FIRST_ROLE_ID + roles, digest.value)
        )
        connection.execute("UPDATE floor SET revision = 1")
        connection.execute("COMMIT")


def _added(digest: StateDigest, rows: Iterator[tuple[str | int, ...]]) -> Iterator[tuple[str | int, ...]]:
    """Add each row to the digest of the store, and yield it."""
    for row in rows:
        key, account, name, role_id, document, created, updated = row
        digest.add_stored([(key, account, name, role_id, document, "", 3_600, "{}", created, updated, 1)])
        yield row


def _rows(roles: int, *, shared: bool) -> Iterator[tuple[str | int, ...]]:
    each = len(ACCOUNTS)
    for account in range(each):
        for number in range(account, roles, each):
            made = role(number)
            yield (
                *(made.key, made.account_id, made.role_name, made.role_id, document(number, shared=shared)),
                *(made.create_time, made.update_time),
            )
