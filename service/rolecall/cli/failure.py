"""The exit codes, and the error of a command that cannot continue."""

from __future__ import annotations

OK, DENIED, FAILED, NO_ROLE, CHANGES, INTERRUPTED, PIPE_CLOSED, TERMINATED = 0, 1, 2, 3, 4, 130, 141, 143
"""Exit codes: done or allowed; denied or a check failed; error; no such role to assume; a dry run found changes; Ctrl-C; closed
output; SIGTERM."""


class CommandError(Exception):
    """A command cannot continue. The message is a sentence; the hint says what to do and may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message, self.hint = message, hint
        super().__init__(message)
