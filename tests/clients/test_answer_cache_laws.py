"""Laws of the answer cache: in every history, however messages are delayed, lost or cut off, no answer is too old."""

from __future__ import annotations

from random import Random

import pytest

from tests.clients.answers import checkpoint
from tests.clients.replicated_world import World

STEPS = 500


def live(world: World, random: Random) -> None:
    """Let a world run for a while, in which its network and its store fail for some of the time."""
    polling, travelling, streaming = (random.choice((0.1, 0.5, 0.9)) for _ in range(3))
    for _ in range(STEPS):
        if random.random() < 0.05:
            polling, travelling, streaming = (random.choice((0.0, 0.5, 0.95)) for _ in range(3))
        for name, likelihood in (
            ("advance", 0.7),
            ("write", 0.1),
            ("poll", polling),
            ("ask", 0.4),
            ("arrive", travelling),
            ("open", 0.05 if world.stream else 0.5),
            ("restart", 0.01),
            ("lose", 0.005),
            ("send", 0.6),
            ("deliver", streaming),
            ("find", 1.0),
        ):
            if random.random() < likelihood:
                getattr(world, name)(random.randrange(3 if name == "advance" else 8), random.randrange(2))


@pytest.mark.parametrize("seed", range(6))
def test_a_cached_answer_is_what_a_server_decides_within_the_staleness_that_it_states(seed: int) -> None:
    worlds = [World() for _ in range(20)]

    for number, world in enumerate(worlds):
        live(world, Random(f"{seed} {number}"))

    assert sum(world.found for world in worlds) > 1_000


def test_the_law_notices_an_answer_that_is_too_old() -> None:
    world = World()
    world.restart(0, 0)
    for _ in range(2):
        world.advance(7, 0)
    for step in (world.poll, world.send, world.ask, world.arrive, world.find):
        step(0, 0)
    world.deliver(7, 0)

    world.write(0, 0)
    world.advance(1, 0)
    world.cache.checkpoint(checkpoint(0), world.clock.now)  # a lie: the change was not sent

    assert world.found == 1
    with pytest.raises(AssertionError, match="older than it states"):
        world.find(0, 0)
