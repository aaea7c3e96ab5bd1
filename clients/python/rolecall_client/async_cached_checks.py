"""Checks of an event loop that a client answers from its cache, where it may."""

from __future__ import annotations

from contextlib import AsyncExitStack

from rolecall_client.answer_cache import AnswerCache
from rolecall_client.answer_cache_options import AnswerCacheOptions
from rolecall_client.answer_keys import exact_key, may_cache
from rolecall_client.async_following import AsyncFollowing
from rolecall_client.async_watch import AsyncOpen
from rolecall_client.cached_checks import FIRST_MESSAGE_SECONDS, Credential, accepts_cached
from rolecall_client.checks import AsyncChecks, CallOptions
from rolecall_client.v1 import decision_pb2 as d


class AsyncCachedChecks:
    """Answers from the cache, else from the next layer, whose answers are cached.

    Errors are never cached, nor are answers to calls with metadata of their own, since they may depend on it.
    The task that feeds the cache is started with the first answer that is cached.
    """

    def __init__(
        self,
        cache: AnswerCache,
        checks: AsyncChecks,
        credential: Credential,
        following: AsyncFollowing | None = None,
    ) -> None:
        self.cache, self._next, self._credential, self._following = cache, checks, credential, following

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        if options.metadata:
            return await self._next.check(query, consistency, options)
        cache, key = self.cache, exact_key(query)
        cache.use_credential(self._credential())
        if accepts_cached(consistency) and (found := cache.find(key)) is not None:
            return found
        if not may_cache(query):
            return await self._next.check(query, consistency, options)
        if self._following is not None:
            self._following.start()
        asked = cache.asked()
        # The query as it is now, whatever the caller does with the message meanwhile.
        response = await self._next.check(d.AssumeRoleQuery.FromString(key), consistency, options)
        cache.put(key, response, asked)
        return response


def async_cache_layer(
    options: AnswerCacheOptions,
    open_watch: AsyncOpen,
    checks: AsyncChecks,
    credential: Credential,
    stack: AsyncExitStack,
) -> AsyncCachedChecks:
    """Return the layer over `checks`, with a cache that a task feeds until the stack is closed."""
    cache, following = AnswerCache(options), None
    if options.watch:
        following = AsyncFollowing(cache, open_watch, options.watch_request(), timeout=FIRST_MESSAGE_SECONDS)
        stack.push_async_callback(following.close)
    return AsyncCachedChecks(cache, checks, credential, following)
