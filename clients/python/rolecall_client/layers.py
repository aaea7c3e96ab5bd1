"""The layers that answer checks, the first that can: a local replica, the answer cache, batching, an agent, the server.

Each layer answers or asks the next. A layer with a life of its own (a thread, a task) is entered on the stack, which the client
closes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rolecall_client.agent import AgentFirstChecks
from rolecall_client.answer_cache_options import AnswerCacheOptions
from rolecall_client.batching import BatchedChecks
from rolecall_client.checks import Checks
from rolecall_client.remote_checks import RemoteChecks
from rolecall_client.tracing import Spans
from rolecall_client.watch import Open

if TYPE_CHECKING:
    from rolecall_client.answer_cache import AnswerCache
    from rolecall_client.local import LocalOptions, LocalReplica

Digest = Callable[[], bytes]
"""Returns a digest of everything that identifies the client to the server: another credential, another digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """Which layers there are between a client and its server."""

    batching: bool = True
    cache: AnswerCacheOptions | None = None
    local: LocalOptions | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What layers are made of: the server, the agent, the watches, the credential, the spans, and what the client closes."""

    remote: RemoteChecks
    agent: RemoteChecks | None
    open_watch: Open
    digest: Digest
    spans: Spans
    stack: ExitStack


First = TypeVar("First")


@dataclass(frozen=True, slots=True)
class Layers(Generic[First]):
    """The first layer, and the answer cache and the local replica if there are any."""

    first: First
    answer_cache: AnswerCache | None = None
    replica: LocalReplica | None = None


def layered(parts: Parts, options: LayerOptions) -> Layers[Checks]:
    """Return the layers of a client."""
    checks, cache = _asking(parts.remote, "service", parts, options), None
    if parts.agent is not None:
        checks = AgentFirstChecks(_asking(parts.agent, "agent", parts, options), checks)
    if options.cache is not None:
        from rolecall_client.cached_checks import cache_layer  # noqa: PLC0415 - commands start without it

        cached = cache_layer(options.cache, parts.open_watch, checks, parts.digest, parts.stack)
        checks, cache = parts.spans.noted(cached, "cache"), cached.cache
    if options.local is None:
        return Layers(parts.spans.traced(checks), cache)
    from rolecall_client.local.layer import local_layer  # noqa: PLC0415 - an extra

    local = local_layer(options.local, parts.open_watch, checks, parts.digest, parts.stack)
    return Layers(parts.spans.traced(parts.spans.noted(local, "local")), cache, local.replica)


def _asking(remote: RemoteChecks, name: str, parts: Parts, options: LayerOptions) -> Checks:
    """Return what asks a server, with its own batches."""
    checks: Checks = remote
    if options.batching:
        batched = BatchedChecks(remote)
        parts.stack.callback(batched.close)
        checks = batched
    return parts.spans.noted(checks, name)
