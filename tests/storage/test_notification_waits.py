"""When notifications connect, listen, pause and end, with a database and a clock that the test controls."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import psycopg
import pytest

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.postgres import notifications as module
from rolecall.storage.postgres.notifications import PostgresNotifications
from rolecall.storage.postgres.timeouts import ResponseTimeout

AWAY = StoreUnavailableError("away")
BROKEN = psycopg.OperationalError("broken")
Result = Exception | list[object]


class Clock:
    """A clock on which time passes only in waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self._left = 100.0, 2_000
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=self._look))
        monkeypatch.setattr(module, "random", SimpleNamespace(uniform=self._uniform))

    def pass_by(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def _look(self) -> float:
        self._left -= 1
        assert self._left, "no wait has made time pass"
        return self.now

    def _uniform(self, low: float, high: float) -> float:
        assert (low, high) == (0.5, 1)
        return 0.75


class Connection:
    """A connection that gives one result after the other, each after the whole wait, and then hears nothing."""

    def __init__(self, clock: Clock, *results: Result, listens: bool = True, closes: bool = True) -> None:
        self.waits, self.executed = list[tuple[float, int]](), list[str]()
        self._clock, self._results, self._listens, self._closes = clock, list(results), listens, closes

    def execute(self, statement: str) -> None:
        self.executed.append(statement)
        if not self._listens:
            raise BROKEN

    def notifies(self, *, timeout: float, stop_after: int) -> list[object]:
        self.waits.append((timeout, stop_after))
        self._clock.pass_by(timeout)
        result = self._results.pop(0) if self._results else []
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        self.executed.append("close")
        if not self._closes:
            raise BROKEN


class Database:
    """A database to which each attempt to connect ends as given, and every later one fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: Clock, *attempts: Connection) -> None:
        self.clock, self.tried_at, self.timeout = clock, list[float](), ResponseTimeout(1)
        self._attempts = list(attempts)
        self.notifications = PostgresNotifications(self._connect, self.timeout)
        monkeypatch.setattr(self.notifications._closed, "wait", clock.pass_by)

    def _connect(self) -> psycopg.Connection:
        self.tried_at.append(round(self.clock.now, 6))
        if not self._attempts:
            raise AWAY
        return self._attempts.pop(0)  # type: ignore[return-value]

    @property
    def pauses(self) -> list[float]:
        """Return the times between two attempts."""
        return [round(later - before, 6) for before, later in zip(self.tried_at, self.tried_at[1:], strict=False)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Callable[..., Database]:
    return lambda *attempts: Database(monkeypatch, clock, *attempts)


def test_no_connection_is_made_before_the_first_wait(database: Callable[..., Database], clock: Clock) -> None:
    made = database(Connection(clock))

    assert not made.notifications.wait(0)
    assert made.tried_at == []
    assert not made.notifications.wait(1)
    assert made.tried_at == [100.0]


def test_a_wait_looks_every_quarter_of_a_second_whether_it_is_to_end(
    database: Callable[..., Database], clock: Clock
) -> None:
    connection = Connection(clock)

    notified = database(connection).notifications.wait(0.625)

    assert notified is False
    assert connection.waits == [(0.25, 1), (0.25, 1), (0.125, 1)]
    assert connection.executed == ["LISTEN rolecall"]


def test_a_wait_ends_with_the_first_notification(database: Callable[..., Database], clock: Clock) -> None:
    connection = Connection(clock, [], [None], [None])
    made = database(connection)

    found = [made.notifications.wait(10), made.notifications.wait(10), made.notifications.wait(0.25)]

    assert (found, len(connection.waits)) == ([True, True, False], 4)
    assert connection.executed == ["LISTEN rolecall"]


def test_notifications_that_are_closed_close_their_connection_and_wait_no_more(
    database: Callable[..., Database], clock: Clock
) -> None:
    connection = Connection(clock)
    made = database(connection)
    made.notifications.wait(1)

    made.notifications.close()
    made.notifications.close()

    assert connection.executed == ["LISTEN rolecall", "close"]
    assert made.timeout.shortened
    assert not made.notifications.wait(10)
    assert (made.tried_at, len(connection.waits)) == ([100.0], 4)


def test_a_connection_that_cannot_be_closed_is_given_up(database: Callable[..., Database], clock: Clock) -> None:
    made = database(Connection(clock, closes=False))
    made.notifications.wait(1)

    made.notifications.close()

    assert made.notifications._connection is None


def test_pauses_between_attempts_to_connect_double_up_to_a_limit(database: Callable[..., Database]) -> None:
    made = database()

    notified = made.notifications.wait(80)

    # Three quarters of 0.2 seconds, which double up to 15 seconds.
    assert made.pauses[:9] == [0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 11.25, 11.25]
    assert not notified


def test_a_wait_ends_in_time_though_the_next_attempt_to_connect_is_later(
    database: Callable[..., Database], clock: Clock
) -> None:
    made = database()
    made.notifications.wait(50)
    began, attempts = clock.now, len(made.tried_at)

    made.notifications.wait(0.1)

    assert (round(clock.now - began, 6), len(made.tried_at)) == (0.1, attempts)


def test_a_connection_on_which_it_cannot_listen_is_closed_and_replaced_after_a_pause(
    database: Callable[..., Database], clock: Clock
) -> None:
    broken, sound = Connection(clock, listens=False), Connection(clock, [None])
    made = database(broken, sound)

    notified = made.notifications.wait(10)

    assert broken.executed == ["LISTEN rolecall", "close"]
    assert (broken.waits, made.pauses, sound.executed) == ([], [0.15], ["LISTEN rolecall"])
    # The first connection never listened, so nothing was missed: only the notification ends the wait.
    assert notified
    assert len(sound.waits) == 1


def test_a_connection_that_breaks_is_replaced_after_a_pause_and_that_counts_as_a_notification(
    database: Callable[..., Database], clock: Clock
) -> None:
    broken, sound = Connection(clock, [], BROKEN), Connection(clock)
    made = database(broken, sound)

    found = [made.notifications.wait(1), made.notifications.wait(1)]

    assert found == [True, False]
    assert broken.executed == ["LISTEN rolecall", "close"]
    assert (len(broken.waits), len(sound.waits)) == (2, 4)
    # It broke half a second after it was made.
    assert made.pauses == [0.65]


def test_the_pause_is_short_again_after_a_connection(database: Callable[..., Database], clock: Clock) -> None:
    made = database(*(Connection(clock, listens=False) for _ in range(3)), Connection(clock, BROKEN), Connection(clock))

    notified = made.notifications.wait(30)

    assert notified
    # The fourth connection broke after a quarter of a second.
    assert made.pauses == [0.15, 0.3, 0.6, 0.4]
