"""The rate limit of each caller: a token bucket, which is filled with `rate` tokens a second and stores at most `burst`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from rolecall.transport.errors import RateLimitError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.call_origin import CallerName, no_name, payer_of

MAX_BUCKETS = 10_000
"""For how many callers a bucket is stored; beyond that, the bucket of the caller that asked longest ago is full again."""


class TokenBuckets:
    """The buckets of callers, by name. A full bucket need not be stored: a caller without one has a full one."""

    def __init__(self, rate: float, burst: int, *, max_buckets: int = MAX_BUCKETS) -> None:
        self.rate, self.burst = rate, burst
        self._max_buckets = max_buckets
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str, cost: int, now: float) -> None:
        """Take the tokens of some questions; raise `RateLimitError` with the time after which they can be taken.

        What costs more than a full bucket is taken from a full one, and the debt is paid by waiting.
        """
        needed = min(cost, self.burst)
        wait = (self._seconds_until_full(name, now) * self.rate + needed - self.burst) / self.rate
        # A caller that waits exactly as long as it was asked to must not be refused for a rounding error.
        if wait > 1e-6:
            raise RateLimitError(self.rate, self.burst, wait)
        self._spend(name, cost, now)

    def owe(self, name: str, cost: int, now: float) -> float:
        """Take tokens that may not be there yet; return the seconds until they are."""
        self._spend(name, cost, now)
        return max(0.0, self._seconds_until_full(name, now) - self.burst / self.rate)

    def __len__(self) -> int:
        return len(self._full_at)

    def _seconds_until_full(self, name: str, now: float) -> float:
        return max(0.0, self._full_at.get(name, now) - now)

    def _spend(self, name: str, cost: int, now: float) -> None:
        self._full_at[name] = now + self._seconds_until_full(name, now) + cost / self.rate
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._max_buckets:
            self._full_at.popitem(last=False)


class CallerRates:
    """Takes the tokens of calls from the buckets of their callers."""

    def __init__(
        self,
        buckets: TokenBuckets,
        *,
        name_of: CallerName = no_name,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._buckets, self._name_of, self._clock = buckets, name_of, clock
        self.refused = 0

    def take(self, context: CallContext, cost: int) -> None:
        """Take the tokens of a call; raise `RateLimitError`."""
        try:
            self._buckets.take(payer_of(context, self._name_of), cost, self._clock())
        except RateLimitError:
            self.refused += 1
            raise

    async def pace(self, context: CallContext) -> None:
        """Take the token of one message of a stream; return when it is there. So a stream is slowed down, not broken."""
        wait = self._buckets.owe(payer_of(context, self._name_of), 1, self._clock())
        if wait:
            await asyncio.sleep(wait)
