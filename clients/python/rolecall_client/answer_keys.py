"""Which queries have the same answer: equal ones, and those that differ only in what the policy of the role does not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rolecall_client.v1 import decision_pb2 as d

Sizes = Mapping[str, tuple[int, int, int]]
"""Of each key: how many values it has, how long the longest is, and how long they are together."""


class AlikeKey(NamedTuple):
    """What the answer to a query with a context depends on, compared part by part.

    `bare` has everything but the context, with all claims: the server compares some of them with those of the provider, even
    if no policy reads them. `names` has the keys of the context, so that no query is answered whose keys could be refused.
    """

    bare: bytes
    names: frozenset[str]
    vary_keys: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


class ReadQuery(NamedTuple):
    """A query in parts: its role, the bytes of all but the context, and the context."""

    role: str
    bare: bytes
    context: Mapping[str, tuple[str, ...]]


def exact_key(query: d.AssumeRoleQuery) -> bytes:
    """Return the bytes of a query, which are the same for equal queries."""
    return query.SerializeToString(deterministic=True)


def read_query(key: bytes) -> ReadQuery:
    """Return the parts of the query with an exact key."""
    query = d.AssumeRoleQuery.FromString(key)
    context = {name: tuple(found.values) for name, found in query.context.items()}
    if not context:
        return ReadQuery(query.role, key, context)
    query.ClearField("context")
    return ReadQuery(query.role, exact_key(query), context)


def alike_key(query: ReadQuery, vary_keys: tuple[str, ...]) -> AlikeKey:
    """Return what the answer to a query depends on, if the policy of its role reads `vary_keys`."""
    context = query.context
    # A key without values is absent.
    values = tuple([context.get(name, ()) for name in vary_keys])
    return AlikeKey(query.bare, frozenset(context), vary_keys, values)


def sizes_of(query: ReadQuery) -> Sizes:
    """Return how large the values of each key are."""
    return {name: _size_of(values) for name, values in query.context.items()}


def fits(sizes: Sizes, accepted: Sizes) -> bool:
    """Return whether no size is above the accepted one: the server refuses values only for their number or length."""
    for name, (count, longest, together) in sizes.items():
        most, most_characters, most_together = accepted[name]
        if count > most or longest > most_characters or together > most_together:
            return False
    return True


def may_cache(query: d.AssumeRoleQuery) -> bool:
    """Return whether the answer to a query may be cached: not that to a token, which is a secret and can be revoked."""
    return query.WhichOneof("identity") in ("principal", "federated")


def role_name(role: str) -> str:
    """Return the name in a role as a query spells it (an ARN, `ACCOUNT/NAME` or `NAME`), as the server compares names."""
    return role.rpartition("/")[2].lower()


def _size_of(values: tuple[str, ...]) -> tuple[int, int, int]:
    if not values:
        return 0, 0, 0
    lengths = [len(value) for value in values]
    return len(lengths), max(lengths), sum(lengths)
