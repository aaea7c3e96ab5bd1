"""Which store a command maintains: the kind, the name and the file of a URL, and what is not a store that lasts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rolecall.roles.errors import StoreUnsupportedError
from rolecall.storage.maintenance.admin_store import open_admin_store


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
