"""The weights of cached values, compared with the memory that Python allocates for them."""

from __future__ import annotations

import gc
import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any, NamedTuple

import pytest

from rolecall.engine.cache import LAST_ANSWER_BYTES, RIGHTS_BYTES, DecisionCache, RequestCache
from rolecall.engine.decision import Answer, ServedFrom
from rolecall.engine.decision_point import NOT_FOUND
from rolecall.engine.feed import role_bytes
from rolecall.engine.weights import answer_bytes
from rolecall.policy.compiler import compile_policy
from rolecall.policy.limits import Limits
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import principal_of_request, provider_of_request
from rolecall.policy.weight import policy_bytes
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder, encode_decision
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import ACCOUNT, NOON, allow, deny, document, point, role

COUNT = 86
"""Where the tables of the caches have just grown, so that an entry takes most."""

MOST = 1.5
"""How much more than the allocated memory a weight may be."""

A_SMALL_POLICY = 500

EMOJI, CYRILLIC = "\U0001f600", "\u0436"
TOO_LONG = {"many short values", "many empty values", "many values of one letter"}
"""Shapes whose queries are too long to be cached."""

NO_LIMITS = Limits(**dict.fromkeys((limit.name for limit in fields(Limits)), sys.maxsize))
TOKEN = "eyJhbGciOiJSUzI1NiJ9." * 30


class Shape(NamedTuple):
    """The values of the condition keys of question `number`, and of the policy that reads these keys."""

    values: Callable[[int], Mapping[str, Sequence[str]]]
    keys: int = 1


def one(text: str) -> Callable[[int], Mapping[str, Sequence[str]]]:
    return lambda number: {"k0": [f"{number:06}{text}"]}


def many(keys: int, values: Sequence[str]) -> Callable[[int], Mapping[str, Sequence[str]]]:
    return lambda number: {f"k{key}": [f"{number:06}", *values] for key in range(keys)}


SHAPES = {
    "without keys": Shape(lambda _: {}, 0),
    "one short value": Shape(one("")),
    "five short values": Shape(many(5, []), 5),
    "a long token": Shape(one(TOKEN)),
    "long astral values": Shape(one(EMOJI * 200)),
    "long Cyrillic values": Shape(one(CYRILLIC * 200)),
    "many short values": Shape(many(6, ["ab", "cd", CYRILLIC, CYRILLIC + "a"] * 10), 6),
    "many empty values": Shape(many(9, [""] * 99), 9),
    "many values of one letter": Shape(many(5, ["x", "\xe9"] * 30), 5),
    "many keys": Shape(many(40, []), 40),
}


@contextmanager
def traced() -> Iterator[None]:
    # A full collection empties Python's lists of free tuples: what is made of those is not counted.
    gc.collect()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def kept_by(holder: list[Any]) -> int:
    """Return how much memory is freed with the only element of `holder`."""
    for memo in (principal_of_request, provider_of_request):
        memo.cache_clear()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    holder.clear()
    gc.collect()
    return before - tracemalloc.get_traced_memory()[0]


def role_text(shape: Shape) -> str:
    keys = {f"k{key}": "value" for key in range(shape.keys)}
    return document(allow(StringEquals=keys) if keys else allow())


def test_an_answer_about_no_role_has_a_weight_too() -> None:
    nobody = Answer(NOT_FOUND, ServedFrom.EVALUATED, b"")

    assert 0 < answer_bytes(nobody) == answer_bytes(nobody._replace(encoded=b"12345")) - 5


def test_a_key_that_is_missing_is_kept_in_a_second_place() -> None:
    present = Answer(replace(NOT_FOUND, vary_keys=("k0", "k1")), ServedFrom.EVALUATED)
    missing = Answer(replace(NOT_FOUND, vary_keys=("k0", "k1"), missing_keys=("k1",)), ServedFrom.EVALUATED)

    assert answer_bytes(missing) == answer_bytes(present) + struct.calcsize("P")


def query(shape: Shape, number: int) -> pb.AssumeRoleQuery:
    query = pb.AssumeRoleQuery(principal=f"acs:ram::{ACCOUNT}:user/alice-{number}", role=f"role-{number}")
    for key, values in shape.values(number).items():
        query.context[key].values.extend(values)
    return query


def decisions(shape: Shape) -> DecisionCache:
    """Return a cache of one decision for each of many roles, which exist no longer."""
    roles = [role(role_text(shape), name=f"role-{number}", revision=1_000 + number) for number in range(COUNT)]
    decider, decoder = point(*roles, encode=encode_decision), QueryDecoder(Accounts(ACCOUNT))
    for number in range(COUNT):
        decider.check(decoder.read(query(shape, number)), NOON)
    return decider.cache


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_decision_weighs_at_least_its_memory_and_at_most_half_more(name: str) -> None:
    with traced():
        cache = decisions(SHAPES[name])
        weight, held = cache.bytes, [cache]
        del cache
        memory = kept_by(held)

    assert memory <= weight <= MOST * memory


def requests(decoder: QueryDecoder, shape: Shape) -> RequestCache:
    cache = RequestCache(lambda data: decoder.read(pb.AssumeRoleQuery.FromString(data)), 2 * COUNT)
    for number in range(COUNT):
        cache.get(query(shape, number).SerializeToString())
    return cache


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in TOO_LONG])
def test_a_request_weighs_at_least_its_memory_and_at_most_half_more(name: str) -> None:
    decoder = QueryDecoder(Accounts(ACCOUNT))
    with traced():
        held = [requests(decoder, SHAPES[name])]
        weight = held[0].bytes - (LAST_ANSWER_BYTES + RIGHTS_BYTES) * COUNT
        memory = kept_by(held)

    assert memory <= weight <= MOST * memory


def test_a_request_weighs_at_least_its_memory_with_an_answer_that_nothing_else_keeps() -> None:
    shape = SHAPES["five short values"]
    roles = [role(role_text(shape), name=f"role-{number}", revision=1_000 + number) for number in range(COUNT)]
    deciders, decoder = [point(*roles, encode=encode_decision)], QueryDecoder(Accounts(ACCOUNT))
    del roles
    with traced():
        held = [requests(decoder, shape)]
        asked = [held[0].get(query(shape, number).SerializeToString()) for number in range(COUNT)]
        answered = [deciders[0].check(request, NOON).served_from and request.last_answer for request in asked]
        assert all(answered)
        del asked, answered
        deciders.clear()
        weight, memory = held[0].bytes, kept_by(held)

    assert memory <= weight


POLICIES: dict[str, Sequence[Any]] = {
    "one statement": [allow()],
    "one condition": [allow(StringEquals={"key": "value"})],
    "many statements": [deny(StringEquals={"key": f"value {number}"}) for number in range(100)],
    "many roots": [allow([f"acs:ram::{10**9 + number}:root" for number in range(500)])],
    "many users": [allow([f"acs:ram::{ACCOUNT}:user/user-{number}" for number in range(200)])],
    "many keys": [allow(StringEquals={f"key-{number}": f"value-{number}" for number in range(60)})],
    "many values": [allow(StringEquals={"key": [f"{number:04}" for number in range(1_500)]})],
    "long astral values": [allow(StringEquals={"key": [f"{number:04}{EMOJI}" for number in range(500)]})],
    "addresses": [
        allow(IpAddress={"acs:SourceIp": [f"10.{number // 256}.{number % 256}.0/24" for number in range(500)]})
    ],
    "IPv6 addresses": [allow(IpAddress={"acs:SourceIp": [f"2001:db8:{number:x}::/48" for number in range(500)]})],
    "numbers": [allow(NumericEquals={"key": [f"{number}.5" for number in range(500)]})],
    "times": [
        allow(
            DateEquals={
                "acs:CurrentTime": [f"2026-01-{day:02}T{hour:02}:00:00Z" for day in range(1, 30) for hour in range(9)]
            }
        )
    ],
    "patterns without a star": [allow(StringLike={"key": [f"{number:04}" for number in range(1_000)]})],
    "patterns with a start": [allow(StringLike={"key": [f"repo:{number:04}/*" for number in range(500)]})],
    "patterns with an end": [allow(StringLike={"key": [f"*{number:04}" for number in range(500)]})],
    "patterns with a part": [allow(StringLike={"key": [f"*{number:04}*" for number in range(500)]})],
    "patterns with a character left open": [allow(StringLike={"key": [f"?{number:04}" for number in range(1_000)]})],
    "hostile patterns": [allow(StringLike={"key": [f"*{number:04}?*" for number in range(1_000)]})],
    "patterns of many stars": [allow(StringLike={"key": ["*".join(f"{number:06}") for number in range(500)]})],
    "long patterns": [allow(StringLike={"key": [f"?{number:04}" + "x" * 300 for number in range(40)]})],
    "long astral patterns": [allow(StringLike={"key": [f"?{number:04}" + EMOJI * 60 for number in range(40)]})],
    "patterns of single characters": [allow(StringLike={"key": ["a?" * 100 + f"{number:04}" for number in range(40)]})],
}


@pytest.mark.parametrize("name", list(POLICIES))
def test_a_compiled_policy_weighs_at_least_its_memory_and_at_most_half_more(name: str) -> None:
    text = document(*POLICIES[name])
    weight = policy_bytes(parse_policy(text, limits=NO_LIMITS))
    with traced():
        held = [compile_policy(parse_policy(text, limits=NO_LIMITS))]
        memory = kept_by(held)

    assert memory <= weight <= MOST * memory + A_SMALL_POLICY


@pytest.mark.parametrize("text", ["x" * 16_000, CYRILLIC * 8_000, EMOJI * 4_000])
def test_a_version_of_a_role_weighs_at_least_its_memory(text: str) -> None:
    with traced():
        tags = {f"key {number}": f"{number}{text[:200]}" for number in range(20)}
        held = [role(text + " ", description=text[:1_000], tags=tags)]
        del tags
        weight, memory = role_bytes(held[0]), kept_by(held)

    assert memory <= weight <= MOST * memory
