"""What callers can let a server remember: questions, decisions, compiled policies, explanations. The register is `docs/immunity.md`."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from string import ascii_letters, digits

import pytest

from rolecall.engine.cache import LAST_ANSWER_BYTES, RequestCache
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.explanation import explain_version
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder, encode_decision
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import NOON, allow, ask, document, point, question, role

LIMIT = 1_000_000
EMOJI = "\U0001f600"


def letters(number: int, count: int) -> list[str]:
    """Return values of one Cyrillic letter each."""
    return [chr(0x400 + (number * 7 + place) % 0x300) for place in range(count)]


def queries(count: int) -> Iterator[bytes]:
    """Yield queries of 986 bytes that become requests of more than 20 KB."""
    for number in range(count):
        query = pb.AssumeRoleQuery(principal="acs:ram::1:user/a", role="n")
        for key in "abc":
            query.context[key].values.extend(letters(number, 78))
        query.context["a"].values[0] = chr(0x4E00 + number)
        yield query.SerializeToString()


def test_queries_that_become_large_requests_fill_the_cache_to_its_bytes_only() -> None:
    decoder, sizes = QueryDecoder(Accounts("1"), cache_bytes=LIMIT), list[int]()

    for query in queries(500):
        decoder.request(query)
        sizes.append(decoder.cache.bytes)

    assert LIMIT // 2 < max(sizes) <= LIMIT
    assert 20 < len(decoder.cache) < 60


def test_small_queries_after_large_ones_fill_the_cache_to_its_bytes_only() -> None:
    decoder, sizes = QueryDecoder(Accounts("1"), cache_bytes=LIMIT), list[int]()
    small = [pb.AssumeRoleQuery(principal=f"acs:ram::1:user/a{n}", role="n").SerializeToString() for n in range(2_000)]

    for query in [*queries(100), *small, *queries(100), *small[:30]]:
        decoder.request(query)
        sizes.append(decoder.cache.bytes)

    assert max(sizes) <= LIMIT
    assert decoder.cache.bytes == sum(request.weight for request in stored(decoder.cache))


def stored(cache: RequestCache) -> Iterator[AssumeRoleRequest]:
    for generation in (cache._recent, cache._older, *cache._dropped):  # what is counted, also while it is being dropped
        yield from generation.values()


def test_a_request_that_is_larger_than_the_cache_is_not_cached() -> None:
    decoder = QueryDecoder(Accounts("1"), cache_bytes=20_000)

    for query in queries(3):
        decoder.request(query)

    assert (len(decoder.cache), decoder.cache.bytes) == (0, 0)


def test_without_bytes_no_request_is_cached() -> None:
    decoder = QueryDecoder(Accounts("1"), cache_bytes=0)
    query = pb.AssumeRoleQuery(principal="acs:ram::1:user/a", role="n").SerializeToString()

    requests = [decoder.request(query) for _ in range(2)]

    assert requests[0] is not requests[1]
    assert len(decoder.cache) == 0


Values = Callable[[int], Mapping[str, Sequence[str]]]

HOSTILE_VALUES: dict[str, Values] = {
    "astral": lambda number: {"k0": [f"{number:06}" + EMOJI * 4_090]},
    "ascii": lambda number: {"k0": [f"{number:06}" + "x" * 4_090]},
    "many": lambda number: {"k0": [chr(0x4E00 + number)], **{f"k{key}": letters(number, 66) for key in range(1, 62)}},
    "some": lambda number: {"k0": [chr(0x4E00 + number)], **{f"k{key}": letters(number, 20) for key in range(1, 10)}},
    "empty": lambda number: {"k0": [f"{number:04}"], **{f"k{key}": [""] * 100 for key in range(1, 62)}},
    "few empty": lambda number: {"k0": [f"{number:04}"], **{f"k{key}": [""] * 100 for key in range(1, 12)}},
}


@pytest.mark.parametrize("name", list(HOSTILE_VALUES))
def test_decisions_on_hostile_values_fill_the_cache_to_its_bytes_only(name: str) -> None:
    keys = {f"k{number}": "x" for number in range(62)}
    decider = point(role(document(allow(StringLike=keys))), encode=encode_decision, cache_bytes=LIMIT)
    sizes = list[int]()

    for number in range(150):
        ask(decider, context=HOSTILE_VALUES[name](number))
        sizes.append(decider.cache.bytes)

    assert max(sizes) <= LIMIT
    assert decider.cache.bytes == sum(weight for _, _, weight in decider.cache._entries.values())


def test_an_answer_that_a_request_has_no_room_for_is_found_by_its_key() -> None:
    keys = {f"key-number-{number}": "x" for number in range(60)}
    decider = point(role(document(allow(StringLike=keys))), encode=encode_decision)
    asked = question(context={"key-number-1": ["x"]})

    answers = [decider.check(asked, NOON).served_from.value for _ in range(3)]

    assert answers == ["EVALUATED", "CACHED", "CACHED"]
    assert asked.last_answer is None
    assert decider.cache.bytes > LAST_ANSWER_BYTES


def hostile_document(number: int, patterns: int = 1_600) -> str:
    """Return 16 KB of patterns, whose compiled form takes a megabyte."""
    pairs = islice(product(ascii_letters + digits, repeat=2), patterns)
    return document(allow(StringLike={"k": [f"?{a}{b}" for a, b in pairs]}) | {"Sid": f"s{number}"})


def test_compiled_policies_of_many_patterns_fill_the_cache_to_its_bytes_only() -> None:
    roles = [role(hostile_document(number, 300), name=f"r{number}", revision=number + 1) for number in range(30)]
    decider = point(*roles, compiled_policy_bytes=LIMIT)
    sizes = list[int]()

    for number in range(30):
        ask(decider, name=f"r{number}")
        sizes.append(decider.compiled.bytes)

    assert max(sizes) <= LIMIT
    assert len(compiled(decider)) == len(decider.compiled) < 10


def compiled(decider: DecisionPoint) -> list[RoleVersion]:
    return [version for version in decider.snapshot.versions() if version.policy is not None]


def test_the_newest_compiled_policy_stays_whatever_its_size() -> None:
    roles = [role(hostile_document(number, 300), name=f"r{number}", revision=number + 1) for number in range(3)]
    decider = point(*roles, compiled_policy_bytes=1_000)

    for number in range(3):
        ask(decider, name=f"r{number}")

    assert [version.role.role_name for version in compiled(decider)] == ["r2"]
    assert len(decider.compiled) == 1


def explained(decider: DecisionPoint, version: RoleVersion) -> weakref.ref[object]:
    """Explain a decision by a version of the history; return a reference to the compiled policy."""
    explain_version(decider, version, question(), NOON)
    assert version.policy is not None
    return weakref.ref(version)


def test_explanations_at_earlier_revisions_leave_nothing_behind() -> None:
    now = role(hostile_document(0, 10))
    decider = point(now)
    ask(decider)
    before = decider.compiled.bytes, len(decider.compiled), len(decider.cache)

    versions = [explained(decider, RoleVersion(role(hostile_document(number, 10)))) for number in range(20)]
    gc.collect()

    assert [version() for version in versions] == [None] * 20
    assert (decider.compiled.bytes, len(decider.compiled), len(decider.cache)) == before


def replace(decider: DecisionPoint, old: Role, revision: int) -> Role:
    new = role(old.document, name=old.role_name, revision=revision)
    author = Author(actor="test", time=Micros(NOON))
    change = Change(ChangeKind.UPDATED, new)
    decider.snapshot.apply(Commit(revision=Revision(revision), author=author, changes=(change,), hash=b""))
    return new


def test_cached_answers_keep_no_replaced_role_and_no_compiled_policy() -> None:
    newest = role(hostile_document(0, 10))
    decider, asked = point(newest, encode=encode_decision), question()
    versions = list[weakref.ref[RoleVersion]]()

    for revision in range(2, 22):
        decider.check(asked, NOON)
        version = decider.snapshot.version(asked.role_key)
        assert version
        versions.append(weakref.ref(version))
        del version
        newest = replace(decider, newest, revision)
    gc.collect()

    assert [version() for version in versions] == [None] * 20
    assert len(decider.cache) == 20
    assert len(decider.compiled) == 0


def test_compiled_policies_of_replaced_roles_are_not_counted() -> None:
    newest = role(hostile_document(0, 50))
    decider, sizes = point(newest), list[int]()

    for revision in range(2, 22):
        ask(decider)
        sizes.append(decider.compiled.bytes)
        newest = replace(decider, newest, revision)

    assert len(set(sizes)) == 1


def test_a_version_that_was_replaced_is_compiled_for_those_that_still_have_it_only() -> None:
    old = role(hostile_document(0, 10))
    decider, asked = point(old), question()
    version = decider.snapshot.version(asked.role_key)
    replace(decider, old, 2)

    answer = decider.check_version(asked, version, NOON, restored=False)

    assert answer.decision.role
    assert answer.decision.role.revision == 1
    assert len(decider.compiled) == 0


def test_a_decision_that_is_made_again_is_counted_once() -> None:
    decider = point(role(document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))))
    sizes = list[int]()

    for step in range(5):
        ask(decider, now=NOON + step * 3_600_000_000)
        sizes.append(decider.cache.bytes)

    assert len(decider.cache) == 1
    assert len(set(sizes[1:])) == 1


def test_without_bytes_no_decision_is_cached() -> None:
    decider = point(role(document(allow())), cache_bytes=0)

    ask(decider)

    assert (len(decider.cache), decider.cache.bytes) == (0, 0)
