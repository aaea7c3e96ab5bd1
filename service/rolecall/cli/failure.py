"""Why a command could not do what it was asked."""

from __future__ import annotations

OK, DENIED, FAILED, INTERRUPTED, PIPE_CLOSED, TERMINATED = 0, 1, 2, 130, 141, 143
"""Exit codes: done or allowed; denied; could not be done; Ctrl-C; nobody reads what is written; SIGTERM."""


class CommandError(Exception):
    """A command cannot go on. The message is a sentence, the hint says what to do and may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message, self.hint = message, hint
        super().__init__(message)
