"""The kinds of store that a URL names, and what the one for PostgreSQL needs."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from rolecall.roles.errors import StoreUnsupportedError
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.open import split_url


@pytest.mark.parametrize("url", ["postgresql://user:secret@host/db", "postgres://user:secret@host/db"])
@pytest.mark.parametrize("use", [open_repository, open_admin_store, migrate, schema_of])
def test_both_names_of_postgresql_need_its_library(
    monkeypatch: pytest.MonkeyPatch, use: Callable[[str], object], url: str
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in [name for name in sys.modules if name.startswith("rolecall.storage.postgres")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(StoreUnsupportedError) as caught:
        use(url)

    assert str(caught.value) == "PostgreSQL needs a library: install rolecall with its extra `postgres`"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("memory://", ("memory", "")),
        ("sqlite:///a/b://c.db", ("sqlite", "/a/b://c.db")),
        ("postgresql://host/db", ("postgresql", "host/db")),
        ("postgres://host/db", ("postgresql", "host/db")),
    ],
)
def test_a_url_has_the_kind_of_store_and_where_it_is(url: str, parts: tuple[str, str]) -> None:
    assert split_url(url) == parts
