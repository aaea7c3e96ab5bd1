"""What following a log means, as a rule that followers can be held to: every commit, once, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise


def disorder(taken_up: Sequence[int], committed: Sequence[int]) -> Iterator[str]:
    """Yield what is wrong with the revisions that a follower took up, in its order, given those that the store has, in theirs."""
    lost = sorted(set(committed) - set(taken_up))
    if lost:
        yield f"lost: {lost}"
    invented = sorted(set(taken_up) - set(committed))
    if invented:
        yield f"never committed: {invented}"
    twice = [revision for revision, count in Counter(taken_up).items() if count > 1]
    if twice:
        yield f"taken up twice: {sorted(twice)}"
    backwards = [(before, after) for before, after in pairwise(taken_up) if after <= before]
    if backwards:
        yield f"out of order: {backwards}"
