"""Random questions: well-formed ones, and a few that a server must refuse."""

from __future__ import annotations

from random import Random
from typing import Any

from rolecall_client.v1 import decision_pb2 as d
from tests.soak import vocabulary as words
from tests.soak.evaluator import Asked, comparisons

_NEAR = {text: group for group in words.NEAR for text in group}
_SENT = frozenset(key for keys in words.SENT.values() for key in keys)


def question(random: Random, role: str, document: Any = None) -> Asked:
    """Return a question about a role, an ARN; the values are often near those that its policy, if given, expects."""
    principal, claims = _identity(random)
    return Asked(
        principal=principal,
        claims=claims,
        role=_spelled(random, role),
        context=_context(random) | (_near(random, document) if document else {}),
        duration=random.choice(words.LENGTHS) if random.random() < 0.15 else 0,
        session_name=_maybe(random, words.SESSION_NAMES),
        external_id=_maybe(random, words.EXTERNAL_IDS),
        source_identity=_maybe(random, words.SOURCE_IDENTITIES),
    )


def query_of(asked: Asked) -> d.AssumeRoleQuery:
    """Return the message of a question."""
    query = d.AssumeRoleQuery(
        role=asked.role,
        duration_seconds=asked.duration,
        role_session_name=asked.session_name,
        external_id=asked.external_id,
        source_identity=asked.source_identity,
    )
    if asked.claims is None:
        query.principal = asked.principal
    else:
        query.federated.provider_arn = asked.principal
        for key, values in asked.claims.items():
            query.federated.claims[key].values.extend(values)
    for key, values in asked.context.items():
        query.context[key].values.extend(values)
    return query


def list_of(asked: Asked, *, account: str, page_size: int) -> d.ListAssumableRolesRequest:
    """Return the message that lists the roles which the identity of a question can assume."""
    query = query_of(asked)
    request = d.ListAssumableRolesRequest(
        duration_seconds=asked.duration,
        role_session_name=asked.session_name,
        external_id=asked.external_id,
        source_identity=asked.source_identity,
        account_id=account,
        page_size=page_size,
    )
    if asked.claims is None:
        request.principal = asked.principal
    else:
        request.federated.CopyFrom(query.federated)
    for key, values in query.context.items():
        request.context[key].CopyFrom(values)
    return request


def _identity(random: Random) -> tuple[str, dict[str, list[str]] | None]:
    draw = random.random()
    if draw < 0.03:
        return random.choice(words.ROOTS), None
    if draw < 0.04:
        return words.PLAIN_SERVICE, None
    if draw < 0.25:
        provider = random.choice((words.SAML, words.OIDC))
        pools = words.CLAIMS[provider]
        return provider, {
            key: random.choices(pools[key], k=random.randint(0, 2)) for key in pools if random.random() < 0.6
        }
    return random.choice(words.ASKING), None


def _context(random: Random) -> dict[str, list[str]]:
    sent: dict[str, list[str]] = {}
    for kind, keys in words.SENT.items():
        for key in keys:
            if random.random() < 0.6:
                count = random.choices((0, 1, 2, 3), (3, 67, 20, 10))[0]
                sent[key] = random.choices(words.GIVEN[kind], k=count)
    if random.random() < 0.01:
        sent["acs:CurrentTime"] = ["2026-01-01T00:00:00Z"]
    return sent


def _near(random: Random, document: Any) -> dict[str, list[str]]:
    """Return values that some reading takes for the expected ones, for some of the keys that a policy reads."""
    sent: dict[str, list[str]] = {}
    for statement in document["Statement"]:
        for condition in comparisons(statement):
            if condition.key in _SENT and random.random() < 0.6:
                expected = random.choice(condition.expected)
                sent[condition.key] = random.choices(_NEAR.get(expected, (expected,)), k=random.choice((1, 1, 1, 2)))
    return sent


def _spelled(random: Random, arn: str) -> str:
    """Return the ARN of a role, sometimes in another case, or as `ACCOUNT/NAME`."""
    head, _, name = arn.partition("/")
    if random.random() < 0.2:
        name = random.choice((name.upper(), name.lower()))
    return f"{head.split(':')[3]}/{name}" if random.random() < 0.2 else f"{head}/{name}"


def _maybe(random: Random, pool: tuple[str, ...]) -> str:
    return random.choice(pool) if random.random() < 0.4 else ""
