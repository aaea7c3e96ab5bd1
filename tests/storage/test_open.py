from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.roles.errors import StoreBusyError, StoreUnavailableError, StoreUnsupportedError
from rolecall.storage import MemoryRoleRepository, migrate, open_repository, schema_of
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.sql.tables import SCHEMA
from rolecall.storage.sqlite.driver import migrate_sqlite, read_sqlite_schema
from tests.storage.processes import python
from tests.storage.samples import create

NOBODY = 65_534


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return value


def test_memory_is_a_store() -> None:
    assert isinstance(open_repository("memory://"), MemoryRoleRepository)


@pytest.mark.parametrize("name", ["rolecall.db", "a path/with spaces.db", "100%/é.db", "file:x#y.db"])
def test_a_relative_path_is_taken_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)

    repository = open_repository(f"sqlite:///{name}")
    create(repository, "App")
    repository.close()

    assert (tmp_path / name).stat().st_size > 0
    assert len(list((tmp_path / name).parent.glob("*.db"))) == 1


def test_an_absolute_path_has_four_slashes(tmp_path: Path) -> None:
    repository = open_repository(f"sqlite:///{tmp_path}/rolecall.db")

    repository.close()

    assert (tmp_path / "rolecall.db").exists()


def test_a_relative_store_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    repository = open_repository("sqlite:///rolecall.db")

    monkeypatch.chdir(tmp_path / "elsewhere")
    create(repository, "App")
    repository.close()

    assert list((tmp_path / "elsewhere").iterdir()) == []


SHAPES = (
    "give `memory://`, `sqlite:///relative/path`, `sqlite:////absolute/path` or"
    " `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`"
)
UNKNOWN = f"that is not a kind of store; {SHAPES}"
UNREADABLE = (
    "the URL of the database does not parse; give `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`"
    " with `%` escapes for special characters and options of libpq only"
)
SLASHES = "a SQLite store needs three slashes and a path: `sqlite:///rolecall.db`"
OPTIONS = "the path of a SQLite store has no options and no `?`; give the path alone"


@pytest.mark.parametrize("use", [open_repository, open_admin_store, migrate, schema_of])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://user:secret@host/db?unknown=1", UNREADABLE),
        ("postgres://user:%secret@host/db", UNREADABLE),
        ("postgresql://user:secret@[host/db", UNREADABLE),
        ("postgresql://user:secret@host/d\0b", UNREADABLE),
        ("postgresql:secret@host", UNKNOWN),
        ("mysql://user:secret@host/db", f"`mysql` is not a kind of store; {SHAPES}"),
        (f"{'s' * 21}://secret", f"`{'s' * 21}` is not a kind of store; {SHAPES}"),
        (f"{'s' * 22}://secret", UNKNOWN),
        ("host=127.0.0.1 password=secret dbname=http://x", UNKNOWN),
        ("rolecall:secret@127.0.0.1:5432/postgresql://x", UNKNOWN),
        ("rolecall.db", UNKNOWN),
        ("", UNKNOWN),
        ("memory", UNKNOWN),
        ("sqlite", UNKNOWN),
        ("postgres", UNKNOWN),
        ("memory://secret", f"`memory` is not a kind of store; {SHAPES}"),
        ("sqlite://rolecall.db", SLASHES),
        ("sqlite:///", SLASHES),
        ("sqlite://", SLASHES),
        ("sqlite:///:memory:", "a store in memory is `memory://`"),
        ("sqlite:///rolecall.db?mode=ro", OPTIONS),
        ("sqlite:///a\0b", OPTIONS),
        ("SQLITE:///rolecall.db", f"`SQLITE` is not a kind of store; {SHAPES}"),
    ],
)
def test_any_other_url_is_refused_without_its_secrets(use: Callable[[str], object], url: str, message: str) -> None:
    with pytest.raises(StoreUnsupportedError) as caught:
        use(url)

    assert str(caught.value) == message


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        repository = open_repository(f"sqlite:///{tmp_path}/rolecall.db")
        create(repository, "App")
    finally:
        os.umask(old)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    repository.close()

    assert modes == dict.fromkeys(modes, 0o600)
    assert {"rolecall.db", "rolecall.db.lock"} <= modes.keys()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=f"no directory `{tmp_path}/none`"):
        open_repository(f"sqlite:///{tmp_path}/none/rolecall.db")


def test_a_directory_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="is not a store: it is a directory, not a regular file"):
        open_repository(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("content", [b"hello, world", b"\0" * 5_000, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_a_file_that_is_no_database_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    with pytest.raises(StoreUnavailableError, match=r"notes\.txt"):
        open_repository(f"sqlite:///{path}")

    assert path.read_bytes() == content


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    run_sql(path, "CREATE TABLE photos (name TEXT)")
    before = path.read_bytes()

    with pytest.raises(StoreUnsupportedError, match="another program"):
        open_repository(f"sqlite:///{path}")

    assert path.read_bytes() == before


def test_a_later_schema_that_allows_this_version_is_served_as_it_is(tmp_path: Path) -> None:
    # Row 78 of the faults.
    path = tmp_path / "rolecall.db"
    open_repository(f"sqlite:///{path}").close()
    run_sql(
        path, "UPDATE alembic_version SET version_num = '9999'", "ALTER TABLE roles ADD COLUMN later TEXT DEFAULT ''"
    )

    repository = open_repository(f"sqlite:///{path}")
    (made,) = create(repository, "App")
    found = list(repository.load())
    repository.close()

    assert found == [made]
    assert schema_of(f"sqlite:///{path}") == "9999"


def test_a_later_schema_that_does_not_allow_this_version_is_refused(tmp_path: Path) -> None:
    # Row 78 of the faults.
    path = tmp_path / "rolecall.db"
    open_repository(f"sqlite:///{path}").close()
    run_sql(path, "UPDATE alembic_version SET version_num = '9999'", "UPDATE counter SET compatible_from = 9998")

    with pytest.raises(
        StoreUnsupportedError, match="has schema 9999, for versions that support 9998 or later; this one supports"
    ):
        open_repository(f"sqlite:///{path}")

    run_sql(path, f"UPDATE counter SET compatible_from = {SCHEMA}")
    open_repository(f"sqlite:///{path}").close()


def test_a_schema_that_moves_on_while_it_is_open_stops_writes_and_not_reads(tmp_path: Path) -> None:
    # Row 78 of the faults.
    path = tmp_path / "rolecall.db"
    repository = open_repository(f"sqlite:///{path}")
    made = create(repository, "App")
    run_sql(path, "UPDATE alembic_version SET version_num = '9999'", "UPDATE counter SET compatible_from = 9999")

    with pytest.raises(StoreUnavailableError, match="accepts writes only from versions that support schema 9999"):
        create(repository, "Other")
    with pytest.raises(StoreUnavailableError, match="accepts writes only from versions that support schema 9999"):
        repository.prune(keep_after=0, keep_revisions=0, forget_requests_before=0)

    assert list(repository.load()) == made
    assert repository.head().revision == 1
    repository.close()


def test_a_file_is_migrated_when_it_is_opened_and_by_migrate(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rolecall.db"
    before = schema_of(url)
    made = migrate(url)
    again = migrate(url)

    assert before == ""
    assert made == ("", f"{SCHEMA:04}")
    assert again == (f"{SCHEMA:04}", f"{SCHEMA:04}")
    assert schema_of(url) == f"{SCHEMA:04}"
    open_repository(url).close()


def test_a_file_that_does_not_exist_has_schema_0(tmp_path: Path) -> None:
    assert read_sqlite_schema(tmp_path / "rolecall.db") == 0
    assert migrate_sqlite(tmp_path / "rolecall.db") == (0, SCHEMA)


def test_a_file_that_a_server_uses_is_not_migrated_but_its_schema_is_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rolecall.db"
    repository = open_repository(url)

    with pytest.raises(StoreBusyError):
        migrate(url)

    assert schema_of(url) == f"{SCHEMA:04}"
    repository.close()


@pytest.mark.parametrize("asked", [migrate, schema_of])
def test_a_store_in_memory_has_no_schema(asked: Callable[[str], object]) -> None:
    with pytest.raises(StoreUnsupportedError) as caught:
        asked("memory://")

    assert str(caught.value) == "a store in memory has no schema; give a SQLite file or a PostgreSQL database"


def test_without_its_library_postgresql_is_refused_with_what_to_install() -> None:
    program = """
import sys
sys.modules["psycopg"] = None
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.maintenance.admin_store import open_admin_store
for use in (open_repository, open_admin_store, migrate, schema_of):
    try:
        use("postgresql://user:secret@host/db")
    except Exception as error:
        print(type(error).__name__, error)
open_repository("memory://").close()
print("still there")
"""
    process = python("-c", program)

    output, _ = process.communicate(timeout=60)

    missing = "StoreUnsupportedError PostgreSQL needs a library: install rolecall with its extra `postgres`"
    assert output.splitlines() == [*[missing] * 4, "still there"]


@pytest.fixture
def open_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Give up the right to write to any file whatever its mode, if this process has it."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def test_a_file_that_may_not_be_written_is_refused(open_directory: Path, unprivileged: None) -> None:
    path = open_directory / "rolecall.db"
    open_repository(f"sqlite:///{path}").close()
    path.chmod(0o400)

    with pytest.raises(StoreUnavailableError, match=r"rolecall\.db` for writing: permission denied"):
        open_repository(f"sqlite:///{path}")


def test_a_directory_that_may_not_be_written_is_refused(open_directory: Path, unprivileged: None) -> None:
    directory = open_directory / "sealed"
    directory.mkdir(mode=0o500)

    with pytest.raises(StoreUnavailableError, match="Permission denied"):
        open_repository(f"sqlite:///{directory}/rolecall.db")


def test_a_second_server_is_refused_at_once(tmp_path: Path) -> None:
    # Row 75 of the faults.
    path = tmp_path / "rolecall.db"
    first = open_repository(f"sqlite:///{path}")

    with pytest.raises(StoreBusyError) as caught:
        open_repository(f"sqlite:///{path}")

    assert f"`{path}`" in str(caught.value)
    assert f"process {os.getpid()}" in str(caught.value)
    assert create(first, "App")
    first.close()
    open_repository(f"sqlite:///{path}").close()


def test_a_link_to_a_store_is_that_store(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "rolecall.db")
    first = open_repository(f"sqlite:///{tmp_path}/rolecall.db")

    with pytest.raises(StoreBusyError):
        open_repository(f"sqlite:///{tmp_path}/link.db")

    first.close()


def test_a_store_that_was_refused_is_not_kept_locked(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    path.write_bytes(b"not a database")
    with pytest.raises(StoreUnavailableError, match="not a database"):
        open_repository(f"sqlite:///{path}")
    path.unlink()

    open_repository(f"sqlite:///{path}").close()


@pytest.mark.parametrize(("version", "mode"), [((3, 51, 2), "delete"), ((3, 51, 3), "wal"), ((3, 40, 1), "delete")])
def test_the_write_ahead_log_is_used_where_it_is_safe(
    version: tuple[int, int, int], mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    path = tmp_path / "rolecall.db"

    repository = open_repository(f"sqlite:///{path}")
    create(repository, "App")
    found = pragma(path, "journal_mode")
    repository.close()

    assert found == mode


def test_a_write_ahead_log_is_converted_where_it_is_not_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rolecall.db"
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    first = open_repository(f"sqlite:///{path}")
    made = create(first, "App")
    first.close()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))

    second = open_repository(f"sqlite:///{path}")

    assert list(second.load()) == made
    second.close()
    assert pragma(path, "journal_mode") == "delete"


def test_a_file_that_was_removed_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    repository = open_repository(f"sqlite:///{path}")
    path.unlink()
    repository._engine.dispose()  # type: ignore[attr-defined]

    with pytest.raises(StoreUnavailableError, match="unable to open"):
        repository.head()

    assert not path.exists()
    repository.close()
