"""A terminal in a directory of its own, in which the commands of a page run as they stand.

Commands that run until they are stopped run in the background. Their ports, and the directories and hosts that exist on the reader's
machine alone, are replaced: `Replacement` is the whole list of what differs from the page.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PATIENCE_SECONDS = 60
_IN_BACKGROUND = re.compile(
    r"^(?:\S*/)?rolecall (?:serve|agent|watch|quickstart)\b|--follow\b|^make run\b|^python \S*serve"
)
_SERVER = re.compile(r"^(?:\S*/)?rolecall (?:serve|agent|quickstart)\b|^make run\b")
_READY = re.compile(r"\bserving\b|Next, in another terminal")

# What is different in every run, in the order in which it is looked for.
_VARYING = (
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",  # an incarnation, an id
    r"[0-9a-f]{64}",  # a hash
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?",  # a time
)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A text of a page, and what stands for it in the terminal."""

    page: str
    here: str


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its code, None if it still runs, and what it printed."""

    code: int | None
    output: str


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[str]
    command: str
    log: Path
    printed: IO[str]


@dataclass(slots=True)
class Terminal:
    """Runs commands one after the other; directory and variables of one are those of the next."""

    directory: Path
    environment: dict[str, str]
    replacements: Sequence[Replacement]
    at: Path = field(init=False)
    _running: list[_Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at = self.directory

    def run(self, command: str, *, shown: str = "") -> Ran:
        """Run a command to its end, or, in the background, until it serves or has printed what is `shown`."""
        here = self.as_in_the_terminal(command)
        if _IN_BACKGROUND.search(command):
            return self._start(here, shown)
        state = self.directory / ".state"
        script = f"set -a\n{here}\ncode=$?\n{{ pwd; env -0; }} > {state}\nexit $code\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.at,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE_SECONDS * 5,
            check=False,
        )
        if state.exists():
            where, _, variables = state.read_text().partition("\n")
            self.at = Path(where)
            self.environment = dict(item.split("=", 1) for item in variables.split("\0") if "=" in item)
        return Ran(done.returncode, self.as_on_the_page(done.stdout))

    def as_in_the_terminal(self, text: str) -> str:
        """Return a text of the page as it is here."""
        for replacement in self.replacements:
            text = text.replace(replacement.page, replacement.here)
        return text

    def as_on_the_page(self, output: str) -> str:
        """Return an output with the texts of the page instead of those of this terminal."""
        # The longest first: one directory is below another.
        for replacement in sorted(self.replacements, key=lambda replacement: -len(replacement.here)):
            output = output.replace(replacement.here, replacement.page)
        return output

    def close(self) -> None:
        """End what was started in the background, the last first."""
        while self._running:
            self._stop(self._running[-1])

    def _start(self, command: str, shown: str) -> Ran:
        serves = bool(_SERVER.search(command))
        for other in [other for other in self._running if serves and _SERVER.search(other.command)]:
            self._stop(other)
        log = self.directory / f".output-{len(list(self.directory.glob('.output-*')))}"
        printed = log.open("w")
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.at,
            env=self.environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        running = _Running(process, command, log, printed)
        self._running.append(running)
        return self._await(running, shown, serves=serves)

    def _await(self, running: _Running, shown: str, *, serves: bool) -> Ran:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            output = self.as_on_the_page(running.log.read_text())
            if (code := running.process.poll()) is not None:
                return Ran(code, output)
            if matches(shown, output) if shown else not serves or _READY.search(output):
                return Ran(None, output)
            time.sleep(0.05)
        return Ran(None, self.as_on_the_page(running.log.read_text()))

    def _stop(self, running: _Running) -> None:
        self._running.remove(running)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGTERM)
        running.process.wait(timeout=PATIENCE_SECONDS)
        running.printed.close()


def matches(shown: str, output: str) -> bool:
    """Return whether an output is what a page shows: `...` is any text, and what varies may."""
    pieces = re.split(rf"(\.\.\.|{'|'.join(_VARYING)})", _without_trailing_blanks(shown))
    return re.fullmatch("".join(map(_pattern, pieces)), _without_trailing_blanks(output)) is not None


def _pattern(piece: str) -> str:
    if piece == "...":
        return r"[\s\S]*?"
    varying = next((pattern for pattern in _VARYING if re.fullmatch(pattern, piece)), None)
    return varying or re.escape(piece)


def _without_trailing_blanks(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip()


def variables(directory: Path, programs: Path, **more: str) -> Mapping[str, str]:
    """Return the environment of a reader who has set nothing: `programs` are found first."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV") if name in os.environ}
    path = f"{programs}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "HOME": str(directory), "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8", **more}
