from __future__ import annotations

import errno
import io
import json
import logging

import pytest

from rolecall.observability.logs import adopt_standard_logging, make_logger


def test_an_event_is_one_line_of_json_whatever_it_says() -> None:
    stream = io.StringIO()

    make_logger("info", "json", stream).warning("e", text='a\nb\r{"level": "error"}\x1b[2J\x7f\u2028')

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["text"] == 'a\nb\r{"level": "error"}\x1b[2J\x7f\u2028'
    assert line.isprintable()


def test_a_console_shows_no_control_character_of_a_caller() -> None:
    stream = io.StringIO()

    make_logger("info", "console", stream).info("e", text="a\nb\x1b[2J")

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_lower_levels_are_passed_over() -> None:
    stream = io.StringIO()
    log = make_logger("warning", "json", stream)

    log.info("no")
    log.warning("yes")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["yes"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_error_is_logged_with_its_traceback(form: str) -> None:
    stream = io.StringIO()
    try:
        int("what went wrong")
    except ValueError as error:
        make_logger("info", form, stream).error("e", exc_info=error)

    assert "Traceback" in stream.getvalue()
    assert "what went wrong" in stream.getvalue()


class Disk(io.StringIO):
    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "no space left on device")
        return super().write(text)


# Row 74 of the faults.
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_full_disk_loses_lines_and_counts_them(form: str) -> None:
    disk = Disk()
    log = make_logger("info", form, disk)

    disk.full = True
    log.warning("lost")
    log.error("lost, too")
    disk.full = False
    log.warning("kept")
    log.warning("kept, too")

    first, *others = disk.getvalue().splitlines()
    assert "log_lines_lost" in first
    assert "2" in first
    assert ["kept" in line for line in others] == [True, True]


def test_a_line_about_lost_lines_is_a_line_like_others() -> None:
    disk = Disk()
    log = make_logger("info", "json", disk)

    disk.full = True
    log.info("lost")
    disk.full = False
    log.info("kept")

    assert json.loads(disk.getvalue().splitlines()[0]) == {"event": "log_lines_lost", "level": "warning", "lines": 1}


def test_what_libraries_log_is_led_here_until_left() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("some.dependency")

    with adopt_standard_logging(make_logger("info", "json", stream)):
        logger.warning("from %s", "afar")
    logger.warning("later")

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["from afar"]
