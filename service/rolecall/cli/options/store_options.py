"""What the commands on stores share: the choice of the store, its errors, and progress on a terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.text.terminal import console
from rolecall.config.settings import Config
from rolecall.config.sources import ConfigError, variable_of

FILE_MARK = "@"
_PASSWORD = re.compile(r"://[^/?#@]*:[^@]+@|[?&\s]password=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreChoice:
    """The store that a command works on; the same options as those of `serve`."""

    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="The store: sqlite:///PATH or postgresql://... [default: sqlite:///rolecall.db; ROLECALL_STORE].",
        ),
    ] = None
    store_file: Annotated[
        str | None,
        typer.Option("--store-file", metavar="FILE", help="A file that contains the URL [ROLECALL_STORE_FILE]."),
    ] = None

    @property
    def url(self) -> str:
        """Return the URL; raise `CommandError`. Either option takes precedence over both variables."""
        if self.store is not None and self.store_file is not None:
            raise CommandError("only one of --store and --store-file may be given")
        flags = {"store": self.store, "store_file": self.store_file}
        given = any(value is not None for value in flags.values())
        names = () if given else map(variable_of, flags)
        return _url(flags, {name: os.environ[name] for name in names if name in os.environ})


def url_of(text: str) -> str:
    """Return the URL of an argument, which is a URL or `@FILE`; raise `CommandError`."""
    if text.startswith(FILE_MARK):
        return _url({"store_file": text.removeprefix(FILE_MARK)}, {})
    return text


def shows_password(url: str) -> bool:
    """Return whether the URL of a store has a password in it, as far as can be seen without parsing it."""
    return bool(_PASSWORD.search(url))


@contextmanager
def store_errors(which: str = "") -> Iterator[None]:
    """Raise errors of a store as a `CommandError`, prefixed with `which` store if it is given."""
    from rolecall.roles.errors import RoleError

    try:
        yield
    except RoleError as error:
        raise CommandError(f"{which}: {error}" if which else str(error)) from None


@contextmanager
def counting(what: str, noun: str) -> Iterator[Callable[[int], None]]:
    """Yield a callback that takes the number of items done; on a terminal it shows progress."""
    out = console(sys.stderr)
    if not out.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn(what), BarColumn(), TextColumn(f"{{task.completed:,}} {noun}"), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done: progress.update(task, completed=done)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 role`, `2,000 roles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _url(flags: dict[str, str | None], environ: dict[str, str]) -> str:
    try:
        return Config.from_mapping(flags, environ).store_url
    except ConfigError as error:
        raise CommandError("; ".join(error.problems)) from None
