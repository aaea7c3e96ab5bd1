"""Run a command, and turn every exception into a message and an exit code instead of a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NoReturn

from rolecall.cli.failure import FAILED, INTERRUPTED, OK, PIPE_CLOSED, TERMINATED, CommandError
from rolecall.cli.text.terminal import finish_output, open_closed_streams, prepare_streams


def main() -> None:
    """Run the command line of this process and exit."""
    open_closed_streams()
    # The first process of a container ignores SIGTERM by default. Raising `SystemExit` also runs the clean-up code, as Ctrl-C does.
    signal.signal(signal.SIGTERM, _terminate)
    # Keep the log lines of gRPC's C core off the terminal; failures are reported as errors anyway.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def _terminate(number: int, frame: object) -> NoReturn:  # noqa: ARG001
    raise SystemExit(TERMINATED)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    # `--` before the command separates nothing.
    given = list(arguments)
    if given[:1] == ["--"]:
        del given[0]
    return guarded(lambda: _run(given))


def guarded(work: Callable[[], int | None]) -> int:
    """Run `work` and return its exit code; report an exception and return the code for it."""
    # Typer replaces the streams by others when a pipe is closed.
    streams = sys.stdout, sys.stderr
    try:
        code = _code_of(work)
    except BrokenPipeError:
        code = PIPE_CLOSED
    except SystemExit as ended:
        # Typer exits with 1 when a pipe is closed. Here that would mean a deny.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        code = PIPE_CLOSED
    finish_output(*streams)
    return code


def _code_of(work: Callable[[], int | None]) -> int:
    try:
        code = work()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary
        return _code_of_error(error)
    return code or OK


def _code_of_error(error: Exception) -> int:
    import typer

    if isinstance(error, typer.Abort):
        return INTERRUPTED
    return error.exit_code if isinstance(error, typer.Exit) else _report(error)


def _run(arguments: list[str]) -> int:
    # For completion the shell calls without arguments, and may complete any command.
    completing = "_ROLECALL_COMPLETE" in os.environ
    if not completing and arguments in (["--help"], ["-h"]):
        from rolecall.cli.overview import overview

        sys.stdout.write(overview())
        return OK
    if not completing and (call := _plain_call(arguments)) is not None:
        return _called(call)
    return _run_by_typer(arguments, completing=completing)


def _called(call: Callable[[], object]) -> int:
    """Make the call of a command and return its exit code, so that output is flushed however it ends."""
    import typer

    try:
        call()
    except typer.Exit as ended:
        return ended.exit_code
    return OK


def _plain_call(arguments: list[str]) -> Callable[[], object] | None:
    """Return the call that the arguments ask for if they fit a command; None if Typer must read them."""
    from rolecall.cli.options.plain_parsing import plain_call
    from rolecall.cli.options.plain_values import WrongValueError
    from rolecall.cli.typer_commands import load

    if not arguments or (command := load(arguments[0])) is None:
        return None
    try:
        return plain_call(command, arguments[1:])
    except WrongValueError as error:
        raise CommandError(error.message, hint=_see_help(_known(_leading_words(arguments)))) from None


def _run_by_typer(arguments: list[str], *, completing: bool) -> int:
    import typer

    from rolecall.cli.typer_commands import build_app

    words = _leading_words(arguments)
    command = typer.main.get_command(build_app(None if completing else next(iter(words), "")))
    try:
        code = command.main(arguments, prog_name="rolecall", standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _report_usage(str(error.format_message()), words)
    return code if isinstance(code, int) else OK


def _leading_words(arguments: Sequence[str]) -> list[str]:
    """Return the names of the command and its subcommand: `role create`."""
    return list(takewhile(lambda argument: not argument.startswith("-"), arguments[:2]))


def _report_usage(message: str, words: Sequence[str]) -> int:
    """Report a wrong command line. If the command is missing, Typer's message is the help text, which is printed as it is."""
    from rolecall.cli.problems.reports import report_failure

    if message.startswith("Usage:"):
        sys.stderr.write(message + "\n")
        return FAILED
    known = _known(words)
    if message.startswith("No such command"):
        known = known[:-1] if len(known) == len(words) else known
    message = message.strip().rstrip(".").replace("'", "`")
    report_failure(CommandError(message[:1].lower() + message[1:], hint=_see_help(known)))
    return FAILED


def _known(words: Sequence[str]) -> Sequence[str]:
    """Return the words that name the command and, of a group, its subcommand."""
    from rolecall.cli.command_table import COMMANDS, GROUPS

    if not words or words[0] not in COMMANDS:
        return []
    return words if words[0] in GROUPS else words[:1]


def _see_help(known: Sequence[str]) -> str:
    return f"see `{' '.join(['rolecall', *known])} --help`"


def _report(error: Exception) -> int:
    from rolecall.cli.problems import reports
    from rolecall.cli.problems.problem import ProblemsError

    if isinstance(error, ProblemsError):
        reports.report_problems(error.problems)
    elif isinstance(error, CommandError):
        reports.report_failure(error)
    else:
        reports.report_failure(_foreseen(error) or _unforeseen(error))
    return FAILED


def _foreseen(error: Exception) -> CommandError | None:
    """Return an error of the operating system as a `CommandError`; None for any other error."""
    if not isinstance(error, OSError):
        return None
    what = f"cannot use `{error.filename}`" if error.filename else "the operating system refused"
    return CommandError(f"{what}: {(error.strerror or str(error)).lower()}")


def _unforeseen(error: Exception) -> CommandError:
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    location = f"{os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119
    return CommandError(
        f"unexpected error: {type(error).__name__}: {error} (at {location})",
        hint="this is a bug in rolecall; please report it with the command that you ran",
    )
