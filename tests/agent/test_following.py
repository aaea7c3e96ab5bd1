"""What the watch of an agent leaves in its memory."""

from __future__ import annotations

from rolecall.engine.followed_state import FollowedState
from rolecall.server.agent.following import FollowedRoles
from rolecall_client.v1 import role_pb2, watch_pb2 as w
from tests.server.serving import DOCUMENT, logger


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
