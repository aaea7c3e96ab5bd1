"""The whole state in a file beside the server, so that it can start again while the database is down.

1. Everything in it is authenticated (`sealed_file.py`) with a secret that only servers know: what decides over access must not be
   taken from a file that anybody could have written. It holds the store's token key, so it is its owner's alone, as the store is.
2. It is replaced as a whole (`whole_file.py`): there is the old one until there is a new one.
3. PATH.seen, a small file beside it, tells when the store was last seen to stand where the file stands: a state that nobody
   changes does not grow old while its store can be seen. When it speaks of another state, the time in the file itself counts.
4. A file that is not genuine is put aside as PATH.refused, so that somebody can look at it; there is at most one.

One process writes one file; two that share it are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rolecall.roles.role import Role
from rolecall.storage.atomic_file import open_regular, replacing, sync_directory
from rolecall.storage.snapshot.authenticated_file import (
    AuthenticatedEncoder,
    AuthenticatedFileError,
    read_authenticated,
)
from rolecall.storage.snapshot.format import (
    SnapshotPosition,
    decode_last_seen,
    decode_snapshot,
    encode_last_seen,
    encode_snapshot,
)
from rolecall.storage.snapshot.moment import Moment

STATE_KIND = b"rolecall state 1\n"
SEEN_KIND = b"rolecall seen 1\n"

PAUSE_SECONDS = 0.001
"""Twice what a frame of a hundred roles takes to make."""


class SnapshotFileError(Exception):
    """The file cannot be written, or what is there cannot be trusted."""


class NoSnapshotFileError(SnapshotFileError):
    """There is no file: none was written yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSnapshot:
    """What a file holds. `seen` is when the store was last seen to stand there; `warning` may be empty."""

    position: SnapshotPosition
    seen: Moment
    roles: list[Role]
    warning: str = ""


class SnapshotFile:
    """A file that keeps a state. Its methods block, and are called one at a time.

    Raise `SnapshotFileError` if there is no directory for it.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path, self._key = path, key
        self._seen = path.with_name(f"{path.name}.seen")
        self._refused = path.with_name(f"{path.name}.refused")
        if not path.parent.is_dir():
            raise SnapshotFileError(f"there is no directory `{path.parent}` for the snapshot file; make it first")

    def write(
        self,
        position: SnapshotPosition,
        roles: Iterable[Role],
        seen: Moment,
        *,
        pause: Callable[[], None] = lambda: time.sleep(PAUSE_SECONDS),
    ) -> None:
        """Keep a state, of which `seen` is when its store was seen to stand there; it is on the disk when this returns.

        `pause` is called after each frame, so that other threads run. What it raises, or `roles`, ends the writing. Whatever
        is raised, the file is what it was. Raise `SnapshotFileError` when the disk does not take it.
        """
        seal = AuthenticatedEncoder(self._key, STATE_KIND)
        with _writing(self.path), replacing(self.path) as file:
            file.write(seal.opening)
            for payload in encode_snapshot(position, seen, roles):
                file.write(seal.frame(payload))
                pause()
            file.write(seal.end())

    def touch(self, position: SnapshotPosition, seen: Moment) -> None:
        """Note when the store was seen to stand where the file stands; raise `SnapshotFileError`.

        A crash of the machine (not one of the process) may lose it: then an earlier time counts.
        """
        seal = AuthenticatedEncoder(self._key, SEEN_KIND)
        with _writing(self._seen), replacing(self._seen, durable=False) as file:
            file.write(seal.opening + seal.frame(encode_last_seen(position, seen)) + seal.end())

    def read(self) -> SavedSnapshot:
        """Return what the file holds, all of it authentic; raise `NoSnapshotFileError`, `SnapshotFileError`."""
        with _reading(self.path), open_regular(self.path) as file:
            position, seen, roles = decode_snapshot(read_authenticated(file, self._key, STATE_KIND))
        later, warning = self._seen_again(position)
        return SavedSnapshot(position=position, seen=later or seen, roles=roles, warning=warning)

    def refuse(self) -> Path:
        """Put the file aside, in place of the one that was put aside before it; return its name; raise `SnapshotFileError`."""
        try:
            self.path.replace(self._refused)
            sync_directory(self.path.parent)
        except OSError as error:
            raise SnapshotFileError(
                f"cannot put `{self.path}` aside as `{self._refused.name}`: {_why(error)}"
            ) from error
        return self._refused

    def _seen_again(self, position: SnapshotPosition) -> tuple[Moment | None, str]:
        """Return when the store was seen there later, if that is known, and a warning.

        What goes wrong here makes the state seem older than it is, never younger.
        """
        try:
            with _reading(self._seen), open_regular(self._seen) as file:
                return decode_last_seen(read_authenticated(file, self._key, SEEN_KIND), position), ""
        except NoSnapshotFileError:
            return None, ""
        except SnapshotFileError as error:
            return None, f"{error}: the time in `{self.path.name}` counts instead"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SnapshotFileError(f"cannot write the snapshot file `{path}`: {_why(error)}") from error
    except AuthenticatedFileError as error:
        raise SnapshotFileError(f"cannot write the snapshot file `{path}`: it {error}") from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NoSnapshotFileError(f"there is no snapshot file `{path}`") from None
    except OSError as error:
        raise SnapshotFileError(f"cannot read the snapshot file `{path}`: {_why(error)}") from error
    except AuthenticatedFileError as error:
        raise SnapshotFileError(f"the snapshot file `{path}` {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotFileError(f"the snapshot file `{path}` holds what this version does not understand") from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
