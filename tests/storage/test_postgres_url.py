"""The URL of a database: the defaults that it leaves, what it cannot change, and connections that cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.storage.postgres.timeouts import ResponseTimeout, TimedConnection
from rolecall.storage.postgres.url import connect, parse_url


def test_a_url_leaves_the_limits_of_a_connection_as_they_are() -> None:
    found = parse_url("postgresql://app@db:6432/roles")

    assert found == {
        "host": "db",
        "port": "6432",
        "dbname": "roles",
        "user": "app",
        "application_name": "rolecall",
        "connect_timeout": 5,
        "keepalives": 1,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "client_encoding": "UTF8",
    }
    # A peer that vanishes is detected within about 30 seconds on an idle connection.
    idle, interval, count = (found[f"keepalives_{name}"] for name in ("idle", "interval", "count"))
    assert isinstance(idle, int)
    assert isinstance(interval, int)
    assert isinstance(count, int)
    assert idle + interval * count == 30


def test_a_url_may_say_otherwise_but_for_the_encoding() -> None:
    found = parse_url(
        "postgresql://db/roles?application_name=mine&connect_timeout=7&keepalives=0&client_encoding=LATIN1"
    )

    assert [found[name] for name in ("application_name", "connect_timeout", "keepalives")] == ["mine", "7", "0"]
    assert found["client_encoding"] == "UTF8"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@[h/d",
        "postgresql://u:s3cret@h/d?none=1",
        "postgresql://h/s3cret\0",
        "postgresql://h/s3cret\ud800",
    ],
)
def test_a_url_that_does_not_parse_is_not_quoted(url: str) -> None:
    with pytest.raises(StoreUnsupportedError) as caught:
        parse_url(url)

    assert str(caught.value) == (
        "the URL of the database does not parse; give `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`"
        " with `%` escapes for special characters and options of libpq only"
    )
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.OperationalError("s3cret: connection refused"), "nothing listens at its address"),
        (ValueError("bad value for connect_timeout: 's3cret'"), "an option of its URL has an invalid value"),
        (OSError("s3cret: timed out"), "it does not answer in time"),
    ],
    ids=["refused", "a value", "the system"],
)
def test_a_connection_that_cannot_be_made_is_an_outage_without_secrets(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(TimedConnection, "connect", refuse)

    with pytest.raises(StoreUnavailableError) as caught:
        connect(parse_url("postgresql://h/d"))

    assert str(caught.value) == f"cannot connect to the database: {reason}"
    assert caught.value.__context__ is None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """Make no connection; give the arguments with which one would have been made."""
    given: list[dict[str, Any]] = []

    class Made:
        response_timeout: ResponseTimeout | None = None

    def note(**parameters: Any) -> Made:
        given.append(parameters)
        return Made()

    monkeypatch.setattr(TimedConnection, "connect", note)
    return given.pop


def test_a_connection_begins_transactions_itself_and_prepares_nothing(made: Callable[[], dict[str, Any]]) -> None:
    timeout = ResponseTimeout(7)

    connection = connect(parse_url("postgresql://h/d"), response_timeout=timeout)

    assert made() == {**parse_url("postgresql://h/d"), "autocommit": True, "prepare_threshold": None}
    assert connection.response_timeout is timeout  # type: ignore[attr-defined]


def test_a_store_that_is_closed_connects_no_more(made: Callable[[], dict[str, Any]]) -> None:
    timeout = ResponseTimeout(7)
    timeout.shorten()

    with pytest.raises(StoreUnavailableError, match=r"^the store is closed$"):
        connect(parse_url("postgresql://h/d"), response_timeout=timeout)
    with pytest.raises(IndexError):
        made()
