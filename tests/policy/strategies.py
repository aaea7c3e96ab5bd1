"""Hypothesis strategies of trust policies and requests, over small pools and over all text."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings, strategies as st

from tests.oracle import pools

Json = dict[str, Any]

settings.register_profile("laws", deadline=None, max_examples=60)
settings.register_profile("laws-ci", deadline=None, max_examples=60, derandomize=True)

laws = settings.get_profile("laws-ci" if os.environ.get("CI") else "laws")
"""The settings of the laws: without a time limit; in CI every run draws the same examples."""


def _some(pool: list[str], most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(pool), min_size=1, max_size=most)


def _member(family: str) -> st.SearchStrategy[tuple[str, str, list[str]]]:
    """Return operators, keys and expected values of a family; a key may be of any family but the time."""
    others = sorted({key for keys in pools.SENT.values() for key in keys})
    return st.tuples(
        st.builds(str.__add__, st.sampled_from(pools.PREFIXES), st.sampled_from(pools.OPERATORS[family])),
        st.sampled_from(pools.KEYS[family]) | st.sampled_from(others),
        _some(pools.EXPECTED[family]),
    )


def _condition(members: list[tuple[str, str, list[str]]]) -> Json:
    condition: Json = {}
    for operator, key, values in members:
        condition.setdefault(operator, {})[key] = values
    return condition


def _statement(effect: str, principal: Json, members: list[tuple[str, str, list[str]]]) -> Json:
    whole: Json = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal}
    return whole | ({"Condition": _condition(members)} if members else {})


effects = st.sampled_from(["Allow", "Deny"])
everyone = st.just({"RAM": pools.ROOTS, "Service": pools.NAMED["Service"], "Federated": [pools.SAML, pools.OIDC]})
principals = everyone | st.fixed_dictionaries(
    {}, optional={name: _some(texts) for name, texts in pools.NAMED.items()}
).filter(bool)
members = st.lists(st.sampled_from(sorted(pools.OPERATORS)).flatmap(_member), max_size=3)
statements = st.builds(_statement, effects, principals, members)
allows = st.builds(_statement, st.just("Allow"), principals, members)
denies = st.builds(_statement, st.just("Deny"), principals, members)
policies = st.builds(lambda found: {"Version": "1", "Statement": found}, st.lists(statements, min_size=1, max_size=4))


def _contexts(values: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[Json]:
    keys = {key: st.lists(values[family], max_size=3) for family, known in pools.SENT.items() for key in known}
    return st.fixed_dictionaries({}, optional=keys)


def _requests(contexts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    fields = {name: st.sampled_from(texts) for name, texts in pools.FIELDS.items()}
    rest = {"role": st.sampled_from(pools.ROLES), "context": contexts, "time": times}
    claims = {name: st.lists(st.sampled_from(texts), max_size=2) for name, texts in pools.CLAIMS.items()}
    named = st.fixed_dictionaries({"principal": st.sampled_from(pools.REQUESTERS), **rest}, optional=fields)
    federated = st.fixed_dictionaries(
        {
            "provider_arn": st.sampled_from([pools.SAML, pools.OIDC]),
            "claims": st.fixed_dictionaries({}, optional=claims),
        }
    )
    return named | st.fixed_dictionaries({"federated": federated, **rest}, optional=fields)


times = st.sampled_from(pools.TIMES)
requests = _requests(_contexts({family: st.sampled_from(texts) for family, texts in pools.REQUESTED.items()}))
hostile_requests = _requests(_contexts(dict.fromkeys(pools.REQUESTED, st.text(alphabet=st.characters(), max_size=40))))
unread_keys = st.dictionaries(
    st.text(max_size=12).map(lambda text: f"unread:{text}"), st.lists(st.text(max_size=8), max_size=3), max_size=3
)
