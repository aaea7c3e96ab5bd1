"""Random permission policies and accesses, from a seeded source."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.oracle import cases, pools

Json = dict[str, Any]

ACTIONS = [
    "ram:GetRole",
    "RAM:getrole",
    "ram:ListRoles",
    "sts:AssumeRole",
    "rolecall:Watch",
    "Rolecall:AskFor",
    "oss:GetObject",
]
ODD_ACTIONS = ["ram:Get*", "GetRole", "ram:Get:Role", "ram:x?"]
ACTION_PATTERNS = ["*", "*:*", "ram:*", "RAM:get*", "ram:?etRole", "*:*Role*", "sts:AssumeRole", "rolecall:*", "RoleCall:W*", "rol*:*",
                   "oss:*", "ram:ListRoles", "*:AskFor"]  # fmt: skip

RESOURCES = ["*", "acs:ram::123456789012:role/shop-1", "acs:ram:*:123456789012:role/SHOP-1", "acs:ram::210987654321:role/shop",
             "acs:ram::123456789012:user/alice", "acs:ram::123456789012:user/Alice", "acs:oss:cn-beijing:123456789012:a:b/c",
             "acs:oss::1:Role/x", "acs:ram::123456789012:"]  # fmt: skip
SETS = [
    "acs:ram::123456789012:*",
    "acs:ram::123456789012:role/*",
    "acs:ram::123456789012:role/Shop*",
    "acs:ram::1:us*",
    "acs:oss::1:*",
]
ODD_RESOURCES = [
    "acs:ram::*:role/x",
    "acs:ram",
    "acs:oss:*:1:x",
    "acs:ram::1:role/s*p",
    "acs:ram::1:role/sho?*",
    "acs::::x",
    "",
]
PARTS = {
    "product": ["ram", "ram", "ram", "oss", "*", "r?m", "R*"],
    "region": ["*", "*", "", "", "cn-*", "?", "**"],
    "account": ["*", "123456789012", "1234*", "????????????", "210987654321", ""],
    "relative id": ["*", "role/*", "role/shop-1", "ROLE/Shop-*", "role/shop-?", "role/*op*", "user/alice", "user/*", "a:*", "*/x", "",
                    "r*", "*1", "role/shop", "role/shop*?"],
}  # fmt: skip
SHORT = ["acs:*", "acs:ram:*", "acs:ram::*", "acs:ram:*:*", "acs:ram:cn-*:*", "acs:o*:*"]


def policies(random: Random) -> list[Json]:
    """Return one to three policies with names."""
    return [{"name": f"p{n}", "document": policy(random)} for n in range(random.choice([1, 1, 2, 3]))]


def policy(random: Random) -> Json:
    """Return a document of one to four statements."""
    return {"Version": "1", "Statement": [statement(random) for _ in range(random.randint(1, 4))]}


def statement(random: Random) -> Json:
    """Return a statement; three in four allow."""
    whole: Json = {
        "Effect": random.choice(["Allow", "Allow", "Allow", "Deny"]),
        "Action" if random.random() < 0.8 else "NotAction": cases.one_or_more(random, ACTION_PATTERNS),
        "Resource": "*" if random.random() < 0.3 else [resource(random) for _ in range(random.randint(1, 3))],
    }
    conditions = random.choices([None, 0, 1, 2], [60, 5, 25, 10])[0]
    if conditions is not None:
        whole["Condition"] = cases.condition(random, conditions)
    return whole


def resource(random: Random) -> str:
    """Return a pattern of a resource."""
    if random.random() < 0.2:
        return random.choice(SHORT)
    return "acs:" + ":".join(random.choice(pool) for pool in PARTS.values())


def access(random: Random) -> Json:
    """Return an access; few are not written out."""
    odd = random.random()
    return {
        "action": random.choice(ODD_ACTIONS if odd < 0.01 else ACTIONS),
        "resource": random.choice(ODD_RESOURCES if 0.01 <= odd < 0.03 else SETS if odd < 0.25 else RESOURCES),
        "context": _context(random),
        "time": random.choice(pools.TIMES),
    }


def _context(random: Random) -> Json:
    context = cases.context(random)
    if random.random() < 0.5:
        texts = [
            text for text in [*pools.REQUESTERS, "acs:ram::123456789012:role/DEPLOY"] if text.startswith("acs:ram")
        ]
        context["acs:PrincipalARN"] = [random.choice(texts)]
    return context
