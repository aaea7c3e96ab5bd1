"""What is said of denied requests: which statements are named, and what would have to change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rolecall.policy.compiler import compile_policy
from rolecall.policy.explaining.explain import explain
from rolecall.policy.explaining.near_miss import near_misses
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.explain import explain_access
from rolecall.policy.permission.near_miss import near_misses_of_access
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.principal import principal_of_request

Json = dict[str, Any]

_NOW = 1_767_268_800_000_000
_ALICE = "acs:ram::1:user/alice"
_KEYS = {
    "k": None, "sts:ExternalId": None, "sts:RoleSessionName": None, "sts:SourceIdentity": None, "oidc:iss": None, "oidc:aud": None, "oidc:sub": None,
}  # fmt: skip
_NAMED = [
    "acs:ram::1:user/ALICE", "acs:ram::2:user/alice", "acs:ram::2:user/Alice", "acs:ram::1:user/bob", "acs:ram::2:root", "acs:ram::1:role/alice", "oss.aliyuncs.com",
]  # fmt: skip
_ASKING = [_ALICE, "acs:ram::1:role/deploy/s1", "1@ecs.aliyuncs.com", "ecs.aliyuncs.com", "acs:ram::1:root"]
_COMPARED: list[tuple[str, list[str], list[str]]] = [
    ("StringEquals", ["red"], ["Red"]), ("StringEquals", ["red"], ["blue"]), ("StringEquals", ["r*"], ["red"]), ("StringEquals", ["r?d", "x"], ["RED", "red"]),
    ("StringEqualsIgnoreCase", ["R*"], ["Red"]), ("StringEqualsIgnoreCase", ["r*"], ["red"]), ("StringEquals", ["red "], ["red"]), ("StringEquals", ["red"], [" red"]),
    ("StringEquals", ["re d"], ["red"]), ("StringEquals", ["red"], ["re\td"]), ("StringEquals", ["re\u200bd"], ["red"]), ("StringEquals", ["red"], ["re\u200bd"]), ("StringEquals", ["r\u200bed"], ["re\u200bd"]),
    ("StringEquals", ["red"], ["r\u0435d"]), ("StringEquals", ["r\uff45d"], ["red"]), ("StringEquals", ["a-b"], ["a\u2010b"]), ("StringEquals", ["it's"], ["it\u2019s"]), ("StringEquals", ["paypal"], ["paypa1"]), ("StringEquals", ["O0"], ["00"]),
    ("StringEquals", [*(f"{n}*" for n in range(255)), "r*"], ["red"]), ("StringEquals", [*(f"{n}*" for n in range(256)), "r*"], ["red"]),
    ("StringEquals", ["https://x"], ["https://x/"]), ("StringEquals", ["https://x/"], ["https://x"]), ("StringEquals", ["https://x"], ["http://x"]), ("StringEquals", ["https://a/https://b"], ["http://a/https://b"]), ("StringEquals", ["https://a/https://b"], ["https://a/http://b"]), ("StringEquals", ["https://x"], ["x"]), ("StringEquals", ["x"], ["https://x"]),
    ("StringEquals", ["repo:a/b"], ["repo:a/b:ref"]), ("StringEquals", ["repo:a/b:ref"], ["repo:a/b"]), ("StringEquals", ["rep"], ["repo"]), ("StringEquals", ["repo"], ["repos"]), ("StringEquals", ["abc"], ["xyz", "abcd", "ABC"]),
    ("StringEquals", ["1", "2", "3", "4", "red"], ["Red"]), ("StringEquals", ["red"], ["1", "2", "3", "4", "red "]), ("StringEquals", ["1", "2", "3", "4", "red "], ["red"]), ("StringEquals", ["1", "2", "3", "red "], ["5", "6", "7", "red"]),
    ("StringEquals", ["a" * 255 + "/"], ["a" * 255]), ("StringEquals", ["a" * 256 + "/"], ["a" * 256]), ("StringEquals", ["a" * 100], ["b" * 100]), ("StringEquals", ["1", "2", "3", "4", "5", "6", "7"], ["8"]), ("StringEquals", ["1", "2", "3", "4", "5"], ["8"]),
    ("StringEquals", ["Z"], ["1", "2", "3", "4", "5", "6", "7", "z"]), ("StringEquals", ["Z"], ["1", "2", "3", "4", "5", "6", "7", "8", "z"]),
    ("StringLike", ["r*"], ["Red"]), ("StringLike", ["x/*"], ["x"]), ("StringNotEquals", ["red"], ["red"]), ("StringNotLike", ["r*"], ["red"]), ("ForAllValues:StringEquals", ["red"], ["Red"]), ("ForAnyValue:StringEquals", ["red"], ["Red"]),
    ("NumericEquals", ["5"], ["6"]), ("NumericEquals", ["5"], ["x"]), ("NumericLessThan", ["5"], ["5", "y"]), ("Bool", ["true"], ["false"]), ("IpAddress", ["10.0.0.0/8"], ["11.0.0.1"]), ("IpAddress", ["10.0.0.0/8"], ["here"]), ("DateEquals", ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:01Z"]),
]  # fmt: skip
_USUAL = [("oidc:iss", "https://x/", "https://x"), ("oidc:iss", "https://x", "https://x/"), ("oidc:iss", "https://x", "x"), ("oidc:iss", "x", "https://x"),
          ("oidc:aud", "https://x", "x"), ("oidc:aud", "x", "https://x"), ("oidc:aud", "x", "x/"), ("oidc:sub", "repo:a/b:ref:x", "repo:a/b"), ("sts:ExternalId", "Ab", "ab"),
          ("oidc:sub", "repo:acme/app", "repo:acme@1/app@2"), ("oidc:sub", "repo:acme@1/app@2:x", "repo:acme/app:x")]  # fmt: skip
_STATEMENTS: list[Json] = [
    {"Effect": "Allow", "Action": "ram:ListRoles"}, {"Effect": "Allow", "NotAction": ["sts:*", "ram:*"]}, {"Effect": "Allow", "Resource": "acs:ram:*:2:role/*"}, {"Effect": "Allow", "Resource": ["acs:oss:*:2:x", "acs:ram:cn:1:role/*"]},
    {"Effect": "Allow", "Resource": "acs:ram:*:1:role/ROLE-x"}, {"Effect": "Allow", "Resource": "acs:ram::1:user/Alice"}, {"Effect": "Allow", "Resource": "acs:ram:*"}, {"Effect": "Allow", "Resource": "acs:oss:*:1:role/shop"}, {"Effect": "Allow", "Action": "rolecall:*", "Resource": "acs:oss:*:*:*"},
    {"Effect": "Allow", "Condition": {"Bool": {"acs:MFAPresent": "true"}, "StringEquals": {"k": "v"}}}, {"Effect": "Deny"}, {"Effect": "Deny", "NotAction": "oss:*", "Condition": {"StringNotEquals": {"k": "v"}}}, {"Effect": "Deny", "Condition": {"Bool": {"acs:MFAPresent": "true"}}},
    {"Effect": "Allow", "Action": "*", "Resource": "acs:ram:*:1:user/*"}, {"Effect": "Allow", "Action": "oss:*", "Resource": "acs:oss:cn:3:a:*"},
]  # fmt: skip
_ACCESSES = [
    ("ram:GetRole", "acs:ram::1:role/shop"),
    ("ram:GetUser", "acs:ram::1:user/alice"),
    ("rolecall:Watch", "*"),
    ("oss:Get", "acs:oss:cn:2:x"),
    ("oss:Get", "acs:oss:cn:2:a:b"),
]


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_principals(), *_conditions(), *_denies(), *_identities(), *_accesses(), ""])


def _principals() -> Iterator[str]:
    for who in _ASKING:
        yield f"# {who} asks"
        for named in _NAMED:
            yield from (f"{named}: {line}" for line in _missed([_allow(named)], who))
        yield from _missed(
            [
                _allow("acs:ram::1:user/bob"),
                _allow("acs:ram::2:user/alice"),
                _allow(_ALICE, {"StringEquals": {"k": "v"}}),
            ],
            who,
        )


def _conditions() -> Iterator[str]:
    yield "# conditions"
    for operator, expected, sent in _COMPARED:
        for effect in ("Allow", "Deny"):
            yield from (
                f"{operator}: {line}"
                for line in _missed([_statement(effect, _ALICE, {operator: {"k": expected}})], sent={"k": sent})
            )
    for key, expected_text, text in _USUAL:
        yield from (
            f"{key}: {line}"
            for line in _missed([_allow(_ALICE, {"StringEquals": {key: expected_text}})], sent={key: [text]})
        )
    for key in _KEYS:
        yield from (
            f"absent {key}: {line}"
            for line in _missed([_allow(_ALICE, {"StringLike": {key: "a*"}, "NumericEquals": {"n": "1"}})])
        )
    yield from _missed([_allow(_ALICE, {"DateLessThan": {"acs:CurrentTime": "2026-01-01T00:00:00Z"}})])


def _denies() -> Iterator[str]:
    yield "# denies"
    deny = {"StringNotEquals": {"k": "v"}, "IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
    for sent in ({"acs:SourceIp": ["10.1.1.1"]}, {"acs:SourceIp": ["x"], "k": ["w"]}, {"acs:SourceIp": ["11.0.0.1"]}):
        yield from _missed(
            [_allow(_ALICE), _statement("Deny", _ALICE, deny), _statement("Deny", "acs:ram::1:root", {})], sent=sent
        )
    yield from _missed([_statement("Deny", _ALICE, {}), _statement("Deny", "acs:ram::1:user/bob", {})])


def _identities() -> Iterator[str]:
    yield "# source identities"
    both = [_allow(_ALICE) | {"Sid": name} for name in ("first", "second")]
    found = _missed(both, sent={"sts:SourceIdentity": ["ab"]}, identity=True)
    yield from (f"of two: {line}" for line in found)
    for actions in ("sts:AssumeRole", "sts:SetSourceIdentity"):
        statements = [
            _statement(effect, who, {}) | {"Action": actions}
            for effect, who in (("Allow", _ALICE), ("Deny", "acs:ram::1:user/bob"))
        ]
        for who in (_ALICE, "acs:ram::1:user/bob"):
            found = _missed(statements, who, sent={"sts:SourceIdentity": ["ab"]}, identity=True)
            yield from (f"{actions} {who}: {line}" for line in found)


def _accesses() -> Iterator[str]:
    whole = [{"Action": "ram:Get*", "Resource": "*", **changes} for changes in _STATEMENTS]
    for changed, statement in zip(_STATEMENTS, whole, strict=True):
        if "NotAction" in changed:
            del statement["Action"]
    for action, resource in _ACCESSES:
        yield f"# {action} on {resource}"
        for statements in ([one] for one in whole):
            yield from _missed_access(statements, action, resource)
        yield from (f"all: {line}" for line in _missed_access(whole, action, resource))


def _missed_access(statements: list[Json], action: str, resource: str) -> Iterator[str]:
    policies = [("custom", parse_permission_policy(json.dumps({"Version": "1", "Statement": statements})))]
    compiled = compile_permissions(policies, callers_rights=True)
    values = [("true",) if key == "acs:MFAPresent" else () for key in compiled.keys]
    for miss in near_misses_of_access(
        explain_access(policies, compiled, action, resource, values, _NOW), action, resource
    ):
        yield (
            f"{json.dumps(statements[0])} {' '.join(miss.elements)}: {miss.suggestion}"
            if len(statements) == 1
            else f"{' '.join(miss.elements)}: {miss.suggestion}"
        )


def _missed(
    statements: list[Json], who: str = _ALICE, *, sent: dict[str, list[str]] | None = None, identity: bool = False
) -> Iterator[str]:
    policy = parse_policy(json.dumps({"Version": "1", "Statement": statements}))
    compiled = compile_policy(policy, source_identity_needs_allow=identity)
    values = [tuple((sent or {}).get(key, ())) for key in compiled.keys]
    principal = principal_of_request(who)
    for miss in near_misses(explain(policy, compiled, principal, "1", values, _NOW), principal):
        yield f"{' '.join(miss.elements)}: {miss.suggestion}"


def _allow(who: str, condition: Json | None = None) -> Json:
    return _statement("Allow", who, condition or {})


def _statement(effect: str, who: str, condition: Json) -> Json:
    kind = "RAM" if who.startswith("acs:") else "Service"
    return {"Effect": effect, "Action": "sts:AssumeRole", "Principal": {kind: who}} | (
        {"Condition": condition} if condition else {}
    )
