"""The layers that answer the checks of an asynchronous client, as those of `layers` do."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from rolecall_client.async_agent import AsyncAgentFirstChecks
from rolecall_client.async_batching import AsyncBatchedChecks
from rolecall_client.async_cached_checks import async_cache_layer
from rolecall_client.async_watch import AsyncOpen
from rolecall_client.checks import AsyncChecks
from rolecall_client.layers import Digest, LayerOptions, Layers
from rolecall_client.remote_checks import AsyncRemoteChecks
from rolecall_client.tracing import Spans


@dataclass(frozen=True, slots=True)
class AsyncParts:
    """The parts of an asynchronous client."""

    remote: AsyncRemoteChecks
    agent: AsyncRemoteChecks | None
    open_watch: AsyncOpen
    digest: Digest
    spans: Spans
    stack: AsyncExitStack


def async_layered(parts: AsyncParts, options: LayerOptions) -> Layers[AsyncChecks]:
    """Return the layers of an asynchronous client. Layers start their tasks with the first check."""
    checks, cache = _asking(parts.remote, "service", parts, options), None
    if parts.agent is not None:
        checks = AsyncAgentFirstChecks(_asking(parts.agent, "agent", parts, options), checks)
    if options.cache is not None:
        cached = async_cache_layer(options.cache, parts.open_watch, checks, parts.digest, parts.stack)
        checks, cache = parts.spans.noted_later(cached, "cache"), cached.cache
    if options.local is None:
        return Layers(parts.spans.traced_later(checks), cache)
    from rolecall_client.local.layer import async_local_layer  # noqa: PLC0415 - an extra

    local = async_local_layer(options.local, parts.open_watch, checks, parts.digest, parts.stack)
    return Layers(parts.spans.traced_later(parts.spans.noted_later(local, "local")), cache, local.replica)


def _asking(remote: AsyncRemoteChecks, name: str, parts: AsyncParts, options: LayerOptions) -> AsyncChecks:
    """Return what asks a server, with its own batches."""
    checks: AsyncChecks = remote
    if options.batching:
        batched = AsyncBatchedChecks(remote)
        parts.stack.push_async_callback(batched.close)
        checks = batched
    return parts.spans.noted_later(checks, name)
