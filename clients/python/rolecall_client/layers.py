"""The layers that answer checks, the first that can: a local replica, the answer cache, batching, the server.

Each layer answers or asks the next. A layer with a life of its own (a thread, a task) is entered on the stack, which the client
closes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rolecall_client.async_watch import AsyncOpen
from rolecall_client.checks import AsyncChecks, Checks
from rolecall_client.remote_checks import AsyncRemoteChecks, RemoteChecks
from rolecall_client.tracing import Spans
from rolecall_client.watch import Open

if TYPE_CHECKING:
    from rolecall_client.local import LocalOptions, LocalReplica

Digest = Callable[[], bytes]
"""Returns a digest of everything that identifies the client to the server: another credential, another digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """Which layers there are between a client and its server."""

    batching: bool = True
    local: LocalOptions | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What layers are made of: the server, the watches, the credential, the spans, and what the client closes."""

    remote: RemoteChecks
    open_watch: Open
    digest: Digest
    spans: Spans
    stack: ExitStack


@dataclass(frozen=True, slots=True)
class AsyncParts:
    """The parts of an asynchronous client."""

    remote: AsyncRemoteChecks
    open_watch: AsyncOpen
    digest: Digest
    spans: Spans
    stack: AsyncExitStack


First = TypeVar("First")


@dataclass(frozen=True, slots=True)
class Layers(Generic[First]):
    """The first layer, and the local replica if there is one."""

    first: First
    replica: LocalReplica | None = None


def layered(parts: Parts, options: LayerOptions) -> Layers[Checks]:
    """Return the layers of a client."""
    checks: Checks = parts.remote
    # Here: batching.
    checks = parts.spans.noted(checks, "service")
    # Here: the answer cache, noted as "cache".
    if options.local is None:
        return Layers(parts.spans.traced(checks))
    from rolecall_client.local.layer import local_layer  # noqa: PLC0415 - an extra

    local = local_layer(options.local, parts.open_watch, checks, parts.stack)
    return Layers(parts.spans.traced(parts.spans.noted(local, "local")), local.replica)


def async_layered(parts: AsyncParts, options: LayerOptions) -> Layers[AsyncChecks]:
    """Return the layers of an asynchronous client. Layers start their tasks with the first check."""
    checks: AsyncChecks = parts.remote
    del options  # here: batching
    checks = parts.spans.noted_later(checks, "service")
    # Here: the answer cache, noted as "cache", then the local replica, noted as "local".
    return Layers(parts.spans.traced_later(checks))
