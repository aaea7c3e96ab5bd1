"""Trust policies: the parser beside everything that reads its result, and the evaluator beside the oracle."""

from __future__ import annotations

import json
from typing import Any

from rolecall.policy.canonical import canonical_text
from rolecall.policy.compiler import compile_policy
from rolecall.policy.document import Effect, Statement, TrustPolicy
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.linting.lint import lint
from rolecall.policy.named_principals import index_form, named_principals
from rolecall.policy.parser import parse_policy
from rolecall.policy.profile import Profile
from tests.fuzz.target import ByteRandom, Target, outcome, text_of
from tests.oracle import cases as drawn
from tests.oracle.oracle import decide
from tests.vectors.cases import cases
from tests.vectors.product import Evaluator

_NOW = 1_800_000_000_000_000
_DEPTH, _BYTES = 32, 16_384


def check_text(data: bytes) -> None:
    """A text is refused with places inside it, or it is a policy on which all readers agree."""
    text = text_of(data)
    try:
        policy = parse_policy(text)
    except InvalidPolicyError as error:
        _check_refusal(error)
    else:
        _check_policy(policy, text)


def _check_refusal(error: InvalidPolicyError) -> None:
    assert error.violations
    assert all(v.reason and v.message and v.line >= 1 and v.column >= 1 for v in error.violations)
    assert "\n" not in str(error)


def _check_policy(policy: TrustPolicy, text: str) -> None:
    json.loads(text)
    assert policy.statements
    compile_policy(policy)
    lint(policy, now=_NOW)
    spelled = canonical_text(text)
    assert canonical_text(spelled) == spelled
    assert list(map(_unordered, parse_policy(spelled).statements)) == list(map(_unordered, policy.statements))
    allowed = {index_form(p.principal) for s in policy.statements if s.effect is Effect.ALLOW for p in s.principals}
    assert named_principals(text) == allowed
    outcome(lambda: parse_policy(text, profile=Profile.RAM), InvalidPolicyError)


def _unordered(statement: Statement) -> tuple[object, ...]:
    """Return a statement without the order of members of objects, which a canonical text changes."""
    return (
        statement.effect,
        sorted(statement.actions),
        sorted(map(repr, statement.principals)),
        sorted(map(repr, statement.conditions)),
        statement.sid,
    )


def check_profile(data: bytes) -> None:
    """What the stricter profile accepts, the whole language accepts with the same meaning."""
    text = text_of(data)
    strict = outcome(lambda: parse_policy(text, profile=Profile.RAM), InvalidPolicyError)
    if isinstance(strict, TrustPolicy):
        assert parse_policy(text) == strict


def check_decision(data: bytes) -> None:
    """The evaluator gives the answer of the oracle, for a policy and a request that the bytes choose."""
    random = ByteRandom(data)
    document, request = drawn.policy(random), drawn.request(random)
    assert Evaluator(document).decide(request) == decide(document, request)


def check_canonical(data: bytes) -> None:
    """A canonical text is a fixed point, and the same value."""
    text = text_of(data)
    spelled = outcome(lambda: canonical_text(text), InvalidPolicyError)
    if isinstance(spelled, str):
        assert canonical_text(spelled) == spelled
        assert json.loads(spelled, parse_float=str, parse_int=str) == json.loads(text, parse_float=str, parse_int=str)


def documents() -> list[str]:
    """Return the documents of the vectors, valid and invalid."""
    found: list[str] = []
    for parameters in cases("documents"):
        case: dict[str, Any] = parameters.values[1]
        text = case["document"]
        found.append(text if isinstance(text, str) else json.dumps(text))
    return found


WORDS = (
    '"Version": "1"', '"Statement": [', '"Effect": "Allow"', '"Effect": "Deny"', '"Action": "sts:AssumeRole"',
    '"sts:SetSourceIdentity"', '"Principal": {', '"RAM": [', '"Service": [', '"Federated": [', '"Condition": {',
    '"StringEquals": {', '"StringLike": {', '"ForAnyValue:', '"ForAllValues:', "IfExists", '"NumericLessThan": {',
    '"DateGreaterThan": {', '"IpAddress": {', '"Bool": {', '"Null": {', '"acs:SourceIp": "', '"acs:CurrentTime": "',
    '"sts:ExternalId": "', '"oidc:sub": "', '"Sid": "', "acs:ram::123456789012:root", "acs:ram::123456789012:user/",
    "ecs.aliyuncs.com", "10.0.0.0/8", "2026-01-01T00:00:00Z", "\\u0000", "\\ud800", "1e400", "NaN", "*", "?",
)  # fmt: skip
TEXTS = tuple(text.encode("utf-8", "surrogatepass") for text in documents() if len(text) < 2_048)
_DRAWS = tuple(bytes((seed * at) % 251 for at in range(200)) for seed in range(1, 17))

TARGETS = (
    Target(name="trust-policy", check=check_text, seeds=TEXTS, words=WORDS),
    Target(name="trust-policy-profile", check=check_profile, seeds=TEXTS, words=WORDS),
    Target(name="trust-policy-decision", check=check_decision, seeds=_DRAWS, max_bytes=400),
    Target(name="canonical-text", check=check_canonical, seeds=TEXTS, words=WORDS),
)
