"""Makes the layer that decides in the client's process, and what feeds it."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack

from rolecall_client.async_following import AsyncFollowing
from rolecall_client.async_watch import AsyncOpen
from rolecall_client.checks import AsyncChecks, Checks
from rolecall_client.following import Following
from rolecall_client.local.local_checks import AsyncLocalChecks, LocalChecks
from rolecall_client.local.options import LocalOptions
from rolecall_client.local.replica import LocalReplica
from rolecall_client.local.watch_credential import Digest, noting, noting_later
from rolecall_client.v1 import watch_pb2 as w
from rolecall_client.watch import Open

FIRST_MESSAGE_SECONDS = 10.0
REFUSED_SECONDS = 60.0
"""How long after a watch was refused it is tried again: the right can be given again."""


def local_layer(options: LocalOptions, open_watch: Open, next: Checks, digest: Digest, stack: ExitStack) -> LocalChecks:
    """Return the layer over `next`, with a replica that a thread feeds until the stack is closed."""
    replica = LocalReplica(options)
    opening = noting(open_watch, digest, replica.credential)
    following = Following(
        replica, opening, _request(options), timeout=FIRST_MESSAGE_SECONDS, refused_pause=REFUSED_SECONDS
    )
    stack.callback(replica.close)
    stack.callback(following.close)
    following.start()
    return LocalChecks(replica, next, digest)


def async_local_layer(
    options: LocalOptions, open_watch: AsyncOpen, next: AsyncChecks, digest: Digest, stack: AsyncExitStack
) -> AsyncLocalChecks:
    """Return the layer over `next`, with a replica that a task feeds from the first check, or wait, until the stack is closed."""
    replica = LocalReplica(options)
    opening = noting_later(open_watch, digest, replica.credential)
    following = AsyncFollowing(
        replica, opening, _request(options), timeout=FIRST_MESSAGE_SECONDS, refused_pause=REFUSED_SECONDS
    )
    # Not now: only a check, or a wait, is certain to be in a running event loop.
    replica.start = following.start
    stack.callback(replica.close)
    stack.push_async_callback(following.close)
    return AsyncLocalChecks(replica, next, digest)


def _request(options: LocalOptions) -> w.WatchRolesRequest:
    return w.WatchRolesRequest(account_ids=options.account_ids, include_initial_state=True)
