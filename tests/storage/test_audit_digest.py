"""The digest of the roles is compared at one revision, however often servers write meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from rolecall.storage.maintenance import audit_digest
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit_digest import check_digest
from rolecall.storage.maintenance.audit_findings import AuditFinding, Findings
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import create


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqlRoleRepository]:
    with closing(open_sqlite(tmp_path / "rolecall.db")) as opened:
        create(opened, "a", "b", "c")
        yield opened


def checked(server: SqlRoleRepository, before_page: Callable[[int], object]) -> tuple[list[AuditFinding], int]:
    """Return the findings, and how many pages were read; `before_page` is called before each, with its number from 1 on."""
    findings, read = Findings(), list[int]()
    with server._reading() as connection:
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
    with open_admin_store(f"sqlite:///{path}").pages() as pages:

        @contextmanager
        def page() -> Iterator[Connection]:
            read.append(len(read) + 1)
            before_page(len(read))
            with pages() as connection:
                yield connection

        check_digest(page, findings)
    return findings.listed, len(read)


def altering(server: SqlRoleRepository) -> None:
    with server._writing() as connection:
        connection.exec_driver_sql("UPDATE roles SET description = 'altered' WHERE role_name = 'b'")


def test_a_store_that_is_at_rest_is_compared_once(server: SqlRoleRepository) -> None:
    # The head, the roles, no more roles, and the head again.
    assert checked(server, lambda _: None) == ([], 4)


def test_a_write_during_the_comparison_repeats_it(server: SqlRoleRepository) -> None:
    assert checked(server, lambda page: create(server, "new") if page == 4 else None) == ([], 8)


def test_a_store_that_never_rests_is_compared_in_one_transaction_in_the_end(server: SqlRoleRepository) -> None:
    found = checked(server, lambda page: create(server, f"n{page}") if page % 4 == 0 else None)

    assert found == ([], 3 * 4 + 1)


@pytest.mark.parametrize("busy", [False, True])
def test_altered_roles_are_found_in_either_way(server: SqlRoleRepository, busy: bool) -> None:
    altering(server)

    findings, _ = checked(server, lambda page: create(server, f"n{page}") if busy and page % 4 == 0 else None)

    revision = server.head().revision
    assert findings == [
        AuditFinding(
            revision,
            f"the roles are not those that servers wrote up to revision {revision}: they have another digest",
        )
    ]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_size_of_a_page_does_not_matter(
    server: SqlRoleRepository, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_digest, "_ROLES", audit_digest._ROLES.limit(rows))

    assert checked(server, lambda _: None)[0] == []
