"""The snapshot file: the whole state of a server, from which it can start while the database is down.

* PATH is authenticated (`authenticated_file.py`) with a key that only servers know, and replaced atomically (`atomic_file.py`).
* PATH.seen records when the store was last seen at the position of the snapshot, so that an unchanged state does not become stale.
* PATH.refused is the last file that could not be trusted, kept for inspection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rolecall.regular_file import open_regular, reason_of, require_replaceable
from rolecall.roles.role import Role
from rolecall.storage.atomic_file import replacing, sync_directory
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
AGENT_STATE_KIND = b"rolecall agent state 1\n"
"""A file of an agent is another kind: it has no key of tokens, and a server must not start from it."""

SEEN_KIND = b"rolecall seen 1\n"


class SnapshotFileError(Exception):
    """The file cannot be written, or its content cannot be trusted."""


class NoSnapshotFileError(SnapshotFileError):
    """There is no file: none was written yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSnapshot:
    """The content of a file. `seen` is when the store was last seen at `position`; `warning` may be empty."""

    position: SnapshotPosition
    seen: Moment
    roles: list[Role]
    warning: str = ""


class SnapshotFile:
    """A file with a state, of a server or of another `kind`. Its methods block, and must be called one at a time, by one process.

    Raise `SnapshotFileError` if its directory does not exist.
    """

    def __init__(self, path: Path, key: bytes, *, kind: bytes = STATE_KIND) -> None:
        self.path, self._key, self._kind = path, key, kind
        self._seen = path.with_name(f"{path.name}.seen")
        self._refused = path.with_name(f"{path.name}.refused")
        if not path.parent.is_dir():
            raise SnapshotFileError(f"there is no directory `{path.parent}` for the snapshot file; create it first")

    def write(
        self,
        position: SnapshotPosition,
        roles: Iterable[Role],
        seen: Moment,
        *,
        pause: Callable[[], None],
    ) -> None:
        """Write a state, which its store had at the time `seen`; it is on disk when this returns.

        `pause` is called after each frame, so that other threads run. An error that it or `roles` raises aborts the writing. After
        any error the file is unchanged. Raise `SnapshotFileError` if the file cannot be written.
        """
        encoder = AuthenticatedEncoder(self._key, self._kind)
        # Durable: after a crash of the machine the old file or the new one is there, whole.
        with _writing(self.path), replacing(self.path) as file:
            file.write(encoder.header)
            for payload in encode_snapshot(position, seen, roles):
                file.write(encoder.frame(payload))
                pause()
            file.write(encoder.end())

    def touch(self, position: SnapshotPosition, seen: Moment) -> None:
        """Record when the store was seen at the position of the file; raise `SnapshotFileError`.

        A crash of the machine (not of the process) may lose the record: then an earlier time counts.
        """
        encoder = AuthenticatedEncoder(self._key, SEEN_KIND)
        with _writing(self._seen), replacing(self._seen, durable=False) as file:
            file.write(encoder.header + encoder.frame(encode_last_seen(position, seen)) + encoder.end())

    def read(self) -> SavedSnapshot:
        """Return the content of the file, all of it authenticated; raise `NoSnapshotFileError`, `SnapshotFileError`."""
        with _reading(self.path), open_regular(self.path) as file:
            position, seen, roles = decode_snapshot(read_authenticated(file, self._key, self._kind))
        later, warning = self._read_last_seen(position)
        return SavedSnapshot(position=position, seen=later or seen, roles=roles, warning=warning)

    def set_aside(self) -> Path:
        """Rename the file to PATH.refused, replacing an earlier one; return that path; raise `SnapshotFileError`.

        Only a regular file is renamed: a link or a device at that path is none of ours.
        """
        try:
            require_replaceable(self.path)
            self.path.replace(self._refused)
            sync_directory(self.path.parent)
        except OSError as error:
            raise SnapshotFileError(
                f"cannot rename `{self.path}` to `{self._refused.name}`: {reason_of(error)}"
            ) from error
        return self._refused

    def _read_last_seen(self, position: SnapshotPosition) -> tuple[Moment | None, str]:
        """Return when the store was last seen at `position`, if that is recorded, and a warning.

        Any failure makes the state appear older than it is, never younger.
        """
        try:
            with _reading(self._seen), open_regular(self._seen) as file:
                return decode_last_seen(read_authenticated(file, self._key, SEEN_KIND), position), ""
        except NoSnapshotFileError:
            return None, ""
        except SnapshotFileError as error:
            return None, f"{error}; the time in `{self.path.name}` is used instead"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SnapshotFileError(f"cannot write the snapshot file `{path}`: {reason_of(error)}") from error
    except AuthenticatedFileError as error:
        raise SnapshotFileError(f"cannot write the snapshot file `{path}`: it {error}") from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NoSnapshotFileError(f"there is no snapshot file `{path}`") from None
    except OSError as error:
        raise SnapshotFileError(f"cannot read the snapshot file `{path}`: {reason_of(error)}") from error
    except AuthenticatedFileError as error:
        raise SnapshotFileError(f"the snapshot file `{path}` {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotFileError(
            f"the snapshot file `{path}` has a content that this version does not support"
        ) from error
