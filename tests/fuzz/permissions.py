"""Permission policies, and the actions and resources that callers ask about."""

from __future__ import annotations

import json
from typing import Any

from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.document import read_callers
from rolecall.policy.canonical import canonical_text
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.evaluator import Outcome
from rolecall.policy.keys import PRINCIPAL_ARN, lookup_name
from rolecall.policy.permission.access import read_access
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.permission.evaluator import evaluate_access
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from tests.fuzz.target import ByteRandom, Target, outcome, parts_of, text_of
from tests.fuzz.trust_policies import WORDS as TRUST_WORDS
from tests.oracle import access_cases as drawn
from tests.oracle.accesses import decide_access, is_written_out
from tests.vectors.access_product import Permissions
from tests.vectors.product import instant

_NOW = 1_800_000_000_000_000
_ACTIONS = ("ram:CreateRole", "ram:GetRole", "rolecall:CheckAssumeRole", "rolecall:AskFor", "sts:AssumeRole")
_RESOURCES = (
    "*",
    "acs:ram::1:role/app",
    "acs:ram::1:role/App",
    "acs:ram::2:user/alice",
    "acs:ram::1:role/a*",
    "acs:ram::1:*",
)
_DENY_ALL = parse_permission_policy('{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}')


def check_text(data: bytes) -> None:
    """A text is refused with its violations, or it is a policy that answers every question, and its canonical text alike."""
    text = text_of(data)
    try:
        policy = parse_permission_policy(text)
    except InvalidPolicyError as error:
        _check_refusal(error)
    else:
        _check_policy(policy, text)


def _check_refusal(error: InvalidPolicyError) -> None:
    assert error.violations
    assert all(v.reason and v.message and v.line >= 1 and v.column >= 1 for v in error.violations)
    assert "\n" not in str(error)


def _check_policy(policy: PermissionPolicy, text: str) -> None:
    json.loads(text)
    assert policy.statements
    lint_permissions(policy, now=_NOW)
    same = parse_permission_policy(canonical_text(text))
    for action in _ACTIONS:
        for resource in _RESOURCES:
            answer = _answer(action, resource, policy)
            assert answer == _answer(action, resource, same)
            _check_laws(action, resource, policy, answer)


def _check_laws(action: str, resource: str, policy: PermissionPolicy, answer: Outcome) -> None:
    # As rights of a caller the same document allows no more, and nothing of this service by a pattern for everything.
    right = _answer(action, resource, policy, callers_rights=True)
    assert right is not Outcome.ALLOW or answer is Outcome.ALLOW
    if right is Outcome.ALLOW and action.startswith("rolecall:"):
        assert any(a.lower().startswith("rolecall:") for s in policy.statements for a in s.actions)
    assert _answer(action, resource, policy, _DENY_ALL) is Outcome.EXPLICIT_DENY
    # What is allowed for all that begin so is allowed for one of them.
    if resource.endswith("role/a*") and answer is Outcome.ALLOW:
        assert _answer(action, "acs:ram::1:role/app", policy) is Outcome.ALLOW


def _answer(action: str, resource: str, *policies: PermissionPolicy, callers_rights: bool = False) -> Outcome:
    named = [(f"P{number}", policy) for number, policy in enumerate(policies)]
    compiled = compile_permissions(named, callers_rights=callers_rights)
    return evaluate_access(compiled, action, resource, [None] * len(compiled.keys), _NOW).outcome


def check_question(data: bytes) -> None:
    """An action and a resource are refused, or written out without wildcards; no policy allows what is refused."""
    action, resource = parts_of(data, 2)
    access = outcome(lambda: read_access(action, resource), ValueError)
    administrator = compile_permissions([("AdministratorAccess", SYSTEM_POLICIES["AdministratorAccess"])])
    assert (access is not None) == is_written_out(action, resource)
    allowed = evaluate_access(administrator, action, resource, [], _NOW).outcome is Outcome.ALLOW
    assert allowed == (access is not None)
    if access is not None:
        assert "*" not in action
        assert "?" not in action
        assert resource == "*" or "?" not in resource
        assert "*" not in resource.removesuffix("*").removeprefix("acs:ram:*:")
        assert read_access(action.upper(), resource) == access


def check_decision(data: bytes) -> None:
    """The evaluator gives the answer of the oracle, for policies and an access that the bytes choose."""
    random = ByteRandom(data)
    policies, callers_rights, access = drawn.policies(random), random.random() < 0.5, drawn.access(random)
    product = Permissions(policies, callers_rights=callers_rights).decide(access)
    assert product == decide_access(policies, access, callers_rights=callers_rights)


def check_rights(data: bytes) -> None:
    """What a caller may do, remembered or not, is what the oracle answers with the keys that are the caller's own."""
    random = ByteRandom(data)
    policies, clock = drawn.policies(random), _Clock()
    names = [policy["name"] for policy in policies]
    entry = {"name": "local", "match": {"local": True}, "policies": names}
    file = read_callers({"callers": [entry], "policies": {p["name"]: p["document"] for p in policies}})
    caller = CallerDirectory(file, clock=clock).caller(LOCAL, source_ip="10.0.0.1", secure=False)
    accesses = [drawn.access(random) for _ in range(4)]
    # Time does not go back, and what is always allowed is not looked at more closely.
    for access in sorted(
        [access for access in accesses if is_written_out(access["action"], access["resource"])] * 2, key=_time_of
    ):
        clock.now = instant(access["time"])
        keys = {lookup_name(key): tuple(values) for key, values in access["context"].items()}
        sent = {key: list(values) for key, values in keys.items() if key not in _OWN and key != PRINCIPAL_ARN}
        expected = decide_access(policies, {**access, "context": {**sent, **_OWN}}, callers_rights=True)
        assert caller.allows(access["action"], access["resource"], keys) == expected["allowed"]


def _time_of(access: Any) -> int:
    return instant(access["time"])


class _Clock:
    """A clock that a check sets."""

    now = 0

    def __call__(self) -> int:
        """Return the time in microseconds."""
        return self.now


_OWN = {
    "acs:SourceIp": ["10.0.0.1"],
    "acs:SecureTransport": ["false"],
    "acs:MFAPresent": ["false"],
    "rolecall:Caller": ["local"],
}


WORDS = (
    *TRUST_WORDS, '"Resource": "*"', '"Resource": [', '"NotAction": ', '"NotResource": ', "ram:", "rolecall:", "acs:ram:*:1:role/",
    "acs:ram::1:*", "acs:oss:*:*:", "ram:Get*", "rolecall:*", "acs:ResourceTag/team", "ram:ServiceNames", "ram:TrustedPrincipalTypes",
)  # fmt: skip
_STATEMENTS = (
    '{"Effect":"Allow","Action":"ram:*","Resource":"acs:ram:*:1:role/a*"}',
    '{"Effect":"Allow","NotAction":"ram:*","Resource":"*"}',
    '{"Effect":"Deny","Action":["rolecall:AskFor","*:Get*"],"Resource":["acs:ram::*","acs:ram::1:user/?lice"],"Sid":"x"}',
    '{"Effect":"Allow","Action":"rolecall:*","Resource":"*","Condition":{"StringLike":{"acs:ResourceTag/team":["r*"]}}}',
    '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"ram:ServiceNames":"ecs"}}}',
    '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"acs:CurrentTime":"2030-01-01T00:00:00Z"}}}',
)
POLICIES = tuple(f'{{"Version":"1","Statement":[{text}]}}'.encode() for text in (*_STATEMENTS, ",".join(_STATEMENTS)))

_DRAWS = tuple(bytes((seed * at) % 251 for at in range(200)) for seed in range(1, 17))

TARGETS = (
    Target(name="caller-rights", check=check_rights, seeds=_DRAWS, max_bytes=800),
    Target(name="permission-decision", check=check_decision, seeds=_DRAWS, max_bytes=400),
    Target(name="permission-policy", check=check_text, seeds=POLICIES, words=WORDS),
    Target(
        name="permission-question", check=check_question, words=WORDS, max_bytes=400,
        seeds=(b"ram:GetRole\nacs:ram:*:1:role/a", b"rolecall:AskFor\nacs:ram::1:role/a*", b"a:b\n*", b"ram:*\nacs:ram::1:x?"),
    ),
)  # fmt: skip
