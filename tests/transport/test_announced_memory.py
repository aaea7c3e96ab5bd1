"""What watches buffer and share takes as much memory as the documentation announces, to the byte."""

from __future__ import annotations

import re

from rolecall.transport.codecs.watch import EventEncoder
from rolecall.transport.codecs.watch_batches import BatchMemory
from tests.repository.tree import DOCS
from tests.transport.test_watch_batches import changed, checkpoint, messages_of
from tests.transport.test_watch_codec import TOKENS

KIB, MIB = 1_024, 1_024**2


def announced(page: str, sentence: str) -> int:
    """Return the number in a sentence of a page, in which it stands for `(N)`."""
    found = re.search(re.escape(sentence).replace(r"\(N\)", "([0-9]+)"), " ".join((DOCS / page).read_text().split()))
    assert found
    return int(found[1])


def test_batches_take_as_much_as_is_announced() -> None:
    most = announced("freshness.md", "All batches together take (N) MiB of the server") * MIB
    memory = BatchMemory()

    full = list[bool]()
    for memory.bytes in (0, most - 1, most, most + 1):
        full.append(memory.is_full)

    assert full == [False, False, True, True]


async def test_a_batch_is_sent_when_it_has_the_announced_size() -> None:
    size = announced("freshness.md", "arrive in messages of about (N) KiB") * KIB
    of_one = len(EventEncoder(TOKENS).encode(changed(1, "x" * 1_000)))
    missing = size - of_one
    # A change has less than a thousand bytes beside its description.
    shorter = range(missing - 1_000, missing)
    filler = next(n for n in shorter if len(EventEncoder(TOKENS).encode(changed(2, "x" * n))) >= missing)

    sent = [
        await messages_of(changed(1, "x" * 1_000), changed(2, "x" * n), checkpoint(2)) for n in (filler - 1, filler)
    ]

    assert [len(messages) for messages in sent] == [1, 2]


def test_the_changes_that_many_watches_share_take_as_much_as_is_announced() -> None:
    most = announced("caching.md", "take at most (N) MiB with their roles") * MIB

    assert EventEncoder(TOKENS)._cache.maxsize == most
