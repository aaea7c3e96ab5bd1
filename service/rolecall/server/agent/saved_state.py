"""The snapshot file of an agent: the state that it starts from while the server that it follows is away.

The file belongs to what is followed: to one address, and the same accounts. Another agent does not start from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rolecall.config.agent_settings import AgentConfig
from rolecall.engine.boottime import boottime_micros
from rolecall.engine.followed_state import FollowedState
from rolecall.engine.snapshot import Snapshot
from rolecall.storage.snapshot.file import AGENT_STATE_KIND, SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.format import SnapshotPosition
from rolecall.storage.snapshot.key import read_key
from rolecall.storage.snapshot.restore import read_saved


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredState:
    """A state from a file, its token, and its age in microseconds. `warning` may be empty."""

    snapshot: Snapshot
    token: str
    age: int
    warning: str


class SavedFollowedState:
    """A followed state, as it is saved. `followed` names the server and the accounts."""

    def __init__(self, state: FollowedState, followed: str) -> None:
        self._state, self._followed = state, followed
        self.snapshot = state.snapshot

    @property
    def generation(self) -> int:
        """Return how often the whole state was exchanged."""
        return self._state.generation

    def position(self) -> SnapshotPosition:
        """Return what identifies the state as it is now: an agent knows the token of its revision, and not its hash."""
        state = self._state
        return SnapshotPosition(
            incarnation=self._followed, revision=state.snapshot.revision, hash=state.token.encode(), token_key=b""
        )

    def staleness(self) -> int | None:
        """Return an upper bound of the age of the state, in microseconds; None: it is not known."""
        return self._state.age(boottime_micros())


def snapshot_file(config: AgentConfig) -> SnapshotFile | None:
    """Return the snapshot file, if there is to be one; raise `SnapshotFileError` or `SnapshotKeyError`."""
    if not config.snapshot_file:
        return None
    key = read_key(Path(config.snapshot_key_file))
    return SnapshotFile(Path(config.snapshot_file), key, kind=AGENT_STATE_KIND)


def followed_by(config: AgentConfig) -> str:
    """Return the name of what an agent follows."""
    return f"{config.upstream} {','.join(sorted(config.account)) or 'all accounts'}"


def restore_followed(file: SnapshotFile, followed: str, *, max_age: int) -> RestoredState:
    """Return the state of a file if it is of what is followed, and at most `max_age` microseconds old; blocks.

    Raise `SnapshotFileError`; a file that is not authentic is renamed to PATH.refused first.
    """
    saved, age = read_saved(file, max_age=max_age)
    position = saved.position
    if position.incarnation != followed:
        raise SnapshotFileError(f"the snapshot file `{file.path}` is of another server or of other accounts")
    snapshot = Snapshot(saved.roles, revision=position.revision, restored=True, indexed=False)
    return RestoredState(snapshot=snapshot, token=position.hash.decode(), age=age, warning=saved.warning)
