"""Which queries have the same answer: equal ones, and those that differ only in what the policy of the role does not read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def exact_key(query: d.AssumeRoleQuery) -> bytes:
    """Return the bytes of a query, which are the same for equal queries."""
    return query.SerializeToString(deterministic=True)


def bare_key(query: d.AssumeRoleQuery) -> bytes:
    """Return the bytes of a query without its context."""
    bare = d.AssumeRoleQuery()
    bare.CopyFrom(query)
    bare.ClearField("context")
    return bare.SerializeToString(deterministic=True)


def alike_key(query: d.AssumeRoleQuery, bare: bytes, vary_keys: tuple[str, ...]) -> AlikeKey:
    """Return what the answer to a query depends on, if the policy of its role reads `vary_keys`."""
    context = query.context
    # A key without values is absent. `get`, since indexing would add the key to the query.
    values = tuple([() if (found := context.get(key)) is None else tuple(found.values) for key in vary_keys])
    return AlikeKey(bare, frozenset(context), vary_keys, values)


def ignored_sizes(query: d.AssumeRoleQuery, vary_keys: Collection[str]) -> Sizes:
    """Return how large the values of the keys are that the policy does not read."""
    ignored = {key: found.values for key, found in query.context.items() if key not in vary_keys}
    return {
        key: (len(values), max(map(len, values), default=0), sum(map(len, values))) for key, values in ignored.items()
    }


def fits(sizes: Sizes, accepted: Sizes) -> bool:
    """Return whether no size is above the accepted one: the server refuses values only for their number or length."""
    return all(all(map(int.__le__, size, accepted[key])) for key, size in sizes.items())


def may_cache(query: d.AssumeRoleQuery) -> bool:
    """Return whether the answer to a query may be cached: not that to a token, which is a secret and can be revoked."""
    return query.WhichOneof("identity") in ("principal", "federated")


def role_name(role: str) -> str:
    """Return the name in a role as a query spells it (an ARN, `ACCOUNT/NAME` or `NAME`), as the server compares names."""
    return role.rpartition("/")[2].lower()
