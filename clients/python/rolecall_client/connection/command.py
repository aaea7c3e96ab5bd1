"""Run a command that prints a secret: without a shell, for a limited time, and with a limited output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from rolecall_client.errors import TokenError

COMMAND_SECONDS = 10.0


def output_of(command: Sequence[str], name: str, limit: int, timeout: float) -> bytes:
    """Return what a command prints, at most `limit` bytes and one; raise `TokenError` if it fails or takes too long."""
    try:
        # A session of its own, so that a command that takes too long is ended with all that it started.
        process = subprocess.Popen(  # noqa: S603  (the caller names the command)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise TokenError(f"{name} cannot be started: {getattr(error, 'strerror', None) or error}") from error
    with process:
        try:
            return _read(process, name, limit, time.monotonic() + timeout)
        except subprocess.TimeoutExpired:
            raise TokenError(f"{name} has not ended within {timeout:g} seconds") from None
        finally:
            _end(process)


def _read(process: subprocess.Popen[bytes], name: str, limit: int, deadline: float) -> bytes:
    if process.stdout is None:
        raise AssertionError("the output is a pipe")
    output = _until_end(process.stdout, limit, deadline)
    if len(output) > limit:
        return output
    code = process.wait(max(0.0, deadline - time.monotonic()))
    if code != 0:
        raise TokenError(f"{name} failed with exit code {code}")
    return output


def _until_end(pipe: IO[bytes], limit: int, deadline: float) -> bytes:
    """Read to the end of the pipe, or until the limit is exceeded."""
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(output) <= limit:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise subprocess.TimeoutExpired("", 0)
            read = os.read(pipe.fileno(), limit + 1 - len(output))
            if not read:
                break
            output += read
    return output


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and all that it started, unless it has ended by itself."""
    # Once its end was awaited, its number may be that of another process.
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
