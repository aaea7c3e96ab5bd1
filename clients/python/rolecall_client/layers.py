"""The layers that answer checks, the first that can: a local replica, the answer cache, batching, the server.

Each layer answers or asks the next. A layer with a life of its own (a thread, a task) is entered on the stack, which the client
closes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rolecall_client.checks import AsyncChecks, Checks

if TYPE_CHECKING:
    from rolecall_client.async_watch import AsyncOpen
    from rolecall_client.local import LocalOptions, LocalReplica
    from rolecall_client.remote_checks import AsyncRemoteChecks, RemoteChecks
    from rolecall_client.watch import Open

Credential = Callable[[], bytes]
"""Returns a digest of everything that identifies the client to the server: another credential, another digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """Which layers there are between a client and its server."""

    batching: bool = True
    local: LocalOptions | None = None


def layered(
    remote: RemoteChecks, open_watch: Open, credential: Credential, options: LayerOptions, stack: ExitStack
) -> Checks:
    """Return the first layer. `open_watch` opens the stream of a watch."""
    checks: Checks = remote
    # Here: batching, then the answer cache.
    del credential
    if options.local is not None:
        from rolecall_client.local.layer import local_layer  # noqa: PLC0415 - an extra

        checks = local_layer(options.local, open_watch, checks, stack)
    return checks


def async_layered(
    remote: AsyncRemoteChecks,
    open_watch: AsyncOpen,
    credential: Credential,
    options: LayerOptions,
    stack: AsyncExitStack,
) -> AsyncChecks:
    """Return the first layer of an asynchronous client. Layers start their tasks with the first check."""
    checks: AsyncChecks = remote
    # Here: batching, then the answer cache, then the local replica.
    del open_watch, credential, options, stack
    return checks


def replica_of(checks: Checks | AsyncChecks) -> LocalReplica | None:
    """Return the replica of the first layer, if it has one."""
    replica: LocalReplica | None = getattr(checks, "replica", None)
    return replica
