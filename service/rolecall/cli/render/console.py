"""The console of Rich, without its own treatment of a closed pipe."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console


class StreamConsole(Console):
    """A console that raises `BrokenPipeError`, as every other output does."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise the error that is being handled. Rich would redirect standard output, whichever stream it was, and exit with 1."""
        raise  # noqa: PLE0704  (Rich calls this while it handles the error)
