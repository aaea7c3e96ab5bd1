from __future__ import annotations

import datetime as dt
import errno
import io
import json
import logging
from pathlib import Path

import pytest

from rolecall.observability.logs import FORMATS, LEVELS, adopt_standard_logging, make_logger


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

    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["level"], line["logger"], line["message"]) == (
        "library", "warning", "some.dependency", "from afar",
    )  # fmt: skip


def test_errors_of_libraries_are_errors_with_their_traceback_and_their_information_is_left_out() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("some.dependency")
    logger.setLevel(logging.DEBUG)

    with adopt_standard_logging(make_logger("info", "json", stream)):
        logger.info("not this")
        try:
            int("x")
        except ValueError:
            logger.exception("failed")
        logger.critical("worse")

    failed, worse = map(json.loads, stream.getvalue().splitlines())
    assert (failed["level"], failed["message"], "Traceback" in failed["exception"]) == ("error", "failed", True)
    assert (worse["level"], worse["message"], "exception" in worse) == ("error", "worse", False)


def test_a_line_of_json_has_its_level_its_time_and_what_it_is_given() -> None:
    stream = io.StringIO()

    make_logger("info", "json", stream).info("e", path=Path("/x"), number=1)

    line = json.loads(stream.getvalue())
    assert dt.datetime.fromisoformat(line.pop("timestamp")).utcoffset() == dt.timedelta(0)
    assert line == {"event": "e", "level": "info", "path": "/x", "number": 1}


def test_a_line_of_a_console_has_its_time_its_level_and_what_it_is_given() -> None:
    stream = io.StringIO()

    make_logger("info", "console", stream).warning("e", path=Path("/x"), number=1)

    time, rest = stream.getvalue().split(maxsplit=1)
    assert dt.datetime.fromisoformat(time).utcoffset() == dt.timedelta(0)
    assert rest.split() == ["[warning", "]", "e", "number=1", "path=PosixPath('/x')"]


@pytest.mark.parametrize("number", range(4))
def test_a_level_is_one_of_four_and_passes_over_those_below_it(number: int) -> None:
    levels, stream = ("debug", "info", "warning", "error"), io.StringIO()

    log = make_logger(levels[number], "json", stream)
    for level in levels:
        getattr(log, level)("e")

    assert levels == LEVELS
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == [*levels[number:]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("form", "stream", "json_lines", "colors"),
    [
        ("auto", io.StringIO(), True, False),
        ("auto", Terminal(), False, True),
        ("json", Terminal(), True, False),
        ("console", io.StringIO(), False, False),
        ("console", Terminal(), False, True),
    ],
)
def test_the_form_is_given_or_that_of_the_stream(
    form: str, stream: io.StringIO, json_lines: bool, colors: bool
) -> None:
    make_logger("info", form, stream).info("e")

    assert form in FORMATS
    assert len(FORMATS) == 3
    assert stream.getvalue().startswith("{") is json_lines
    assert ("\x1b[" in stream.getvalue()) is colors


@pytest.mark.parametrize("number", [0x00, 0x1F, 0x7F, 0x80, 0x9F, 0x2028, 0x2029])
def test_every_control_character_is_escaped_on_a_console(number: int) -> None:
    stream = io.StringIO()

    make_logger("info", "console", stream).info("e", text=f"<{chr(number)}>")

    escaped = f"\\u{number:04x}" if number > 0xFF else f"\\x{number:02x}"
    assert f"<{escaped}>" in stream.getvalue()


@pytest.mark.parametrize("number", [0x20, 0x7E, 0xA0, 0xE9, 0x2027, 0x202A, 0x1F600])
def test_every_other_character_is_shown_on_a_console_as_it_is(number: int) -> None:
    stream = io.StringIO()

    make_logger("info", "console", stream).info("e", text=f"<{chr(number)}>")

    assert f"<{chr(number)}>" in stream.getvalue()


def test_a_traceback_on_a_console_keeps_its_lines_and_loses_its_control_characters() -> None:
    stream = io.StringIO()
    try:
        int("a\x1b[2Jb")
    except ValueError as error:
        make_logger("info", "console", stream).error("e", exc_info=error)

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") > 3
