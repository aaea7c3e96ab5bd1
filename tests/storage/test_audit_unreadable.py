"""What no server can have written does not end an audit: it is reported, and everything else is examined all the same."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.role import Revision
from rolecall.storage.maintenance import audit_state
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import Audit, audit
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_log import LogWalk
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import ACCOUNT, change, create

APP, OLD = f"{ACCOUNT}/app", f"{ACCOUNT}/old"
UNREADABLE = {
    "no text": "x'ff'",
    "no JSON": "'x'",
    "no object": "'[]'",
    "nothing": "'null'",
    "no members": "'{}'",
    "no kind": """'{"kind":"MOVED","role":{}}'""",
    "no role": """'{"kind":"CREATED","role":[]}'""",
    "too deep": f"'{'[' * 50_000}'",
}
OTHER_DIGEST = "the roles are not those that servers wrote up to revision 3: they have another digest"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "rolecall.db"
    with closing(open_sqlite(path)) as repository:
        create(repository, "Old", tags={"team": "a"})
        create(repository, "App", tags={"team": "b"})
        change(repository, APP, description="second")
        repository.prune(keep_after=2_000, keep_revisions=2, forget_requests_before=0)
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "rolecall.db"))


def alter(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(statements))


def audited(path: Path) -> Audit:
    with open_admin_store(f"sqlite:///{path}").pages() as pages:
        return audit(pages, first=None, on_progress=lambda *_: None)


def messages(path: Path) -> list[str]:
    return [found.message for found in audited(path).findings]


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_change_that_cannot_be_read_is_reported(path: Path, body: str) -> None:
    alter(path, f"UPDATE changes SET body = CAST({body} AS BLOB) WHERE revision = 3")

    assert messages(path) == [
        "change 0 of commit 3 cannot be read",
        "commit 3 was altered: its hash does not match",
    ]


def test_a_change_of_a_role_whose_name_is_no_text_is_reported(path: Path) -> None:
    body = """CAST(replace(body, '"role_name":"App"', '"role_name":7') AS BLOB)"""
    alter(path, f"UPDATE changes SET body = {body} WHERE revision = 3")

    assert messages(path) == [
        "change 0 of commit 3 cannot be read",
        "commit 3 was altered: its hash does not match",
        f"role `{APP}` is not as commit 3 left it: role_name differs",
    ]


@pytest.mark.parametrize("header", ["x'ff'", "'x'", "'[]'", "'null'", "'{}'", f"'{'[' * 50_000}'"])
def test_a_header_that_cannot_be_read_is_reported(path: Path, header: str) -> None:
    alter(path, f"UPDATE commits SET body = CAST({header} AS BLOB) WHERE revision = 3")

    assert messages(path) == [
        "commit 3 was altered: its hash does not match",
        "commit 3 has an invalid header, or that of another commit",
    ]


@pytest.mark.parametrize("tags", ["x", "[]", "7", "[1]", '{"team":7}', '{"env":"x","team":7}', "[" * 50_000])
def test_a_role_with_tags_that_cannot_be_read_is_reported(path: Path, tags: str) -> None:
    alter(path, f"UPDATE roles SET tags = '{tags}' WHERE key = '{OLD}'")

    assert messages(path) == [f"role `{OLD}` cannot be read", OTHER_DIGEST]


@pytest.mark.parametrize("tag", ["('a', 'b', '')", "('', 'b', '')", "('a', '', '')"])
def test_a_tag_of_no_role_is_reported_with_its_empty_key(path: Path, tag: str) -> None:
    alter(path, f"INSERT INTO role_tags VALUES {tag}")

    first, second = messages(path)

    assert (
        first.startswith("`role_tags.role_key` of the row `"),
        first.endswith(" is empty, it must have a value"),
    ) == (True, True)
    assert second == "there are tags of a role ``, but no such role"


def test_tags_of_roles_that_are_missing_are_reported_once_on_any_page(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_state, "_TAGGED", audit_state._TAGGED.limit(2))
    tags = ", ".join(
        f"('{tag}', '{value}', '{role}')" for role in ("y", "z") for tag, value in (("a", "1"), ("b", "2"))
    )
    alter(path, "DELETE FROM role_tags", f"INSERT INTO role_tags VALUES {tags}")

    found = [message for message in messages(path) if message.startswith("there are tags")]

    assert found == [f"there are tags of a role `{role}`, but no such role" for role in "yz"]


@pytest.mark.parametrize(("role_id", "counts"), [("9" * 19, True), ("1" + "0" * 19, False), ("\u0661x", False)])
def test_an_id_of_up_to_19_digits_is_one_that_a_store_may_have_given(path: Path, role_id: str, counts: bool) -> None:
    alter(path, f"UPDATE roles SET role_id = '{role_id}' WHERE key = '{OLD}'")

    again = [f"the store would assign role id 300000000000001003 again: roles have ids up to {role_id}"]

    assert messages(path) == [*(again if counts else []), OTHER_DIGEST]


def test_an_id_in_the_log_counts_like_that_of_a_role(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (next_id,) = connection.execute("SELECT next_role_id FROM counter").fetchone()
    for digits in ("9" * 19, "1" + "0" * 19):
        body = f"""CAST(replace(body, '"role_id":"300000000000001002"', '"role_id":"{digits}"') AS BLOB)"""
        alter(path, f"UPDATE changes SET body = {body}, role_id = '{digits}' WHERE revision = 3")
        again = f"the store would assign role id {next_id} again: ids up to {digits} are in use"

        assert (again in messages(path)) is (len(digits) == 19)
        alter(
            path,
            f"""UPDATE changes SET body = CAST(replace(body, '{digits}', '300000000000001002') AS BLOB) WHERE revision = 3""",
        )


def test_a_value_that_is_missing_is_reported_as_nothing(path: Path) -> None:
    optional = "replace(sql, 'document TEXT NOT NULL', 'document TEXT')"
    alter(path, "PRAGMA writable_schema = 1", f"UPDATE sqlite_master SET sql = {optional} WHERE name = 'roles'")
    alter(path, f"UPDATE roles SET document = NULL WHERE key = '{OLD}'")

    found = audited(path)

    assert found.findings[0].message == f"`roles.document` of the row `{OLD}` is nothing, it must be text"
    assert found.skipped == ("roles",)


def test_a_hundred_findings_are_listed_and_all_are_counted() -> None:
    one_by_one, together, many = Findings(), Findings(), Findings()
    for number in range(101):
        many.add(number, "a")
    for number in range(99):
        one_by_one.add(number, "a")
        together.add(number, "a")

    one_by_one.add(None, "b")
    one_by_one.add(None, "c")
    together.include(many)

    assert (len(one_by_one.listed), one_by_one.listed[-1].message, one_by_one.total) == (100, "b", 101)
    assert (len(together.listed), together.total) == (100, 200)
    assert (len(many.listed), many.listed[-1].revision, many.total) == (100, 99, 101)


@pytest.mark.parametrize(("prunings", "succeeds"), [(4, True), (5, False)])
def test_the_walk_over_the_log_is_tried_five_times(
    path: Path, monkeypatch: pytest.MonkeyPatch, prunings: int, succeeds: bool
) -> None:
    server, tried = open_sqlite(path), list[int]()

    def walking(run: Callable[..., None]) -> Callable[..., None]:
        def walk(*arguments: object) -> None:
            tried.append(1)
            if len(tried) <= prunings:
                create(server, f"n{len(tried)}")
                server.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)
            run(*arguments)

        return walk

    monkeypatch.setattr(LogWalk, "run", walking(LogWalk.run))
    if succeeds:
        found = audited(path)
        assert (found.findings, found.first) == ((), Revision(3 + prunings))
    else:
        with pytest.raises(
            StoreUnavailableError, match=r"^commits were pruned repeatedly during the audit; try again$"
        ):
            audited(path)
    server.close()

    assert len(tried) == 5
