"""How `migrate` waits for a store: at which times it tries again, and what it reports. No test waits: the clock is replaced."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rolecall.cli.commands import migrate
from rolecall.roles.errors import StoreBusyError, StoreUnavailableError


class Clock:
    """A clock that moves only when the code sleeps, and notes at what time it was read by the work."""

    def __init__(self) -> None:
        self.now, self.tried = 1_000.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def failing(self, *errors: Exception) -> Callable[[], str]:
        """Return work that raises these errors, the last one for ever, and notes when it was tried."""
        left = [*errors]

        def work() -> str:
            self.tried.append(self.now - 1_000.0)
            raise left.pop(0) if len(left) > 1 else left[0]

        return work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(migrate, "time", clock)
    return clock


def test_a_store_that_is_reached_is_tried_once(clock: Clock) -> None:
    assert migrate._retry_until_reached(lambda: "0003", 60) == "0003"
    assert clock.now == 1_000.0


def test_a_store_is_tried_every_half_second_until_the_limit_and_then_once_more(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StoreUnavailableError, match="it is down"):
        migrate._retry_until_reached(clock.failing(StoreUnavailableError("it is down")), 1.25)

    assert clock.tried == [0.0, 0.5, 1.0, 1.25]
    assert capsys.readouterr().err == "waiting: it is down\n"


def test_without_a_time_to_wait_the_first_error_is_the_last(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoreUnavailableError):
        migrate._retry_until_reached(clock.failing(StoreUnavailableError("it is down")), 0)

    assert (clock.tried, capsys.readouterr().err) == ([0.0], "")


def test_another_reason_is_reported_when_it_appears(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work = clock.failing(*(StoreUnavailableError(why) for why in ("it is down", "it is down", "it starts")))

    with pytest.raises(StoreUnavailableError):
        migrate._retry_until_reached(work, 2)

    assert capsys.readouterr().err == "waiting: it is down\nwaiting: it starts\n"


def test_a_busy_store_is_not_waited_for_here(clock: Clock) -> None:
    with pytest.raises(StoreBusyError):
        migrate._retry_until_reached(clock.failing(StoreBusyError("busy")), 60)

    assert clock.tried == [0.0]


def busy(clock: Clock) -> Callable[[str], tuple[str, str]]:
    work = clock.failing(StoreBusyError("busy"))
    return lambda _url: (work(), "")


def test_a_migration_of_another_process_is_awaited(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter(["0002", "0002", "0003"])
    monkeypatch.setattr("rolecall.storage.schema_of", lambda _url: next(found))

    assert migrate._migrated(busy(clock), "sqlite:///x", "0003") == "0003"
    assert clock.tried == pytest.approx([0.0, 0.05, 0.1])


def test_a_store_that_stays_busy_is_given_up_after_ten_seconds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.storage.schema_of", lambda _url: "0002")

    with pytest.raises(StoreBusyError):
        migrate._migrated(busy(clock), "sqlite:///x", "0003")

    assert clock.tried[-1] == pytest.approx(10, abs=0.051)
    assert clock.tried[-2] < 10


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("", "", "s has no tables yet; this version needs 0003: run `rolecall migrate`"),
        ("0002", "0002", "s has schema 0002; this version needs 0003: run `rolecall migrate`"),
        ("0003", "0003", "s has schema 0003: nothing to do"),
        ("0004", "0004", "s has schema 0004, newer than 0003 but compatible with this version: nothing to do"),
        ("0002", "0003", "s was migrated from schema 0002 to 0003"),
        ("", "0003", "s was created with schema 0003"),
    ],
)
def test_what_was_done_is_one_sentence(before: str, after: str, sentence: str) -> None:
    assert migrate._sentence("s", before, after, "0003") == sentence
