"""The limit in bytes of the answer cache holds: an entry weighs at least the memory that it takes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from rolecall_client import AnswerCacheOptions, query
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.answers import Cached, answer
from tests.clients.test_client import ALICE

COUNT = 1_000

Make = Callable[[int], d.AssumeRoleQuery]


def with_context(value: Callable[[int], str], values: int, keys: int = 20) -> Make:
    def make(number: int) -> d.AssumeRoleQuery:
        context = {f"key-{key}": [value(other) for other in range(values)] for key in range(keys)}
        return query(ALICE, f"123/role-{number}", context=context)

    return make


KINDS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "other roles": (lambda number: query(ALICE, f"123/role-{number}"), ()),
    "other principals": (lambda number: query(f"acs:ram::1:user/user-{number}", "123/role"), ()),
    "other values": (lambda n: query(ALICE, "1/r", context={"acs:SourceIp": f"10.0.0.{n}"}), ("acs:SourceIp",)),
    "ignored keys": (with_context(lambda _: "é" * 20, 3), ("key-1",)),
    "long values": (with_context(lambda _: "\U0001f600" * 20, 30, keys=5), tuple(f"key-{n}" for n in range(5))),
    "short values": (with_context(str, 30, keys=5), tuple(f"key-{n}" for n in range(5))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_weighs_at_least_the_memory_that_it_takes(kind: str) -> None:
    make, vary_keys = KINDS[kind]
    cached = Cached(AnswerCacheOptions(max_bytes=1 << 30))
    cached.put(answer(vary_keys=vary_keys), make(COUNT))

    gc.collect()
    tracemalloc.start()
    weight_before, taken_before = cached.cache.stored_bytes, tracemalloc.get_traced_memory()[0]
    for number in range(COUNT):
        cached.put(answer(vary_keys=vary_keys), make(number))
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - taken_before
    tracemalloc.stop()
    weight = cached.cache.stored_bytes - weight_before

    assert len(cached.cache) == COUNT + 1
    assert taken <= weight <= 3 * taken
