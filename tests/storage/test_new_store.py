"""New stores: made only where there is no file, whole or not at all. A file that is no store is never taken for a new one."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import RoleError, StoreBusyError, StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.repository import Transaction
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.sqlite.new_store import COMPANIONS, new_store
from tests.storage.processes import open_files, python, stop
from tests.storage.samples import author, create, sample

OPENING = """
import sys
from rolecall.storage import open_repository
try:
    open_repository(sys.argv[1]).close()
except Exception as error:
    print(type(error).__name__, error)
else:
    print("opened")
"""


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def tableless(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")


def opened_elsewhere(path: Path) -> str:
    """Return what another process reports that opens a store."""
    out, _ = python("-c", OPENING, url_of(path)).communicate(timeout=60)
    return out.strip()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- where there is a file, none is made


@pytest.mark.parametrize(("make", "state"), [(Path.touch, "is empty"), (tableless, "has no tables")])
def test_a_file_without_tables_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object], state: str
) -> None:
    path = tmp_path / "rolecall.db"
    make(path)
    before = path.read_bytes()

    for use in (open_repository, migrate, schema_of):
        with pytest.raises(StoreUnsupportedError) as caught:
            use(url_of(path))

        assert str(caught.value) == (
            f"`{path}` {state}, so it is not a store, and a new one is made only where there is no file; remove it, and restore"
            " a backup or start with a new store"
        )
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", [Path.touch, tableless])
def test_a_file_without_tables_is_neither_filled_nor_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "rolecall.db")
    store = open_admin_store(url_of(tmp_path / "rolecall.db"))

    for use in (
        store.fill_transaction,
        store.snapshot_transaction,
        store.pages,
        lambda: store.snapshot_transaction_beside(tmp_path / "backup"),
    ):
        with pytest.raises(StoreUnsupportedError, match="so it is not a store"), use():
            pytest.fail("not reached")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        *((f"DROP TABLE {table}", f"has no table `{table}`") for table in ("accounts", "changes", "commits", "requests", "roles")),
        ("DROP TABLE roles; DROP TABLE changes; DROP TABLE requests", "has no table `changes`"),
        *((f"DELETE FROM {table}", f"has 0 rows in `{table}` instead of 1") for table in ("meta", "counter", "floor")),
        ("DROP TABLE floor", "no such table: floor"),
        ("DROP TABLE meta", "contains the tables of another program"),
        ("DROP TABLE counter", "contains the tables of another program"),
        ("DROP TABLE alembic_version", "contains the tables of another program"),
        ("DELETE FROM alembic_version", "contains the tables of another program"),
        ("INSERT INTO alembic_version VALUES ('0004')", "contains the tables of another program"),
        ("UPDATE alembic_version SET version_num = 'newest'", "contains the tables of another program"),
    ],
)  # fmt: skip
def test_a_store_that_lacks_a_part_is_not_completed_as_if_it_were_new(
    tmp_path: Path, statement: str, message: str
) -> None:
    path = tmp_path / "rolecall.db"
    open_repository(url_of(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    before, open_before = path.read_bytes(), open_files()

    with pytest.raises(RoleError, match=message):
        open_repository(url_of(path))

    assert path.read_bytes() == before
    assert open_files() == open_before


def test_a_database_that_has_only_a_view_is_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIEW v AS SELECT 1")

    with pytest.raises(
        StoreUnsupportedError, match="contains the tables of another program; give a database of its own"
    ):
        open_repository(url_of(path))


@pytest.mark.parametrize("left", ["rolecall.db-wal", "rolecall.db-journal"])
def test_the_last_writes_of_a_lost_store_are_not_applied_to_a_new_one(tmp_path: Path, left: str) -> None:
    (tmp_path / left).write_bytes(b"writes")

    with pytest.raises(StoreUnavailableError, match=rf"there is no `.*/rolecall.db`, but `.*/{left}`"):
        open_repository(url_of(tmp_path / "rolecall.db"))

    assert names(tmp_path) == {left, "rolecall.db.lock"}


def test_a_link_that_leads_nowhere_is_no_place_for_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "rolecall.db").symlink_to(tmp_path / "volume.db")

    with pytest.raises(StoreUnavailableError, match=r"is a link to .* which does not exist"):
        open_repository(url_of(tmp_path / "rolecall.db"))

    assert names(tmp_path) == {"rolecall.db"}


@pytest.mark.parametrize("use", [open_repository, migrate, schema_of, open_admin_store])
def test_a_pipe_is_no_store(tmp_path: Path, use: Callable[[str], object]) -> None:
    os.mkfifo(tmp_path / "rolecall.db")

    with pytest.raises(StoreUnavailableError, match="is not a store: it is a named pipe, not a regular file"):
        use(url_of(tmp_path / "rolecall.db"))


# --- none is made where that is not allowed


def test_without_creation_only_an_existing_store_is_opened(tmp_path: Path) -> None:
    url = url_of(tmp_path / "rolecall.db")
    with pytest.raises(StoreUnavailableError, match=r"there is no store .* make a new one with `rolecall migrate`"):
        open_repository(url, create=False)
    assert names(tmp_path) == {"rolecall.db.lock"}

    migrate(url)
    open_repository(url, create=False).close()


def test_a_store_in_memory_is_always_a_new_one() -> None:
    with pytest.raises(StoreUnsupportedError, match="a store in memory is new at every start"):
        open_repository("memory://", create=False)


# --- a new store is whole


def test_a_store_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"

    with new_store(path) as fresh:
        before = names(tmp_path)
        mode = stat.S_IMODE(fresh.stat().st_mode)

    assert (before, names(tmp_path), mode) == ({".rolecall.db.unfinished"}, {"rolecall.db"}, 0o600)


def test_what_a_crash_left_of_a_new_store_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".rolecall.db.unfinished").write_bytes(b"half a store")
    for suffix in ("-journal", "-wal", "-shm"):
        (tmp_path / f".rolecall.db.unfinished{suffix}").write_bytes(b"half a journal")

    repository = open_repository(url_of(tmp_path / "rolecall.db"))
    made = create(repository, "App")
    repository.close()

    assert len(made) == 1
    assert not {name for name in names(tmp_path) if "unfinished" in name}


def test_a_new_store_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> None:
        with new_store(tmp_path / "rolecall.db") as fresh:
            fresh.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failing()

    assert not names(tmp_path)


def test_the_error_of_who_fills_a_store_reaches_the_caller_also_if_its_file_cannot_be_removed(tmp_path: Path) -> None:
    def failing() -> None:
        with new_store(tmp_path / "rolecall.db") as fresh:
            fresh.unlink()
            fresh.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failing()

    assert names(tmp_path) == {".rolecall.db.unfinished"}


@pytest.mark.parametrize("there", ["rolecall.db", "rolecall.db-wal", "rolecall.db-journal"])
def test_nothing_is_made_where_something_is(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_bytes(b"there")

    with pytest.raises(StoreUnavailableError), new_store(tmp_path / "rolecall.db"):
        pytest.fail("not reached")

    assert names(tmp_path) == {there}


def test_a_store_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / ".rolecall.db.unfinished").mkdir()

    with pytest.raises(StoreUnavailableError) as caught:
        open_repository(url_of(tmp_path / "rolecall.db"))

    assert str(caught.value) == f"cannot make the store `{tmp_path}/rolecall.db`: is a directory"


def test_a_journal_that_another_program_keeps_as_it_is_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rolecall.db"
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    open_repository(url_of(path)).close()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    monkeypatch.setattr("rolecall.storage.sqlite.driver.BUSY_TIMEOUT_MS", 1)
    files = open_files()

    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode").fetchone()
        other.execute("SELECT count(*) FROM roles").fetchone()
        with pytest.raises(
            StoreUnavailableError, match=rf"`{path}` .*(database is locked|cannot change to `delete` now)"
        ):
            open_repository(url_of(path))

    assert open_files() == files
    open_repository(url_of(path)).close()


def test_a_store_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def late() -> None:
        with new_store(tmp_path / "rolecall.db"):
            (tmp_path / "rolecall.db").write_bytes(b"restored")

    with pytest.raises(StoreUnavailableError, match="was put there while a new store was made"):
        late()

    assert names(tmp_path) == {"rolecall.db"}
    assert (tmp_path / "rolecall.db").read_bytes() == b"restored"


def test_a_store_is_filled_before_it_has_its_name(tmp_path: Path) -> None:
    store = open_admin_store(url_of(tmp_path / "rolecall.db"))

    with store.fill_transaction():
        during = names(tmp_path)

    assert "rolecall.db" not in during
    assert names(tmp_path) == {"rolecall.db", "rolecall.db.lock"}


@pytest.mark.parametrize(
    ("version", "beside"), [((3, 51, 3), {"-wal", "-shm", ".lock"}), ((3, 51, 2), {"-journal", ".lock"})]
)
def test_each_file_beside_a_store_is_known_to_belong_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], beside: set[str]
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    during = set[str]()

    def write(transaction: Transaction) -> None:
        transaction.put(ChangeKind.CREATED, sample(transaction))
        transaction.roles([])
        during.update(names(tmp_path))

    with closing(open_repository(url_of(tmp_path / "rolecall.db"))) as repository:
        repository.transact(author(), write)

    assert during == {"rolecall.db", *(f"rolecall.db{suffix}" for suffix in beside)}
    assert beside <= {*COMPANIONS}


# --- one server, whatever the name


def test_a_hard_link_to_a_store_is_that_store(tmp_path: Path) -> None:
    path, link = tmp_path / "rolecall.db", tmp_path / "link.db"
    first = open_repository(url_of(path))
    os.link(path, link)

    answer = opened_elsewhere(link)
    made = create(first, "App")
    first.close()

    assert answer.startswith(f"StoreBusyError `{link}` is in use by another server, which opened it by another name")
    assert len(made) == 1
    assert opened_elsewhere(link) == "opened"


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.EINVAL, "opened"),
        (errno.ENOSYS, "opened"),
        (errno.ENOLCK, "StoreUnavailableError"),
        (errno.EACCES, "StoreBusyError"),
        (errno.EAGAIN, "StoreBusyError"),
    ],
)
def test_a_system_without_locks_of_open_files_has_the_lock_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, outcome: str
) -> None:
    def refuse(file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("rolecall.storage.sqlite.lock._lock_first_byte", refuse)

    try:
        open_repository(url_of(tmp_path / "rolecall.db")).close()
        answer = "opened"
    except RoleError as error:
        answer = type(error).__name__

    assert answer == outcome


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no lock of bytes that belongs to an open file")
def test_of_a_store_in_use_only_the_first_byte_is_locked(tmp_path: Path) -> None:
    # Which byte it is is agreed between all versions; SQLite locks others, far behind it.
    path = tmp_path / "rolecall.db"
    with closing(open_repository(url_of(path))), path.open("r+b") as other:
        locked = [at for at in (0, 1, 2, 1_000) if not may_lock(other.fileno(), at)]

    assert locked == [0]


def may_lock(file: int, at: int) -> bool:
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
    except BlockingIOError:
        return False
    return True


def test_a_store_that_was_renamed_under_its_server_is_in_use(tmp_path: Path) -> None:
    path, moved = tmp_path / "rolecall.db", tmp_path / "moved.db"
    first = open_repository(url_of(path))
    path.rename(moved)

    answer = opened_elsewhere(moved)
    first.close()

    assert answer.startswith("StoreBusyError")


def test_a_store_that_a_server_uses_is_not_copied_by_a_hard_link(tmp_path: Path) -> None:
    path, link = tmp_path / "rolecall.db", tmp_path / "link.db"
    open_repository(url_of(path)).close()
    os.link(path, link)
    serving = python(
        "-c",
        "import sys, time; from rolecall.storage import open_repository\n"
        "store = open_repository(sys.argv[1]); print('open', flush=True); time.sleep(600)",
        url_of(path),
    )
    assert serving.stdout is not None
    serving.stdout.readline()

    with pytest.raises(StoreBusyError), open_admin_store(url_of(link)).snapshot_transaction():
        pytest.fail("not reached")
    stop(serving)
