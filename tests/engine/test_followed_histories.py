"""Whatever a watch goes through, a followed state is one that existed, and a revocation that was seen stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rolecall.engine.followed_state import FollowedState, SentCheckpoint
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Revision, Role
from tests.engine.world import allow, deny, document, role
from tests.policy.strategies import laws

SECOND = 1_000_000
NAMES = ("one", "two", "three")
ALLOWED, DENIED = document(allow()), document(deny())

Roles = dict[str, Role]


@dataclass
class Store:
    """Every state that there ever was, by its revision, and when it was written."""

    states: list[Roles] = field(default_factory=lambda: [{}])
    written_at: list[int] = field(default_factory=lambda: [0])

    def write(self, changes: Sequence[tuple[str, str | None]], now: int) -> None:
        state, revision = dict(self.states[-1]), len(self.states)
        for name, text in changes:
            if text is None:
                state.pop(name, None)
            else:
                state[name] = role(text, name=name, revision=revision)
        self.states.append(state)
        self.written_at.append(now)


class FollowedHistories(RuleBasedStateMachine):
    """One store, several servers that are more or less behind it, and a watch that is delayed, resumed and started over."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.state, self.now = Store(), FollowedState(), 100 * SECOND
        self.opened_at = self.started_at = self.now
        self.sent = self.ahead = self.highest = 0

    @initialize()
    def start(self) -> None:
        self.start_over(behind=0, travel=0)

    @rule(
        changes=st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from([ALLOWED, DENIED, None])), min_size=1, max_size=4
        )
    )
    def write(self, changes: list[tuple[str, str | None]]) -> None:
        self.store.write(changes, self.now)

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(behind=st.integers(0, 3), travel=st.integers(0, 5))
    def start_over(self, behind: int, travel: int) -> None:
        """Read the initial state, from a server that is behind by some revisions."""
        self.opened_at, self.started_at = self.now, self.now + travel * SECOND
        self.now = self.started_at
        self.state.restart()
        self.sent, self.ahead = max(0, len(self.store.states) - 1 - behind), 0
        for found in self.store.states[self.sent].values():
            self.state.change(found.revision, ChangeKind.CREATED, found)
        self.checkpoint()

    @rule()
    def resume(self) -> None:
        """Open another stream at the last checkpoint, which the server repeats."""
        self.opened_at = self.started_at = self.now
        self.checkpoint()

    @precondition(lambda self: self.sent + self.ahead < len(self.store.states) - 1)
    @rule()
    def follow(self) -> None:
        """Send the changes of the next commit."""
        self.ahead += 1
        revision = Revision(self.sent + self.ahead)
        before, after = self.store.states[revision - 1], self.store.states[revision]
        for name in before.keys() | after.keys():
            if before.get(name) != after.get(name):
                kind = ChangeKind.UPDATED if name in after else ChangeKind.DELETED
                self.state.change(revision, kind, after.get(name) or before[name])

    @precondition(lambda self: self.ahead)
    @rule(all_of_them=st.booleans())
    def confirm(self, all_of_them: bool) -> None:
        """Confirm what was sent; a resumed stream confirms it in smaller parts than it was sent in."""
        confirmed = self.ahead if all_of_them else 1
        self.sent, self.ahead = self.sent + confirmed, self.ahead - confirmed
        self.checkpoint()

    def checkpoint(self) -> None:
        """Confirm what was sent, with the age of a server that has exactly that."""
        newer = self.store.written_at[self.sent + 1] if self.sent + 1 < len(self.store.written_at) else self.now
        checkpoint = SentCheckpoint(
            revision=Revision(self.sent),
            token=f"token-{self.sent}",
            opened_at=self.opened_at,
            stream_age=self.now - self.started_at,
            staleness=self.now - newer,
        )
        self.state.checkpoint(checkpoint, self.now)

    @invariant()
    def the_state_existed_at_its_revision(self) -> None:
        followed = {version.role.role_name: version.role for version in self.state.snapshot.versions()}

        assert followed == self.store.states[self.state.snapshot.revision]

    @invariant()
    def the_age_is_never_less_than_the_truth(self) -> None:
        age, revision = self.state.age(self.now), self.state.snapshot.revision
        if age is not None and revision + 1 < len(self.store.written_at):
            assert age >= self.now - self.store.written_at[revision + 1]

    @invariant()
    def what_decides_is_never_older_than_what_has_decided(self) -> None:
        if self.state.age(self.now) is not None:
            assert self.state.snapshot.revision >= self.highest
            self.highest = self.state.snapshot.revision


TestFollowedHistories = FollowedHistories.TestCase
TestFollowedHistories.settings = laws
