"""Random trust policies and requests, from a seeded source."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.oracle import pools

Json = dict[str, Any]


def policy(random: Random) -> Json:
    """Return a document of one to five statements."""
    return {"Version": "1", "Statement": [statement(random) for _ in range(random.randint(1, 5))]}


def statement(random: Random) -> Json:
    """Return a statement; two in three allow."""
    action = random.choice(pools.ACTIONS)
    both = random.random() < 0.1
    whole: Json = {
        "Effect": random.choice(["Allow", "Allow", "Deny"]),
        "Action": ["sts:SetSourceIdentity", action] if both else action,
        "Principal": _principal(random),
    }
    conditions = random.choices([0, 1, 2, 3], [25, 45, 20, 10])[0]
    if conditions:
        whole["Condition"] = condition(random, conditions)
    return whole


def request(random: Random) -> Json:
    """Return a well-formed request."""
    drawn: Json = _identity(random) | {
        "role": random.choice(pools.ROLES),
        "context": context(random),
        "time": random.choice(pools.TIMES),
    }
    for field, texts in pools.FIELDS.items():
        if random.random() < 0.5:
            drawn[field] = random.choice(texts)
    return drawn


def _principal(random: Random) -> Json:
    """Return one or two types; two in five statements name every principal, so that several statements apply to one request."""
    if random.random() < 0.4:
        return {"RAM": pools.ROOTS, "Service": pools.NAMED["Service"], "Federated": [pools.SAML, pools.OIDC]}
    types = random.sample(sorted(pools.NAMED), random.choice([1, 1, 2]))
    return {name: one_or_more(random, pools.NAMED[name]) for name in types}


def condition(random: Random, count: int) -> Json:
    """Return a condition of so many comparisons."""
    whole: Json = {}
    for _ in range(count):
        family = random.choice(sorted(pools.OPERATORS))
        operator = random.choice(pools.PREFIXES) + random.choice(pools.OPERATORS[family])
        # One key in ten belongs to another family: its values cannot be read.
        keys = pools.KEYS[family] if random.random() < 0.9 else pools.SENT[random.choice(sorted(pools.SENT))]
        whole.setdefault(operator, {})[random.choice(keys)] = one_or_more(random, pools.EXPECTED[family])
    return whole


def _identity(random: Random) -> Json:
    draw = random.random()
    if draw < 0.02:
        return {"principal": random.choice(pools.ROOTS)}
    if draw < 0.2:
        provider, claim = random.choice([(pools.SAML, "saml:recipient"), (pools.OIDC, "oidc:sub")])
        claims = {claim: random.choices(pools.CLAIMS[claim], k=random.randint(0, 2))} if random.random() < 0.8 else {}
        return {"federated": {"provider_arn": provider, "claims": claims}}
    return {"principal": random.choice(pools.REQUESTERS)}


def context(random: Random) -> Json:
    """Return condition keys with values that a caller may send."""
    sent: Json = {}
    for family, keys in pools.SENT.items():
        for key in keys:
            if random.random() < 0.75:
                count = random.choices([0, 1, 2, 3], [3, 67, 20, 10])[0]
                sent[key] = random.choices(pools.REQUESTED[family], k=count)
    return sent


def one_or_more(random: Random, pool: list[str]) -> str | list[str]:
    """Return one text of a pool, or a list of up to three."""
    if random.random() < 0.5:
        return random.choice(pool)
    return random.sample(pool, random.randint(1, 3))
