"""What a server logs of its callers file: how it starts, what changes, what is broken, and what rights would deny."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.callers.credential import LOCAL
from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.callers.granted import ONLY_CHECKS
from rolecall.server.callers import CallersFileError, ServerCallers, open_callers
from tests.server.serving import Log, config, log_lines, logger
from tests.server.test_callers import LOCAL_DECIDER, NOW


@pytest.fixture
def log() -> Log:
    return logger()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "callers.yaml"
    path.write_text(LOCAL_DECIDER)
    return path


def broken(count: int) -> InvalidCallersError:
    return InvalidCallersError(CallersViolation(pointer=f"/{n}", reason="R", message="wrong") for n in range(count))


@pytest.mark.parametrize(
    ("count", "rest"), [(1, ""), (3, ""), (4, "; and 1 more, which `rolecall callers check FILE` lists"), (9, "; and 6 more, which `rolecall callers check FILE` lists")]
)  # fmt: skip
def test_three_violations_of_a_broken_file_are_shown_and_the_others_counted(count: int, rest: str) -> None:
    shown = "; ".join(f"/{number}: wrong" for number in range(min(count, 3)))

    assert str(CallersFileError("FILE", broken(count))) == f"--callers: {shown}{rest}"


def test_the_start_is_logged_with_the_file_and_the_date(path: Path, log: Log) -> None:
    callers = open_callers(config(callers=str(path), callers_observe_until="2026-01-31"), log.logger, NOW)
    without = open_callers(config(), log.logger, NOW)

    callers.log_start()
    without.log_start()

    assert log_lines(log.stream) == [
        {"event": "callers", "level": "info", "generation": callers.directory.generation, "entries": 1},
        {"event": "rights_observed", "level": "warning", "until": "2026-01-31T00:00:00Z"},
    ]
    assert (without.reloading, without.observe) == (None, None)
    assert callers.directory.observe is callers.observe is not None


def test_a_change_is_logged_with_its_generation_and_a_broken_file_with_the_one_in_use(path: Path, log: Log) -> None:
    callers: ServerCallers = open_callers(config(callers=str(path)), log.logger, NOW)

    callers._log_change(broken(1))
    callers._log_change(None)

    generation = callers.directory.generation
    assert log_lines(log.stream) == [
        {"event": "callers_kept", "level": "warning", "error": "--callers: /0: wrong", "generation": generation},
        {"event": "callers", "level": "info", "generation": generation, "entries": 1},
    ]


def test_a_broken_file_is_logged_with_the_command_that_lists_all_its_errors(path: Path, log: Log) -> None:
    callers = open_callers(config(callers=str(path)), log.logger, NOW)

    callers._log_change(broken(5))

    (line,) = log_lines(log.stream)
    assert line["error"].endswith(f"/2: wrong; and 2 more, which `rolecall callers check {path}` lists")


async def test_without_a_file_nothing_is_watched_and_nothing_logged(log: Log) -> None:
    callers = open_callers(config(), log.logger, NOW, without_file=ONLY_CHECKS)

    await callers.watch_files()
    callers._log_change(None)

    assert log_lines(log.stream) == []
    assert callers.directory.caller(LOCAL, source_ip="", secure=False).policies == ("RolecallChecker",)
