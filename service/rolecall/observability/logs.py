"""Logs: one event per line, as JSON or for a console, with control characters escaped."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "json", "console")

_LOST_JSON = '{{"event": "log_lines_lost", "level": "warning", "lines": {}}}\n'
_LOST_CONSOLE = "log_lines_lost lines={}\n"

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES |= {0x2028: "\\u2028", 0x2029: "\\u2029"}
_ESCAPES_BUT_LINES = {code: escape for code, escape in _ESCAPES.items() if chr(code) != "\n"}


def make_logger(level: str, form: str, stream: TextIO | None = None) -> FilteringBoundLogger:
    """Return a logger that writes events of `level` and above; `form` auto is console on a terminal and JSON elsewhere."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Lines(stream, lost=_LOST_CONSOLE if console else _LOST_JSON),
        processors=_processors(console=console, colors=console and stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
    )
    return logger


@contextmanager
def adopt_standard_logging(logger: FilteringBoundLogger) -> Iterator[None]:
    """Write the warnings and errors of libraries (grpc, asyncio, SQLAlchemy) to `logger`, until exit."""
    handler, root = _LibraryHandler(logger), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Lines(structlog.WriteLogger):
    """Writes lines; those that the stream refuses are lost, and counted in a line once it accepts one."""

    def __init__(self, stream: TextIO, *, lost: str) -> None:
        super().__init__(stream)
        self._stream, self._lost_line, self._lost = stream, lost, 0

    def msg(self, message: str) -> None:
        """Write a line."""
        try:
            if self._lost:
                self._stream.write(self._lost_line.format(self._lost))
                self._lost = 0
            super().msg(message)
        except OSError:
            # A full disk must not stop what logs.
            self._lost += 1

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _LibraryHandler(logging.Handler):
    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        write = self._logger.error if record.levelno >= logging.ERROR else self._logger.warning
        write("library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info or None)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _processors(*, console: bool, colors: bool) -> list[Processor]:
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    if console:
        return [*shared, _escaped, structlog.dev.ConsoleRenderer(colors=colors)]
    # JSON escapes control characters by itself, and all that is not ASCII.
    return [*shared, structlog.processors.JSONRenderer(default=str)]


def _escaped(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:  # noqa: ARG001
    """Escape control characters, so that input from a caller cannot forge a line or control the terminal."""
    return {key: _visible(key, value) for key, value in event.items()}


def _visible(key: str, value: object) -> object:
    escapes = _ESCAPES_BUT_LINES if key == "exception" else _ESCAPES
    return value.translate(escapes) if isinstance(value, str) else value
