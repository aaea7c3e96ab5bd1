"""How a connection waits for the database, and when it gives up: the library's operations run on a clock that the test sets."""

from __future__ import annotations

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from rolecall.storage.postgres import timeouts as module
from rolecall.storage.postgres.driver import TIMEOUTS
from rolecall.storage.postgres.timeouts import CLOSING_SECONDS, ResponseTimeout, TimedConnection


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(module, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Operation:
    """An operation of the library, which ends with a value after some answers; notes what it is sent."""

    def __init__(self, answers: int) -> None:
        self.sent, self.closed, self._answers = list[object](), False, answers

    def __iter__(self) -> Generator[str, object, str]:
        try:
            for number in range(self._answers):
                self.sent.append((yield f"wait {number}"))
        except GeneratorExit:
            self.closed = True
            raise
        return "value"


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> TimedConnection:
    made = object.__new__(TimedConnection)
    made.finished = []  # type: ignore[attr-defined]
    finish = SimpleNamespace(finish=lambda: made.finished.append(True), status=psycopg.pq.ConnStatus.BAD)  # type: ignore[attr-defined]
    monkeypatch.setattr(made, "pgconn", finish, raising=False)
    return made


def answered(timed: Generator[Any, Any, Any], *answers: object) -> object:
    """Send the answers to an operation that has begun; return what it ends with."""
    *before, last = answers
    for answer in before:
        timed.send(answer)
    with pytest.raises(StopIteration) as ended:
        timed.send(last)
    return ended.value.value


def test_everything_passes_between_the_library_and_its_operation(connection: TimedConnection, clock: Clock) -> None:
    operation = Operation(3)
    timed = connection._with_timeout(iter(operation), ResponseTimeout(60))

    wanted = [next(timed), timed.send("one"), timed.send(None)]
    value = answered(timed, "three")

    assert (wanted, operation.sent) == (["wait 0", "wait 1", "wait 2"], ["one", None, "three"])
    assert (value, connection.finished) == ("value", [])  # type: ignore[attr-defined]


def test_an_operation_that_ends_at_once_has_its_value(connection: TimedConnection, clock: Clock) -> None:
    timed = connection._with_timeout(iter(Operation(0)), ResponseTimeout(60))

    with pytest.raises(StopIteration) as ended:
        next(timed)

    assert ended.value.value == "value"


def test_each_answer_gives_the_database_its_whole_time_again(connection: TimedConnection, clock: Clock) -> None:
    operation = Operation(4)
    timed = connection._with_timeout(iter(operation), ResponseTimeout(60))
    next(timed)

    for answer, passed in ((None, 50), ("bytes", 20), (None, 60)):
        clock.now += passed
        timed.send(answer)
    clock.now += 0.1
    with pytest.raises(psycopg.OperationalError) as caught:
        timed.send(None)

    assert str(caught.value) == "the database has not answered in time: timed out"
    assert operation.closed
    assert connection.finished == [True]  # type: ignore[attr-defined]


def test_an_answer_that_comes_late_is_accepted(connection: TimedConnection, clock: Clock) -> None:
    timed = connection._with_timeout(iter(Operation(1)), ResponseTimeout(60))
    next(timed)
    clock.now += 1_000

    assert answered(timed, "bytes") == "value"


def test_the_silence_is_that_since_the_operation_began(connection: TimedConnection, clock: Clock) -> None:
    operation = iter(Operation(1))
    clock.now += 1_000
    timed = connection._with_timeout(operation, ResponseTimeout(60))
    next(timed)
    clock.now += 60

    assert answered(timed, None) == "value"


def test_an_operation_waits_through_the_library_with_the_timeout_of_its_connection(
    connection: TimedConnection, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = list[tuple[object, ...]]()

    def wait(of: object, gen: Generator[Any, Any, Any], *arguments: object, **options: object) -> object:
        given.append((of, gen, arguments, options))
        next(gen)
        clock.now += 61
        return answered(gen, None)

    monkeypatch.setattr(psycopg.Connection, "wait", wait)
    operation = iter(Operation(1))

    untimed = connection.wait(operation, 7, interval=3)
    connection.response_timeout = ResponseTimeout(60)
    with pytest.raises(psycopg.OperationalError, match="has not answered in time"):
        connection.wait(iter(Operation(1)), 7, interval=3)
    connection.response_timeout = ResponseTimeout(62)
    timed = connection.wait(iter(Operation(1)), 7, interval=3)

    assert (untimed, timed) == ("value", "value")
    assert given[0] == (connection, operation, (7,), {"interval": 3})
    assert [(of, arguments, options) for of, _, arguments, options in given] == [
        (connection, (7,), {"interval": 3})
    ] * 3


def test_a_connection_has_no_response_timeout_unless_one_is_set() -> None:
    assert TimedConnection.response_timeout is None


def test_a_writer_that_waits_for_another_is_answered_before_a_closing_store_gives_up() -> None:
    assert TIMEOUTS.lock / 1_000 < CLOSING_SECONDS < TIMEOUTS.idle / 1_000


def test_a_shortened_timeout_never_takes_longer_than_before(clock: Clock) -> None:
    timeout = ResponseTimeout(1)
    began = clock.now

    timeout.shorten()
    clock.now += 1.1

    assert timeout.exceeded(began)


@pytest.mark.parametrize(("silent_since", "given_up_after"), [(990.0, 4.0), (1_000.0, 4.0), (1_002.0, 6.0)])
def test_a_shortened_timeout_counts_from_the_call_or_from_a_later_answer(
    clock: Clock, silent_since: float, given_up_after: float
) -> None:
    timeout = ResponseTimeout(60)
    timeout.shorten()

    clock.now = 1_000 + given_up_after
    at_the_limit = timeout.exceeded(silent_since)
    clock.now += 0.1

    assert (at_the_limit, timeout.exceeded(silent_since)) == (False, True)


def test_a_second_call_does_not_extend_a_shortened_timeout(clock: Clock) -> None:
    timeout = ResponseTimeout(60)
    before = timeout.shortened
    timeout.shorten()
    clock.now += 3
    timeout.shorten()
    clock.now += 1.1

    assert (before, timeout.shortened, timeout.exceeded(990)) == (False, True, True)


def test_a_timeout_that_was_not_shortened_lasts_its_own_seconds(clock: Clock) -> None:
    timeout = ResponseTimeout(60)
    at_the_limit = timeout.exceeded(940)
    clock.now += 0.1

    assert (timeout.seconds, at_the_limit, timeout.exceeded(940)) == (60, False, True)
