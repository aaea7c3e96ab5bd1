"""The rule for followers of a log: they apply every commit, once, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise


def disorder(applied: Sequence[int], committed: Sequence[int]) -> Iterator[str]:
    """Yield what is wrong with the revisions that a follower applied, compared with those in the store."""
    lost = sorted(set(committed) - set(applied))
    if lost:
        yield f"lost: {lost}"
    invented = sorted(set(applied) - set(committed))
    if invented:
        yield f"never committed: {invented}"
    twice = [revision for revision, count in Counter(applied).items() if count > 1]
    if twice:
        yield f"applied twice: {sorted(twice)}"
    backwards = [(before, after) for before, after in pairwise(applied) if after <= before]
    if backwards:
        yield f"out of order: {backwards}"
