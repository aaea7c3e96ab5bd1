"""A client with a cache answers as one without, whatever is asked and changed: decisions and refusals alike."""

from __future__ import annotations

import json
from collections import deque
from random import Random

import pytest

from rolecall_client import AnswerCacheOptions, RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.serving import ACCOUNT
from tests.clients.test_client import ALICE, BOB
from tests.storage.waiting import wait_until

pytestmark = pytest.mark.long

QUESTIONS, CHANGES_EVERY = 1_200, 60

ROLES = ("read", "keyed", "federated", "gone", f"{ACCOUNT}/read", f"acs:ram::{ACCOUNT}:role/KEYED")
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/p"
VALUES = {
    "acs:SourceIp": ("10.0.0.1", "10.0.0.2", "8.8.8.8", "nonsense", ""),
    "acs:SourceVpc": ("vpc-1", "vpc-2", "vpc-1-longer"),
    "acs:MFAPresent": ("true", "false"),
    "trace": ("a", "bb", "ccc", "x" * 4_097),
    "acs:PrincipalARN": ("forged",),
    "bad\nkey": ("x",),
}
WEIGHTS = (6, 6, 4, 6, 0.2, 0.2)


def document(random: Random, principal: dict[str, str]) -> str:
    conditions = {
        "IpAddress": {"acs:SourceIp": random.sample(["10.0.0.0/24", "10.0.0.1", "8.0.0.0/8"], 2)},
        "StringEquals": {"acs:SourceVpc": random.choice(["vpc-1", "vpc-2"])},
        "Bool": {"acs:MFAPresent": "true"},
        "StringLike": {"sts:ExternalId": "e*"},
    }
    chosen = dict(random.sample(sorted(conditions.items()), random.randrange(3)))
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": chosen}
    if not chosen:
        del statement["Condition"]
    return json.dumps({"Version": "1", "Statement": [statement]})


def change(random: Random, client: RolecallClient) -> None:
    """Write one of the roles, so that its policy reads other keys."""
    name = random.choice(("read", "keyed", "federated", "gone"))
    principal = {"Federated": PROVIDER} if name == "federated" else {"RAM": ALICE}
    try:
        client.get_role(name)
    except RolecallError:
        client.create_role(r.CreateRoleRequest(role_name=name, assume_role_policy_document=document(random, principal)))
        return
    if name == "gone":
        client.delete_role(r.DeleteRoleRequest(role=name))
    else:
        new = document(random, principal)
        client.update_role(r.UpdateRoleRequest(role=name, assume_role_policy_document=new))


def question(random: Random) -> d.AssumeRoleQuery:
    """Return a query; some of them are refused."""
    keys = random.choices(sorted(VALUES), [WEIGHTS[list(VALUES).index(key)] for key in sorted(VALUES)], k=3)
    context = {key: random.choices(VALUES[key], k=random.choice((0, 1, 1, 1, 2))) for key in keys}
    role, external = random.choice(ROLES), random.choice(("", "", "e1", "x"))
    duration = random.choice((0, 0, 0, 900, 50_000))
    if random.random() < 0.25:
        claims = {"oidc:sub": random.choice("st"), "oidc:aud": random.choice("ab")}
        return query(PROVIDER, role, claims=claims, context=context, external_id=external)
    who = random.choice((ALICE, ALICE, BOB, f"acs:ram::{ACCOUNT}:root", "nonsense"))
    return query(who, role, context=context, external_id=external, duration_seconds=duration)


def similar(random: Random, asked: d.AssumeRoleQuery) -> d.AssumeRoleQuery:
    """Return the query again, often with other values of one key."""
    again = d.AssumeRoleQuery()
    again.CopyFrom(asked)
    if random.random() < 0.6:
        key = random.choice((*asked.context, "trace"))
        again.context[key].values[:] = random.choices(VALUES[key], k=random.choice((0, 1, 1, 2)))
    return again


def outcome(client: RolecallClient, asked: d.AssumeRoleQuery) -> bytes | tuple[str, str, str]:
    """Return the decision without what differs each time, or the error."""
    try:
        decision = client.check(asked).decision
    except RolecallError as error:
        return error.code, error.reason, error.message
    for field in ("decision_id", "served_from", "staleness", "revision"):
        decision.ClearField(field)
    return decision.SerializeToString(deterministic=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_cached_client_answers_as_one_without_a_cache(address: str, seed: int) -> None:
    random = Random(seed)
    with RolecallClient(address) as plain, RolecallClient(address, cache=AnswerCacheOptions()) as caching:
        cache = caching.answer_cache
        assert cache is not None
        recent = deque([question(random)], maxlen=30)
        for number in range(QUESTIONS):
            if number % CHANGES_EVERY == 0:
                change(random, plain)
                revision = plain.check(query(ALICE, "read")).decision.revision
                wait_until(lambda revision=revision: cache.followed_revision >= revision)  # type: ignore[misc]
            asked = question(random) if random.random() < 0.3 else similar(random, random.choice(recent))
            recent.append(asked)
            assert (outcome(caching, asked), asked) == (outcome(plain, asked), asked)

        assert cache.hits > QUESTIONS / 20
