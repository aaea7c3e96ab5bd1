"""What a database that fails, hangs or refuses comes to: an error that says so, in bounded time, without secrets."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest

from rolecall.roles.errors import RoleError, StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.postgres import driver
from rolecall.storage.postgres.driver import Timeouts, open_postgres
from tests.postgres import PATIENCE_SECONDS, PostgresServer
from tests.storage.samples import all_commits, assert_chained, author, create, creating, nothing
from tests.storage.stores import database_of

pytestmark = pytest.mark.long

CANARY = "c4n4ry"


# --- a database that is away


def test_a_store_is_opened_while_the_database_is_away_and_each_use_says_so() -> None:
    repository = open_repository("postgresql://127.0.0.1:1/none")

    for use in (repository.head, lambda: repository.token_key, lambda: create(repository, "App"), repository.census):
        with pytest.raises(
            StoreUnavailableError, match="cannot connect to the database: nothing listens at its address"
        ):
            use()

    repository.close()


def test_the_first_use_after_a_restart_of_the_database_succeeds(
    postgres_server: PostgresServer, repository: RoleRepository
) -> None:
    create(repository, "App")
    key = repository.token_key
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: repository.head(), range(8)))

    postgres_server.restart("immediate")

    assert create(repository, "Next")[0].revision == 2
    assert repository.token_key == key
    with ThreadPoolExecutor(4) as threads:
        assert {head.revision for head in threads.map(lambda _: repository.head(), range(8))} == {2}


def test_a_key_that_was_read_is_available_while_the_database_is_away(
    postgres_server: PostgresServer, repository: RoleRepository
) -> None:
    key = repository.token_key

    postgres_server.stop("immediate")
    while_away = repository.token_key
    with pytest.raises(StoreUnavailableError):
        repository.head()
    postgres_server.start()

    assert while_away == key
    assert repository.head().revision == 0


def cut_connections(server: PostgresServer, store: str) -> None:
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database_of(store)}'")


def test_a_connection_that_breaks_in_a_write_undoes_it(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    def work(transaction: Transaction) -> None:
        creating("App")(transaction)
        cut_connections(postgres_server, store)

    with pytest.raises(StoreUnavailableError):
        repository.transact(author(), work)

    assert repository.head().revision == 0
    assert create(repository, "App")[0].revision == 1


def test_a_connection_that_breaks_at_the_commit_says_that_the_outcome_is_not_known(
    postgres_server: PostgresServer, store: str, repository: RoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = repository._driver  # type: ignore[attr-defined]
    notify = driver.notify

    def announce_and_break(connection: Any, revision: Any) -> None:
        notify(connection, revision)
        cut_connections(postgres_server, store)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "notify", announce_and_break)
        with pytest.raises(StoreUnavailableError):
            create(repository, "App")

    assert_chained(repository)
    assert repository.head().revision == len(all_commits(repository)) == len(list(repository.load()))


def test_more_reads_than_connections_wait_and_then_say_so(
    repository: RoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = repository._engine.pool  # type: ignore[attr-defined]
    monkeypatch.setattr(pool, "_timeout", 0.2)
    held = [pool.connect() for _ in range(driver.MAX_CONNECTIONS)]

    with pytest.raises(StoreUnavailableError, match=f"all {driver.MAX_CONNECTIONS} connections .* are in use"):
        repository.head()

    for connection in held:
        connection.close()
    assert repository.head().revision == 0


def test_a_database_without_connections_to_spare_says_so(postgres_server: PostgresServer, store: str) -> None:
    name = database_of(store)
    postgres_server.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    repository = open_repository(store)

    with pytest.raises(StoreUnavailableError, match="too many connections"):
        repository.head()

    postgres_server.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    assert repository.head().revision == 0
    repository.close()


def test_a_commit_is_durable_where_the_database_would_not_wait_for_the_disk(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    found = []

    def work(transaction: Transaction) -> None:
        rows = transaction._connection.exec_driver_sql("SHOW synchronous_commit")  # type: ignore[attr-defined]
        found.append(rows.scalar_one())

    for setting in ("off", "remote_apply"):
        postgres_server.execute(f"ALTER DATABASE {database_of(store)} SET synchronous_commit = {setting}")
        fresh = open_repository(store)
        fresh.transact(author(), work)
        fresh.close()
    postgres_server.execute(f"ALTER DATABASE {database_of(store)} RESET synchronous_commit")

    assert found == ["on", "remote_apply"]


# --- a database that may not be written to


def test_a_standby_is_refused_for_reads_and_writes_until_it_is_promoted(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    # Row 68 of the faults.
    made = create(repository, "App")
    standby = postgres_server.make_standby()
    there = open_repository(standby.url_of(database_of(store)))

    for use in (there.head, lambda: list(there.load()), lambda: create(there, "Other"), lambda: there.token_key):
        with pytest.raises(StoreUnavailableError, match="the database is a standby; give the address of the primary"):
            use()
    standby.promote()

    assert list(there.load()) == made
    assert create(there, "Other")[0].revision == 2
    there.close()
    standby.close()


def test_the_primary_is_found_among_several_hosts(postgres_server: PostgresServer, store: str) -> None:
    # Row 68 of the faults.
    standby = postgres_server.make_standby()
    hosts = f"127.0.0.1:{standby.port},127.0.0.1:{postgres_server.port}"
    repository = open_repository(
        store.replace(f"127.0.0.1:{postgres_server.port}", hosts) + "?target_session_attrs=read-write"
    )

    assert create(repository, "Found")

    repository.close()
    standby.close()


def test_a_primary_that_is_read_only_refuses_writes_and_serves_reads(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    # Row 68 of the faults.
    made = create(repository, "App")
    name = database_of(store)
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    sealed = open_repository(store)

    with pytest.raises(StoreUnavailableError, match="it is read-only"):
        create(sealed, "Other")
    with pytest.raises(StoreUnavailableError, match="it is read-only"):
        sealed.rename_history(sealed.head().incarnation)

    assert (list(sealed.load()), sealed.head().revision) == (made, 1)
    postgres_server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    sealed.close()


# --- a writer that hangs


def test_a_hung_writer_makes_others_fail_in_time_and_is_freed(store: str, repository: RoleRepository) -> None:
    # Row 72 of the faults.
    hung = open_postgres(store, Timeouts(idle=2_000))
    others = open_postgres(store, Timeouts(lock=300))
    holds, let_go = threading.Event(), threading.Event()

    def hang(transaction: Transaction) -> None:
        creating("Hung")(transaction)
        holds.set()
        let_go.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(hung.transact, author(), hang)
        holds.wait(PATIENCE_SECONDS)
        with pytest.raises(StoreUnavailableError, match="another writer has locked the store; try again"):
            create(others, "Kept out")
        read_meanwhile = others.head().revision, list(others.load())
        freed = written_before(PATIENCE_SECONDS, others)
        let_go.set()
        with pytest.raises(StoreUnavailableError, match=r"idle for too long; try again \(SQLSTATE 25P03\)"):
            hanging.result()

    assert read_meanwhile == (0, [])
    assert freed
    assert [role.role_name for role in repository.load()] == ["Freed"]
    assert_chained(repository)
    hung.close()
    others.close()


def written_before(seconds: float, repository: RoleRepository) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            create(repository, "Freed")
        except StoreUnavailableError:
            continue
        return True
    return False


def test_a_statement_that_takes_too_long_is_given_up(store: str) -> None:
    hasty = open_postgres(store, Timeouts(statement=200))

    def slow(transaction: Transaction) -> None:
        transaction._connection.exec_driver_sql("SELECT pg_sleep(60)")  # type: ignore[attr-defined]

    with pytest.raises(StoreUnavailableError, match=r"a statement took too long; try again \(SQLSTATE 57014\)"):
        hasty.transact(author(), slow)

    assert hasty.transact(author(), nothing) == (None, None)
    hasty.close()


def test_a_programming_mistake_is_not_an_outage(repository: RoleRepository) -> None:
    def wrong(transaction: Transaction) -> None:
        transaction._connection.exec_driver_sql("SELEC 1")  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="syntax error") as caught:
        repository.transact(author(), wrong)

    assert not isinstance(caught.value, RoleError)


# --- secrets


def no_secret(error: BaseException) -> None:
    """Assert that nothing of an error, nor of what it keeps of others, has the canary."""
    text = "".join(traceback.format_exception(error))
    assert CANARY not in text
    seen: BaseException | None = error
    while seen is not None:
        assert CANARY not in f"{seen!r}{seen}"
        seen = seen.__cause__ or seen.__context__


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://rolecall:{CANARY}@127.0.0.1:1/none",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/none",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://nobody:{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall:x@{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall:x/{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall:x?{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall:x#{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall:%{CANARY}@127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall:{CANARY}@no.such.host.invalid/rolecall",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/{CANARY}",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:{CANARY}/rolecall",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?{CANARY}=1",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?sslmode={CANARY}",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?connect_timeout={CANARY}",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?sslmode=require",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?sslrootcert=/none/{CANARY}&sslmode=verify-full",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?passfile=/none/{CANARY}",
        f"postgresql://rolecall:{CANARY}@127.0.0.1:PORT/rolecall?service={CANARY}",
        f"postgres://rolecall:{CANARY}@[127.0.0.1:PORT/rolecall",
        f"postgresql://rolecall@127.0.0.1:PORT/rolecall?password={CANARY}",
        f"postgresql://rolecall:{CANARY}\0@127.0.0.1:PORT/rolecall",
    ],
)
@pytest.mark.parametrize("use", [lambda url: open_repository(url).head(), migrate, schema_of])
def test_no_error_shows_a_password_or_a_url(
    url: str, use: Callable[[str], object], postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises((StoreUnavailableError, StoreUnsupportedError)) as caught:
        use(url.replace("PORT", str(postgres_server.port)))

    no_secret(caught.value)
    assert "\n" not in str(caught.value)
    assert CANARY not in caplog.text


def test_no_part_of_an_open_store_shows_its_password(postgres_server: PostgresServer, store: str) -> None:
    repository = open_repository(store)
    repository.head()
    engine, driver = repository._engine, repository._driver  # type: ignore[attr-defined]

    shown = [repr(part) for part in (repository, engine, engine.url, engine.pool, driver, repository.notifications())]

    assert all(postgres_server.password not in text for text in shown)
    repository.close()


def test_no_error_shows_a_document(repository: RoleRepository) -> None:
    create(repository, "App", document=CANARY)

    with pytest.raises(Exception, match="duplicate key") as caught:
        create(repository, "App", document=CANARY)

    no_secret(caught.value)


def test_settings_in_the_url_override_the_defaults(store: str) -> None:
    repository = open_repository(f"{store}?application_name=mine&connect_timeout=7")

    with closing(psycopg.connect(**repository._driver._parameters)) as connection:  # type: ignore[attr-defined]
        found = connection.info.get_parameters()

    assert (found["application_name"], found["connect_timeout"]) == ("mine", "7")
    assert found["tcp_user_timeout"] == "10000"
    repository.close()
