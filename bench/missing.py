"""What a benchmark says about a program or a package that this machine lacks: one line, instead of a traceback."""

from __future__ import annotations

from typing import NoReturn


def missing(what: str, install: str) -> NoReturn:
    """Exit, because the benchmark needs `what`; `install` is the command that installs it."""
    raise SystemExit(f"this benchmark needs {what}, which is missing; install it: {install}")
