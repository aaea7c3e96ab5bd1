"""The whole state of a replica, read over the wire as the initial state of a watch."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.roles.digest import StateDigest
from rolecall.roles.role import Micros, Revision, Role
from rolecall_client.channel import open_channel
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w, watch_pb2_grpc
from tests.chaos.replicas import Replica

READ_SECONDS = 30.0

State = tuple[int, bytes]
"""A revision, and the digest of every role as of it."""


def state_of(replica: Replica) -> State:
    """Return the revision and the digest of a replica."""
    digest = StateDigest()
    with open_channel(replica.address) as channel:
        request = w.WatchRolesRequest(include_initial_state=True)
        stream = watch_pb2_grpc.WatchServiceStub(channel).WatchRoles(request, timeout=READ_SECONDS)
        for message in stream:
            if message.HasField("checkpoint"):
                stream.cancel()
                return message.checkpoint.revision, digest.value
            digest.add(_role(message.change.role))
    raise ValueError(f"{replica.name} ended its state without a checkpoint")


def _role(message: r.Role) -> Role:
    return Role(
        role_id=message.role_id,
        account_id=message.account_id,
        role_name=message.role_name,
        document=message.assume_role_policy_document,
        create_time=_micros(message.create_time),
        update_time=_micros(message.update_time),
        revision=Revision(message.revision),
        description=message.description,
        max_session_duration_seconds=message.max_session_duration_seconds,
        tags=dict(message.tags),
    )


def _micros(time: Timestamp) -> Micros:
    return Micros(time.seconds * 1_000_000 + time.nanos // 1_000)
