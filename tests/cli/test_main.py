"""How the program begins and ends: its signals, its streams, and what becomes of an exception."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

import pytest
import typer

from rolecall.cli import entry
from rolecall.cli.failure import CommandError
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.text.terminal import finish_output, open_closed_streams
from tests.cli.conftest import CommandLine


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, Callable[[int, object], None]]:
    """Return the handlers of signals that are set, instead of setting them."""
    made: dict[int, Callable[[int, object], None]] = {}
    monkeypatch.setattr(signal, "signal", made.__setitem__)
    return made


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str, code: int = 7) -> tuple[list[Any], object]:
    """Return what `main` runs, and the code with which it exits."""
    given: list[Any] = []

    def run(words: list[str]) -> int:
        given.append(words)
        return code

    monkeypatch.setattr(sys, "argv", ["rolecall", *arguments])
    monkeypatch.setattr(entry, "run", run)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    return given, ended.value.code


def test_the_program_runs_its_arguments_and_exits_with_the_code(
    monkeypatch: pytest.MonkeyPatch, handlers: dict[int, Any]
) -> None:
    assert ran(monkeypatch, "check", "--as=x") == ([["check", "--as=x"]], 7)
    assert list(handlers) == [signal.SIGTERM]
    with pytest.raises(SystemExit) as ended:
        handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert ended.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize(("before", "after"), [(None, "NONE"), ("DEBUG", "DEBUG")])
def test_grpc_is_silent_unless_a_variable_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, handlers: dict[int, Any], before: str | None, after: str
) -> None:
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    if before is not None:
        monkeypatch.setenv("GRPC_VERBOSITY", before)

    ran(monkeypatch)

    assert os.environ["GRPC_VERBOSITY"] == after


def test_characters_that_a_stream_lacks_do_not_stop_the_program(
    monkeypatch: pytest.MonkeyPatch, handlers: dict[int, Any]
) -> None:
    written = {name: io.BytesIO() for name in ("stdout", "stderr")}
    for name, stream in written.items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(stream, encoding="ascii", write_through=True))

    ran(monkeypatch)
    sys.stdout.write("é")
    sys.stderr.write("é")

    assert [stream.getvalue() for stream in written.values()] == [rb"\xe9", rb"\xe9"]


def test_streams_that_are_closed_lead_nowhere(monkeypatch: pytest.MonkeyPatch, handlers: dict[int, Any]) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    ran(monkeypatch)

    opened = (sys.stdin, sys.stdout, sys.stderr)
    assert [stream.name for stream in opened] == [os.devnull] * 3
    assert [stream.mode for stream in opened] == ["r", "w", "w"]
    assert sys.stdin.read() == ""
    for stream in opened:
        stream.close()


def test_streams_that_are_open_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.StringIO(), io.StringIO(), io.StringIO()
    for name, stream in zip(("stdin", "stdout", "stderr"), given, strict=True):
        monkeypatch.setattr(sys, name, stream)

    open_closed_streams()

    assert (sys.stdin, sys.stdout, sys.stderr) == given


class Full:
    """A stream to a file that takes no more."""

    def __init__(self, number: int) -> None:
        self._number = number

    def flush(self) -> None:
        raise OSError("no space")

    def fileno(self) -> int:
        return self._number


def test_output_that_cannot_be_written_at_the_end_is_discarded(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        before = len(list(Path("/proc/self/fd").iterdir()))
        finish_output(cast(TextIO, Full(file.fileno())), io.StringIO())
        after = len(list(Path("/proc/self/fd").iterdir()))
        os.write(file.fileno(), b"x")

    assert (tmp_path / "out").read_bytes() == b""
    assert after == before


def failing(error: BaseException) -> Callable[[], NoReturn]:
    def work() -> NoReturn:
        raise error

    return work


def ended_by_pipe() -> NoReturn:
    try:
        failing(BrokenPipeError())()
    except BrokenPipeError:
        sys.exit(1)


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: None, 0), (lambda: 3, 3), (failing(typer.Exit(4)), 4), (failing(typer.Abort()), 130), (failing(KeyboardInterrupt()), 130),
        (failing(BrokenPipeError()), 141), (ended_by_pipe, 141), (failing(CommandError("x")), 2), (failing(ValueError("x")), 2),
    ],
)  # fmt: skip
def test_every_end_has_its_code(work: Callable[[], int | None], code: int) -> None:
    assert entry.guarded(work) == code


def test_an_exit_that_was_asked_for_is_not_taken_for_a_closed_pipe() -> None:
    with pytest.raises(SystemExit) as ended:
        entry.guarded(failing(SystemExit(9)))

    assert ended.value.code == 9


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (CommandError("it is wrong", hint="mend it"), ["error: it is wrong", "  help: mend it"]),
        (ProblemsError([Problem(location=Location("f", 1, 2), message="m", hint="h")]), ["f:1:2: error: m", "  help: h"]),
        (FileNotFoundError(2, "No such file or directory", "x"), ["error: cannot use `x`: no such file or directory"]),
        (OSError("It Failed"), ["error: the operating system refused: it failed"]),
        (ZeroDivisionError("by zero"), [
            f"error: unexpected error: ZeroDivisionError: by zero (at test_main.py:{failing.__code__.co_firstlineno + 2})",
            "  help: this is a bug in rolecall; please report it with the command that you ran"]),
    ],
)  # fmt: skip
def test_an_exception_is_a_message_and_not_a_traceback(
    capsys: pytest.CaptureFixture[str], error: Exception, lines: list[str]
) -> None:
    assert entry.guarded(failing(error)) == 2

    assert capsys.readouterr().err.splitlines() == lines


def test_a_command_that_is_not_the_first_word_is_refused_and_does_not_end_as_an_allow(rolecall: CommandLine) -> None:
    assert rolecall("--", "--", "check") == (
        2, "", "error: the command must be the first word\n  help: see `rolecall --help`\n",
    )  # fmt: skip
