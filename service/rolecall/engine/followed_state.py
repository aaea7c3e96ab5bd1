"""The roles that a watch sends: always those of exactly one revision, and an upper bound of their age.

1. The initial state takes effect whole, at its first checkpoint. Until then the state before it stays.
2. Changes take effect together, at the checkpoint that follows them: a checkpoint is never inside a write.
3. The age never depends on how long messages travel: a checkpoint counts as sent at the earliest possible time.
"""

from __future__ import annotations

from collections.abc import Iterable, Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from rolecall.engine.snapshot import RoleVersion, Snapshot
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Revision, Role

KNOWN_TOKENS = 1_024
"""The tokens of how many checkpoints are known, the newest ones."""

DRIFT = 5_000
"""Two clocks differ by at most one part in this many (200 parts per million), since the stream was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCheckpoint:
    """A checkpoint as a server sent it; times are in microseconds.

    `opened_at` is when its stream was opened, by the clock of the follower. `stream_age` is the time from then to the checkpoint
    and `staleness` the age of the server's state, both by the server; None: it did not send them, so the age is unknown.
    """

    revision: Revision
    token: str
    opened_at: int
    stream_age: int | None
    staleness: int | None


class FollowedState:
    """Every role of some accounts (none named: of all), as a watch sends them. For one thread at a time.

    `snapshot` is always the same object; `token` is the one of its revision. Events before the first `restart` are ignored: they
    belong to a watch whose initial state went elsewhere.
    """

    def __init__(self, account_ids: Iterable[str] = ()) -> None:
        self.snapshot = Snapshot(indexed=False)
        self.token = ""
        self._account_ids: AbstractSet[str] = frozenset(account_ids)
        self._loading: dict[str, RoleVersion] | None = None
        self._started = False
        self._pending: list[_Pending] = []
        self._tokens: dict[str, Revision] = {}
        self._bound: _Bound | None = None
        self._changed_at = 0
        self._floor: tuple[Revision, int] | None = None
        self.generation = 0
        """How often the whole state was exchanged."""

    def restore(self, restored: Snapshot, token: str, *, age: int, now: int) -> None:
        """Start with a state that was saved, and is at most `age` microseconds old at the time `now`.

        It is replaced by the first initial state. Its token is not known to be one of this watch.
        """
        self.snapshot.replace(restored)
        self.token, self._changed_at = token, now
        self._bound = _Bound(now - age, now - age)

    def restart(self) -> None:
        """Read the initial state again. The present state stays until the new one is whole.

        Its tokens are not known any more, since they may be of another history.
        """
        self._started, self._loading = True, {}
        self._pending.clear()
        self._tokens.clear()

    def change(self, revision: Revision, kind: ChangeKind, role: Role) -> None:
        """Take a role of the initial state, or a change, which takes effect at its checkpoint."""
        kept = None if kind is ChangeKind.DELETED else role
        if self._loading is None:
            self._pending.append(_Pending(revision, role.key, kept))
        elif kept is None:
            self._loading.pop(role.key, None)
        else:
            # An unchanged version has its compiled policy already, and its decisions are cached.
            old = self.snapshot.version(role.key)
            self._loading[role.key] = old if old and old.role == role else RoleVersion(role)

    def checkpoint(self, sent: SentCheckpoint, now: int) -> None:
        """Let everything up to a checkpoint take effect, at the time `now`."""
        if not self._started:
            return
        whole, self._loading = self._loading, None
        if whole is not None:
            self._become(whole, sent.revision, now)
        elif sent.revision >= self.snapshot.revision:
            self._advance(sent.revision, now)
        else:
            # A resumed stream can repeat an earlier checkpoint. A state never goes back.
            return
        self._know(sent.token, sent.revision)
        self._confirm(_Bound.of(sent), now)

    def age(self, now: int) -> int | None:
        """Return an upper bound of the age of the state at the time `now`, in microseconds; None if it is unknown."""
        bound = self._bound
        return None if bound is None or self._floor is not None else bound.age(now)

    def covers(self, role_key: str) -> bool:
        """Return whether every role of the account of a role is followed, so that one that is missing does not exist."""
        return not self._account_ids or role_key.partition("/")[0] in self._account_ids

    def reached(self, token: str) -> bool:
        """Return whether a consistency token came from this watch; the state then includes what it names."""
        return token in self._tokens

    def _become(self, whole: dict[str, RoleVersion], revision: Revision, now: int) -> None:
        if revision < self.snapshot.revision and self._floor is None:
            # This server may be behind, or the history is another one. It is the latter if the new state includes every write
            # up to when the higher revision was seen. Until then a decision could undo a revocation.
            self._floor = (self.snapshot.revision, self._changed_at)
        self.snapshot.replace(Snapshot.of_versions(whole, revision))
        self.generation += 1
        self._changed_at, self._bound = now, None

    def _advance(self, revision: Revision, now: int) -> None:
        # After a resumed stream there can be changes that are later than the checkpoint.
        settled = {pending.key: pending.role for pending in self._pending if pending.revision <= revision}
        self._pending = [pending for pending in self._pending if pending.revision > revision]
        if revision > self.snapshot.revision:
            self.snapshot.advance(settled, revision)
            self._changed_at = now

    def _know(self, token: str, revision: Revision) -> None:
        self.token = token
        self._tokens.pop(token, None)
        self._tokens[token] = revision
        if len(self._tokens) > KNOWN_TOKENS:
            del self._tokens[next(iter(self._tokens))]

    def _confirm(self, bound: _Bound | None, now: int) -> None:
        # A server that is further behind can confirm a revision later than the one before, with a greater age.
        if bound is not None and (self._bound is None or bound.age(now) < self._bound.age(now)):
            self._bound = bound
        if self._floor is None or self._bound is None:
            return
        revision, seen_at = self._floor
        if self.snapshot.revision >= revision or now - self._bound.age(now) >= seen_at:
            self._floor = None


class _Pending(NamedTuple):
    """What the next checkpoint makes of a role; None: it is deleted."""

    revision: Revision
    key: str
    role: Role | None


class _Bound(NamedTuple):
    """The state includes every write that was acknowledged before `as_of`; `opened_at` is that of the stream which showed it."""

    as_of: int
    opened_at: int

    @classmethod
    def of(cls, sent: SentCheckpoint) -> _Bound | None:
        """Return the bound that a checkpoint shows; None if the server did not send an age."""
        if sent.stream_age is None or sent.staleness is None:
            return None
        return cls(sent.opened_at + sent.stream_age - sent.staleness, sent.opened_at)

    def age(self, now: int) -> int:
        """Return the age at the time `now`, with what the two clocks may differ by."""
        as_of, opened_at = self
        age = now - as_of + (now - opened_at) // DRIFT + 1
        return max(0, age)
