"""Which store a command maintains: the kind, the name and the file of a URL, and what is not a store that lasts."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.roles.errors import StoreBusyError, StoreUnsupportedError
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.sqlite.driver import open_sqlite


def refused(url: str) -> str:
    with pytest.raises(StoreUnsupportedError) as caught:
        open_admin_store(url)
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_database_is_named_without_its_address(scheme: str) -> None:
    store = open_admin_store(f"{scheme}://u:s3cret@db.example/d")

    assert (store.name, store.path) == ("the database", None)


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    store = open_admin_store(f"sqlite:///{tmp_path}/rolecall.db")

    assert (store.name, store.path) == (f"`{tmp_path}/rolecall.db`", tmp_path / "rolecall.db")


def test_a_link_stands_for_the_file_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "rolecall.db").touch()
    (tmp_path / "link.db").symlink_to("rolecall.db")

    assert open_admin_store(f"sqlite:///{tmp_path}/link.db").path == tmp_path / "rolecall.db"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "memory://",
            "a store in memory exists only in its server; give `sqlite:///PATH` or `postgresql://...`",
        ),
        (
            "mysql://x:s3cret@h/d",
            (
                "`mysql` is not a kind of store; give `memory://`, `sqlite:///relative/path`, `sqlite:////absolute/path`"
                " or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`"
            ),
        ),
        ("sqlite:///", "a SQLite store needs three slashes and a path: `sqlite:///rolecall.db`"),
        (
            "postgresql://u:s3cret@h/d?nothing=1",
            (
                "the URL of the database does not parse; give `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`"
                " with `%` escapes for special characters and options of libpq only"
            ),
        ),
    ],
)
def test_only_stores_that_last_can_be_maintained(url: str, message: str) -> None:
    assert refused(url) == message


def test_without_its_library_a_database_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    assert refused("postgresql://h/d") == "PostgreSQL needs a library: install rolecall with its extra `postgres`"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems lock the file by its name alone")
def test_a_store_that_a_server_uses_by_another_name_is_neither_moved_nor_filled(tmp_path: Path) -> None:
    path, link = tmp_path / "rolecall.db", tmp_path / "link.db"
    with closing(open_sqlite(path)):
        os.link(path, link)
        store = open_admin_store(f"sqlite:///{link}")

        for use in (store.snapshot_transaction, store.fill_transaction):
            with pytest.raises(StoreBusyError) as caught, use():
                pytest.fail("not reached")
            assert str(caught.value) == (
                f"`{link}` is in use by another server, which opened it by another name, such as a hard link;"
                " stop that one, or give this one another file"
            )
        with store.pages() as pages, pages() as connection:
            assert connection.exec_driver_sql("SELECT revision FROM counter").scalar_one() == 0

    with store.fill_transaction():
        pass
