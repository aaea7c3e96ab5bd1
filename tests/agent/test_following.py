"""What the watch of an agent leaves in its memory."""

from __future__ import annotations

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.followed_state import FollowedState
from rolecall.server.agent.following import FollowedRoles
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import role_pb2, watch_pb2 as w
from tests.server.serving import DOCUMENT, log_lines, logger


def change(name: str, revision: int) -> w.RoleWatchChange:
    role = role_pb2.Role(account_id="1", role_name=name, assume_role_policy_document=DOCUMENT, revision=revision)
    return w.RoleWatchChange(revision=revision, kind=role_pb2.CHANGE_KIND_CREATED, role=role)


async def test_a_text_is_shared_up_to_a_checkpoint_and_not_remembered_after_it() -> None:
    state = FollowedState(())
    roles = FollowedRoles(state, logger().logger)
    roles.restart()

    for name in ("a", "b"):
        roles.change(change(name, 1))
    roles.checkpoint(w.WatchCheckpoint(revision=1, token="first"), 0.0)
    roles.change(change("c", 2))
    roles.checkpoint(w.WatchCheckpoint(revision=2, token="second"), 0.0)

    documents = {version.role.role_name: version.role.document for version in state.snapshot.versions()}
    assert set(documents.values()) == {DOCUMENT}
    assert documents["a"] is documents["b"]
    assert documents["b"] is not documents["c"]


async def test_an_initial_state_that_is_read_again_shares_no_text_with_the_one_that_broke() -> None:
    state = FollowedState(())
    roles = FollowedRoles(state, logger().logger)
    read: list[str] = []
    for name in ("a", "b"):
        roles.restart()
        roles.change(change(name, 1))
        read.append(roles._reader.role(change(name, 1).role).document)

    assert read[0] == read[1] == DOCUMENT
    assert read[0] is not read[1]


class Watched:
    """A followed state of one account, with the log of its watch."""

    def __init__(self) -> None:
        self.state, self.log = FollowedState(("1",)), logger()
        self.roles = FollowedRoles(self.state, self.log.logger)
        self.roles.restart()

    @property
    def lines(self) -> list[dict[str, object]]:
        return log_lines(self.log.stream)


UNAVAILABLE = RolecallError("UNAVAILABLE", "not now")
REFUSED = RolecallError("PERMISSION_DENIED", "the right is missing")


def checkpoint(revision: int) -> w.WatchCheckpoint:
    sent = w.WatchCheckpoint(revision=revision, token=f"t{revision}")
    sent.stream_age.FromMicroseconds(0)
    sent.staleness.FromMicroseconds(0)
    return sent


async def test_each_state_of_a_watch_is_logged_once_with_what_is_known_then() -> None:
    watched = Watched()

    watched.roles.broken(UNAVAILABLE)
    watched.roles.broken(RolecallError("UNAVAILABLE", "still not"))
    watched.roles.broken(REFUSED)
    watched.roles.change(change("a", 3))
    for _ in range(2):
        watched.roles.checkpoint(checkpoint(3), 0.0)
    watched.roles.broken(REFUSED)
    watched.roles.checkpoint(checkpoint(3), 0.0)

    assert watched.lines == [
        {"event": "upstream_lost", "level": "warning", "error": "UNAVAILABLE: not now", "revision": 0},
        {"event": "upstream_lost", "level": "warning", "error": "PERMISSION_DENIED: the right is missing", "revision": 0},
        {"event": "following", "level": "info", "revision": 3, "roles": 1},
        {"event": "upstream_lost", "level": "warning", "error": "PERMISSION_DENIED: the right is missing", "revision": 3},
        {"event": "following", "level": "info", "revision": 3, "roles": 1},
    ]  # fmt: skip


async def test_breaks_of_a_watch_and_returns_after_them_are_counted() -> None:
    watched = Watched()
    roles = watched.roles

    def facts() -> tuple[bool, int, int, str, bool, bool]:
        return (
            roles.connected,
            roles.breaks,
            roles.reconnects,
            roles.error,
            roles.whole.is_set(),
            roles.answered.is_set(),
        )

    assert facts() == (False, 0, 0, "", False, False)
    roles.broken(UNAVAILABLE)
    assert facts() == (False, 1, 0, "UNAVAILABLE: not now", False, True)
    roles.checkpoint(checkpoint(1), 0.0)
    assert facts() == (True, 1, 0, "", True, True)
    roles.broken(UNAVAILABLE)
    assert facts() == (False, 2, 0, "UNAVAILABLE: not now", True, True)
    for _ in range(2):
        roles.checkpoint(checkpoint(1), 0.0)
    assert facts() == (True, 2, 1, "", True, True)


async def test_a_first_whole_state_answers_without_a_break() -> None:
    watched = Watched()

    watched.roles.checkpoint(checkpoint(1), 0.0)

    assert (watched.roles.answered.is_set(), watched.roles.breaks, watched.roles.reconnects) == (True, 0, 0)


async def test_the_age_of_a_state_counts_from_when_its_stream_was_opened() -> None:
    watched, now = Watched(), boottime_micros()

    watched.roles.checkpoint(checkpoint(1), now / 1_000_000 - 7)

    age = watched.state.age(now)
    assert age is not None
    assert 7_000_000 <= age < 7_010_000
