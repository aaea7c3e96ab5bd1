"""Tokens that are renewed outside of the client: in a file, or by a command."""

from __future__ import annotations

import base64
import binascii
import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rolecall_client.boottime import boottime
from rolecall_client.connection.command import COMMAND_SECONDS, output_of
from rolecall_client.connection.file_version import FileVersion, version_of
from rolecall_client.errors import TokenError
from rolecall_client.regular_file import open_regular

MAX_TOKEN_BYTES = 16 * 1024
CHECK_SECONDS = 1.0
"""How often a file is looked at, and a command is started, at most."""

UNREADABLE_SECONDS = 10.0
"""How long the last token is used while its file cannot be read, for example because it is being written."""

DEFAULT_LIFE_SECONDS = 60.0
"""How long a token of a command is used if it does not say when it expires."""

EARLY_SECONDS = 60.0
"""How long before it expires a token of a command is renewed."""

MOST_LIFE_SECONDS = 86_400.0

_LATEST = 1e15


class FileToken:
    """The token in a file. The file is looked at once a second at most, on a call, and read when it has changed."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = boottime) -> None:
        self._path, self._clock, self._lock = path, clock, threading.Lock()
        self._token: str | None = None
        self._version: FileVersion | None = None
        self._looked_at = self._read_at = -math.inf

    def __call__(self) -> str:
        """Return the token; raise `TokenError`."""
        now = self._clock()
        token = self._token
        if token is not None and now - self._looked_at < CHECK_SECONDS:
            return token
        with self._lock:
            return self._current(now)

    def ready(self) -> str | None:
        """Return the token; raise `TokenError`."""
        return self()

    def refused(self) -> None:
        """Look at the file on the next call."""
        self._looked_at = -math.inf

    def _current(self, now: float) -> str:
        try:
            version = version_of(self._path)
            if self._token is None or version != self._version:
                self._token = _token_of(_content_of(self._path), f"the token file `{self._path}`")
                self._version = version
        except (OSError, TokenError) as error:
            return self._last_token(now, error)
        self._looked_at = self._read_at = now
        return self._token

    def _last_token(self, now: float, error: OSError | TokenError) -> str:
        if self._token is not None and now - self._read_at < UNREADABLE_SECONDS:
            return self._token
        if isinstance(error, TokenError):
            raise error
        raise TokenError(f"the token file `{self._path}` cannot be read: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a command gave: a token, or an error, until a time."""

    token: str | None
    error: str
    started_at: float
    until: float


class CommandToken:
    """The token that a command prints. It is used until a minute before it expires, or for a minute.

    The command is a list of arguments: no shell reads it. It may take ten seconds, and is started once a second at most, whatever
    it returns; its standard error is that of this process. This needs a POSIX system.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float = COMMAND_SECONDS,
        clock: Callable[[], float] = boottime,
        now: Callable[[], float] = time.time,
    ) -> None:
        if isinstance(command, str) or not command:
            raise ValueError("a token command is a list: the program, then its arguments")
        self._command, self._timeout = tuple(command), timeout
        self._clock, self._now, self._lock = clock, now, threading.Lock()
        self._outcome = _Outcome(None, "", -math.inf, -math.inf)

    def __call__(self) -> str:
        """Return the token, that of the command if the last one is too old; raise `TokenError`."""
        token = self.ready()
        if token is not None:
            return token
        # One thread starts the command. The others wait for it, and find what it gave.
        with self._lock:
            token = self.ready()
            if token is None:
                self._outcome = self._run()
                token = self.ready_now(self._outcome)
            return token

    def ready(self) -> str | None:
        """Return the token if there is one that is not too old; raise `TokenError` if the command failed just now."""
        outcome = self._outcome
        return None if self._clock() >= outcome.until else self.ready_now(outcome)

    def refused(self) -> None:
        """Start the command on the next call, unless it was started within the last second."""
        outcome = self._outcome
        if outcome.token is not None:
            until = min(outcome.until, outcome.started_at + CHECK_SECONDS)
            self._outcome = _Outcome(outcome.token, "", outcome.started_at, until)

    @staticmethod
    def ready_now(outcome: _Outcome) -> str:
        """Return the token of an outcome; raise its error."""
        if outcome.token is None:
            raise TokenError(outcome.error)
        return outcome.token

    def _run(self) -> _Outcome:
        started_at, name = self._clock(), f"the token command `{self._command[0]}`"
        try:
            token = _token_of(output_of(self._command, name, MAX_TOKEN_BYTES, self._timeout), name)
        except TokenError as error:
            return _Outcome(None, error.message, started_at, self._clock() + CHECK_SECONDS)
        life = max(CHECK_SECONDS, self._life_of(token))
        return _Outcome(token, "", started_at, self._clock() + life)

    def _life_of(self, token: str) -> float:
        expires_at = expiry_of(token)
        if expires_at is None:
            return DEFAULT_LIFE_SECONDS
        return min(expires_at - self._now() - EARLY_SECONDS, MOST_LIFE_SECONDS)


def expiry_of(token: str) -> float | None:
    """Return when a JSON Web Token expires, in seconds of Unix time; None if it does not say so. Nothing is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    expires_at = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        return None
    # A whole number may be too large for a time.
    return float(expires_at) if abs(expires_at) < _LATEST else None


def _content_of(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(MAX_TOKEN_BYTES + 1)


def _token_of(content: bytes, name: str) -> str:
    # A message shows nothing of the content: it may be another secret.
    if len(content) > MAX_TOKEN_BYTES:
        raise TokenError(f"{name} gives more than {MAX_TOKEN_BYTES} bytes, which is no token")
    token = content.strip()
    # In metadata only printable ASCII is possible.
    if not token or not all(33 <= byte <= 126 for byte in token):
        raise TokenError(f"{name} gives no token: one word of printable ASCII")
    return token.decode("ascii")
