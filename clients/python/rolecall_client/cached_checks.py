"""Checks that a client answers from its cache, where it may."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from rolecall_client.answer_cache import AnswerCache
from rolecall_client.answer_cache_options import AnswerCacheOptions
from rolecall_client.answer_keys import exact_key, may_cache
from rolecall_client.checks import CallOptions, Checks
from rolecall_client.following import Following
from rolecall_client.v1 import decision_pb2 as d
from rolecall_client.watch import Open

FIRST_MESSAGE_SECONDS = 10.0

Credential = Callable[[], bytes]
"""Returns a digest of what identifies the client to the server; another digest empties the cache."""


def accepts_cached(consistency: d.Consistency | None) -> bool:
    """Return whether a cached answer is as fresh as a check requires."""
    if consistency is None:
        return True
    # A mode that is given as false is an error, which the server returns.
    return consistency.minimize_latency or consistency.WhichOneof("requirement") is None


class CachedChecks:
    """Answers from the cache, else from the next layer, whose answers are cached.

    Errors are never cached, nor are answers to calls with metadata of their own, since they may depend on it.
    """

    def __init__(self, cache: AnswerCache, checks: Checks, credential: Credential) -> None:
        self.cache, self._next, self._credential = cache, checks, credential

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        if options.metadata:
            return self._next.check(query, consistency, options)
        cache, key = self.cache, exact_key(query)
        cache.use_credential(self._credential())
        if accepts_cached(consistency) and (found := cache.find(key)) is not None:
            return found
        if not may_cache(query):
            return self._next.check(query, consistency, options)
        asked = cache.asked()
        # The query as it is now, whatever the caller does with the message meanwhile.
        response = self._next.check(d.AssumeRoleQuery.FromString(key), consistency, options)
        cache.put(key, response, asked)
        return response


def cache_layer(
    options: AnswerCacheOptions, open_watch: Open, checks: Checks, credential: Credential, stack: ExitStack
) -> CachedChecks:
    """Return the layer over `checks`, with a cache that a thread feeds until the stack is closed."""
    cache = AnswerCache(options)
    if options.watch:
        following = Following(cache, open_watch, options.watch_request(), timeout=FIRST_MESSAGE_SECONDS)
        stack.callback(following.close)
        following.start()
    return CachedChecks(cache, checks, credential)
