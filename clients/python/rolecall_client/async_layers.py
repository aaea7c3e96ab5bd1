"""The layers that answer the checks of an asynchronous client, as those of `layers` do."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

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
    open_watch: AsyncOpen
    digest: Digest
    spans: Spans
    stack: AsyncExitStack


def async_layered(parts: AsyncParts, options: LayerOptions) -> Layers[AsyncChecks]:
    """Return the layers of an asynchronous client. Layers start their tasks with the first check."""
    checks: AsyncChecks = parts.remote
    cache = None
    if options.batching:
        batched = AsyncBatchedChecks(parts.remote)
        parts.stack.push_async_callback(batched.close)
        checks = batched
    checks = parts.spans.noted_later(checks, "service")
    if options.cache is not None:
        cached = async_cache_layer(options.cache, parts.open_watch, checks, parts.digest, parts.stack)
        checks, cache = parts.spans.noted_later(cached, "cache"), cached.cache
    if options.local is None:
        return Layers(parts.spans.traced_later(checks), cache)
    from rolecall_client.local.layer import async_local_layer  # noqa: PLC0415 - an extra

    local = async_local_layer(options.local, parts.open_watch, checks, parts.digest, parts.stack)
    return Layers(parts.spans.traced_later(parts.spans.noted_later(local, "local")), cache, local.replica)
