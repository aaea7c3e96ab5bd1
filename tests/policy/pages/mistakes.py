"""The messages of documents with one mistake: a member that is missing, unknown or of another type, and a name that is misspelt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.profile import Profile

Json = dict[str, Any]

_TRUST: Json = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"RAM": ["acs:ram::1:root"]},
    "Condition": {"StringEquals": {"k": "v"}},
    "Sid": "s",
}
_PERMISSION: Json = {
    "Effect": "Allow",
    "Action": ["a:b"],
    "Resource": "*",
    "Condition": {"StringLike": {"k": ["v"]}},
    "Sid": "s",
}
_OF_OTHER_TYPES: list[Any] = [
    None,
    True,
    1,
    -2.5,
    "x",
    "",
    [],
    {},
    [[]],
    {"Ref": "x"},
    {"Fn::Sub": "x"},
    {"x": "y"},
    [None],
    "x" * 100,
]
_NAMES = [
    "Efect", "effect", "EFFECT", "Actions", "NotAction", "notaction", "Principals", "principal", "NotPrincipal", "Resource", "resources", "NotResource", "notresource", "Conditions", "condition", "sid", "SID", "Id", "id", "Version", "Statements",
    "x", "a/b~c", "X" * 65, "E" * 60, "NotCondition", "Unsid", "UnEffect", "disEffect", "NotEffect", "EffectNot", "E-ffect",
]  # fmt: skip
_ACTIONS = [
    "sts:assumerole", "STS:SETSOURCEIDENTITY", "sts:AssumeRoles", "sts:AsumeRole", "sts:AssumeRoleWithSAML", "STS:assumerolewithoidc", "sts:*", "*", "sts:Assume?ole", "sts:TagSession", "sts:tagsession", "ram:GetRole", "sts:SetSourceIdentitys", "", "sts:AssumeRoleWith",
]  # fmt: skip
_EFFECTS = ["allow", "DENY", "Alow", "Denied", "Allowed", "NotAllow", "Disallow", "Permit", ""]
_TYPES = [
    "ram",
    "RAMs",
    "Ram",
    "Services",
    "SERVICE",
    "federated",
    "Federate",
    "AWS",
    "aws",
    "CanonicalUser",
    "*",
    "User",
    "NotRAM",
    "",
]
_OPERATORS = [
    "stringequals", "StringEqual", "StringNotEqual", "StringEqualsIgnoreCas", "StringEqualsIfExists", "stringlikeifexists", "Null", "null", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "BinaryEquals", "arnlike", "IpAddres", "NotIPAddress", "Boolean", "NumericEqual", "DateLess", "x",
    "notStringEquals", "notNumericEquals", "notstringlike",
    "ForAnyValue:StringEqual", "ForAllValues:Null", "ForAllValue:StringLike", "foranyvalues:StringLike", "forallvalues:x", "ForAnyValue:", "ForAnyValue:ArnLike", "ForSomeValue:StringLike", "ForAnyValue:StringNotLike", "ForAnyValue:BoolIfExists",
]  # fmt: skip
_VALUES = [
    ("NumericEquals", "1e3"),
    ("NumericEquals", "x"),
    ("DateEquals", "x"),
    ("Bool", "x"),
    ("IpAddress", "x"),
    ("IpAddress", "10.1.2.3/8"),
    ("StringEquals", {}),
    ("StringEquals", [[]]),
    ("StringEquals", None),
    ("StringEquals", [None, "a"]),
]
_KEYS = ["", "\x00", "\x1f", " ", "\x7f", "\x80", "\x9f", "\xa0", "k" * 257, "acs:CurrentTime"]
_SIDS = ["\x00", "\x1f", " ", "\x7f", "\x9f", "\xa0", "s" * 129, "s" * 128 + "\n"]
_PATTERNS_OF_ACTIONS = [
    "x",
    "*",
    "**",
    "a:",
    ":b",
    "a:b",
    "a b:c",
    "a:b c",
    "${a}:b",
    "$a",
    "{{a}}",
    "<a>",
    "%s:x",
    "a.b:c",
    "a:b.c",
    "*:*?",
    "\u00e9:x",
    "$(x)",
    "<%x",
    "$1",
    "a:b\n",
]
_PATTERNS_OF_RESOURCES = [
    "x", "acs", "acs:", "acs::*", "acs::::x", "acs:ram", "acs:ram:*", "acs:ram:a", "acs:ram:*:*", "acs:ram:*:1:x", "acs:ram:*:1", "arn:aws:s3:::x", "oss:*", "*a", "acs:oss:::a\x00", "acs:oss:::a\x1fb", "acs:oss:::a\x7f", "acs:oss:::\x80", "acs:oss:::\x9f", "acs:oss:::\xa0", "acs:oss:::a b", "ACS:oss:::x",
]  # fmt: skip


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_documents(), *_members(), *_texts(), *_conditions(), *_in_ram(), ""])


def _documents() -> Iterator[str]:
    for kind, statement in (("trust", _TRUST), ("permission", _PERMISSION)):
        for value in _OF_OTHER_TYPES:
            yield from _refused(kind, f"the document {json.dumps(value)[:20]}", value)
            yield from _refused(kind, f"version {json.dumps(value)[:20]}", {"Version": value, "Statement": [statement]})
            yield from _refused(kind, f"statements {json.dumps(value)[:20]}", {"Version": "1", "Statement": value})
            yield from _refused(
                kind, f"a statement {json.dumps(value)[:20]}", {"Version": "1", "Statement": [statement, value]}
            )
        for version in ("2012-10-17", "2008-10-17", "2012-10-18", "01"):
            yield from _refused(kind, f"version {version}", {"Version": version, "Statement": [statement]})
        for name in _NAMES:
            yield from _refused(kind, f"of the document {name}", {"Version": "1", "Statement": [statement], name: "x"})
        for name in ("version", "Statement_", "statement"):
            yield from _refused(kind, f"in place {name}", {name: "1"})


def _members() -> Iterator[str]:
    for kind, statement in (("trust", _TRUST), ("permission", _PERMISSION)):
        for name in statement:
            yield from _of(kind, f"without {name}", {n: v for n, v in statement.items() if n != name})
            yield from _of(kind, f"lower case {name}", {n if n != name else n.lower(): v for n, v in statement.items()})
            for value in _OF_OTHER_TYPES:
                yield from _of(kind, f"{name} {json.dumps(value)[:20]}", statement | {name: value})
        for name in _NAMES:
            yield from _of(kind, f"with {name}", statement | {name: "x"})
            yield from _of(kind, f"only {name}", {"Effect": "Allow", name: "x"})
        yield from _of(kind, "NotAction", {n: v for n, v in statement.items() if n != "Action"} | {"NotAction": "a:b"})


def _texts() -> Iterator[str]:
    for action in _ACTIONS:
        yield from _of("trust", f"action {action}", _TRUST | {"Action": action})
        yield from _of("trust", f"actions {action}", _TRUST | {"Action": ["sts:AssumeRole", action]})
    for effect in _EFFECTS:
        yield from _of("trust", f"effect {effect}", _TRUST | {"Effect": effect})
    for name in _TYPES:
        yield from _of("trust", f"type {name}", _TRUST | {"Principal": {name: ["x"]}})
    for value in _OF_OTHER_TYPES:
        yield from _of("trust", f"names {json.dumps(value)[:20]}", _TRUST | {"Principal": {"RAM": value}})
    for service in ("ECS\x01.aliyuncs.com", "ECS.aliyuncs.com"):
        yield from _of("trust", f"service {service!r}", _TRUST | {"Principal": {"Service": service}})
    yield from _of("trust", "a star", _TRUST | {"Principal": "*"})
    for sid in _SIDS:
        yield from _of("trust", f"sid {json.dumps(sid)[:20]}", _TRUST | {"Sid": sid})
    for pattern in _PATTERNS_OF_ACTIONS:
        yield from _of("permission", f"action {json.dumps(pattern)}", _PERMISSION | {"Action": ["a:b", pattern]})
    for pattern in _PATTERNS_OF_RESOURCES:
        yield from _of("permission", f"resource {json.dumps(pattern)}", _PERMISSION | {"Resource": pattern})


def _conditions() -> Iterator[str]:
    for operator in _OPERATORS:
        for profile in Profile:
            yield from _of(
                "trust", f"{profile.name} {operator}", _TRUST | {"Condition": {operator: {"k": "v"}}}, profile
            )
    for operator, value in _VALUES:
        yield from _of("trust", f"{operator} {json.dumps(value)}", _TRUST | {"Condition": {operator: {"k": value}}})
        yield from _of("trust", f"X {json.dumps(value)}", _TRUST | {"Condition": {"X": {"k": value}}})
    for key in _KEYS:
        for operator in ("StringEquals", "StringLike", "X"):
            yield from _of(
                "trust", f"{operator} {json.dumps(key)[:20]}", _TRUST | {"Condition": {operator: {key: "v"}}}
            )
    text = json.dumps({"Version": "1", "Statement": [_TRUST | {"Condition": {"NumericEquals": {"k": ["N"]}}}]})
    for number in ("1", "1e3", "-1.50", "1E-2", "1.0e0"):
        yield from _read("trust", f"the number {number}", text.replace('"N"', number), Profile.ROLECALL)


def _in_ram() -> Iterator[str]:
    for principal in (
        {"Service": "a.internal"},
        {"Service": ["1@ecs.aliyuncs.com", "a.b"]},
        {"Federated": "acs:ram::1:oidc-provider/p"},
    ):
        yield from _of("trust", f"RAM {principal}", _TRUST | {"Principal": principal}, Profile.RAM)
    for value in (True, False, 1, 2.5, [True, "x"]):
        for kind, statement in (("trust", _TRUST), ("permission", _PERMISSION)):
            yield from _of(
                kind, f"RAM {json.dumps(value)}", statement | {"Condition": {"StringEquals": {"k": value}}}, Profile.RAM
            )


def _of(kind: str, name: str, statement: Json, profile: Profile = Profile.ROLECALL) -> Iterator[str]:
    yield from _refused(kind, name, {"Version": "1", "Statement": [statement]}, profile)


def _refused(kind: str, name: str, document: object, profile: Profile = Profile.ROLECALL) -> Iterator[str]:
    yield from _read(kind, name, json.dumps(document, ensure_ascii=False), profile)


def _read(kind: str, name: str, text: str, profile: Profile) -> Iterator[str]:
    parse: Callable[..., object] = parse_policy if kind == "trust" else parse_permission_policy
    try:
        parse(text, profile=profile)
    except InvalidPolicyError as error:
        for found in error.violations:
            suggestion = f" -> {found.suggestion}" if found.suggestion else ""
            yield f"{kind}, {name!r}: {found.line}:{found.column} {found.pointer or '/'} {found.reason}: {found.message}{suggestion}"
    else:
        yield f"{kind}, {name!r}: valid"
