"""Mistakes in trust policies, each with the statement that its author may have meant; None: one that allows nobody.

What may be meant: a wildcard under Equals as a pattern, a key or service of another cloud as our own one, a slip of the pen in a name as
that name, a principal under the wrong type as that principal. Nothing else: an exception is not meant as its opposite, a session is
not meant as its whole role, and a host name names nobody.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.oracle.pools import ACCOUNT

Json = dict[str, Any]
Mistake = Callable[[Json], "tuple[Json, Json | None]"]
"""Takes a valid statement; returns it with a mistake, and as it may have been meant."""

OPERATOR_SLIPS = {
    "StringEqual": "StringEquals",
    "stringequals": "StringEquals",
    "NotStringEquals": "StringNotEquals",
    "StringNotEqual": "StringNotEquals",
    "StringEqualsNot": "StringNotEquals",
    "ArnEquals": "StringLike",
    "ArnNotEquals": "StringNotLike",
    "ArnNotLike": "StringNotLike",
    "NumericLessThen": "NumericLessThan",
    "NotIPAddress": "NotIpAddress",
    "ForAnyValues:StringEquals": "ForAnyValue:StringEquals",
    "forallvalues:StringNotLike": "ForAllValues:StringNotLike",
}
KEY_SLIPS = {
    "acs:SourceVPC": "acs:SourceVpc",
    "aws:SourceVpc": "acs:SourceVpc",
    "acs:MfaPresent": "acs:MFAPresent",
    "aws:SourceIp": "acs:SourceIp",
    "token.actions.githubusercontent.com:sub": "oidc:sub",
    "sts:ExternalID": "sts:ExternalId",
}
EFFECT_SLIPS = {
    "allow": "Allow",
    "ALLOW": "Allow",
    "deny": "Deny",
    "Denny": "Deny",
    "NotAllow": "Deny",
    "Disallow": "Deny",
}
ACTION_SLIPS = {
    "sts:assumeroles": "sts:AssumeRole",
    "sts:AssumeRoleWithOIDC": "sts:AssumeRole",
    "ecs:RunInstances": "",
    "sts:TagSession": "",
}
NAMED_NOBODY = {
    "RAM": [f"acs:ram::{ACCOUNT}:role/deploy/s1", ACCOUNT, f"acs:ram::{ACCOUNT}:user/*", "orders.internal"],
    "Service": ["*.aliyuncs.com", f"arn:aws:iam::{ACCOUNT}:role/x"],
    "Federated": ["orders.internal", "token.actions.githubusercontent.com"],
}
NAMED_OTHERWISE = {
    "RAM": {
        "alice@123456789012.onaliyun.com": ("RAM", f"acs:ram::{ACCOUNT}:user/alice"),
        "ecs.aliyuncs.com": ("Service", ""),
    },
    "Service": {f"acs:ram::{ACCOUNT}:user/alice": ("RAM", ""), "ECS.aliyuncs.com": ("Service", "ecs.aliyuncs.com")},
    "Federated": {f"acs:ram::{ACCOUNT}:role/deploy": ("RAM", "")},
}


def slip_of_operator(written: str) -> Mistake:
    def make(statement: Json) -> tuple[Json, Json | None]:
        family = "5" if "Numeric" in written else "10.0.0.0/8" if "Ip" in written or "IP" in written else "red"
        return (
            _with_condition(statement, written, "app:Text", family),
            _with_condition(statement, OPERATOR_SLIPS[written], "app:Text", family),
        )

    return make


def slip_of_key(written: str) -> Mistake:
    meant = KEY_SLIPS[written]
    operator, value = {"acs:MFAPresent": ("Bool", "true"), "acs:SourceIp": ("IpAddress", "10.0.0.0/8")}.get(
        meant, ("StringEquals", "red")
    )

    def make(statement: Json) -> tuple[Json, Json | None]:
        return _with_condition(statement, operator, written, value), _with_condition(statement, operator, meant, value)

    return make


def slip_of_effect(written: str) -> Mistake:
    return lambda statement: (statement | {"Effect": written}, statement | {"Effect": EFFECT_SLIPS[written]})


def other_action(written: str) -> Mistake:
    # A deny of another action denies nothing here.
    meant = ACTION_SLIPS[written]
    return lambda statement: (statement | {"Action": written}, statement | {"Action": meant} if meant else None)


def nobody_named(kind: str, text: str) -> Mistake:
    return lambda statement: (_with_principal(statement, kind, text), statement)


def named_otherwise(kind: str, text: str) -> Mistake:
    right, spelling = NAMED_OTHERWISE[kind][text]
    return lambda statement: (
        _with_principal(statement, kind, text),
        _with_principal(statement, right, spelling or text),
    )


def exception(element: str) -> Mistake:
    """Return the mistake to write all but some, which an Allow cannot mean by the same names."""

    def make(statement: Json) -> tuple[Json, Json | None]:
        plain = element.removeprefix("Not")
        written = {name: value for name, value in statement.items() if name != plain}
        return written | {element: statement[plain]}, None if statement["Effect"] == "Allow" else statement

    return make


MISTAKES: dict[str, Mistake] = {
    **{f"operator {name}": slip_of_operator(name) for name in OPERATOR_SLIPS},
    **{f"key {name}": slip_of_key(name) for name in KEY_SLIPS},
    **{f"effect {name}": slip_of_effect(name) for name in EFFECT_SLIPS},
    **{f"action {name}": other_action(name) for name in ACTION_SLIPS},
    **{f"nobody {kind} {text}": nobody_named(kind, text) for kind, texts in NAMED_NOBODY.items() for text in texts},
    **{
        f"named {kind} {text}": named_otherwise(kind, text)
        for kind, all_of in NAMED_OTHERWISE.items()
        for text in all_of
    },
    "NotPrincipal": exception("NotPrincipal"),
    "NotAction": exception("NotAction"),
}


def charitable(document: Json) -> Json:
    """Return a valid document with each wildcard under Equals read as a pattern, and each key that is misspelt or foreign as our own one."""
    statements = [_charitable_statement(statement) for statement in document["Statement"]]
    return document | {"Statement": statements}


def _charitable_statement(statement: Json) -> Json:
    condition: Json = {}
    for operator, block in statement.get("Condition", {}).items():
        for key, values in block.items():
            texts = [values] if isinstance(values, str) else values
            pattern = operator.endswith(("StringEquals", "StringNotEquals")) and any(
                "*" in t or "?" in t for t in texts
            )
            _add(condition, operator.replace("Equals", "Like") if pattern else operator, KEY_SLIPS.get(key, key), texts)
    return statement | ({"Condition": condition} if "Condition" in statement else {})


def _add(condition: Json, operator: str, key: str, texts: list[str]) -> None:
    block = condition.setdefault(operator, {})
    if key in block:
        raise OverlapError
    block[key] = texts


class OverlapError(Exception):
    """A document cannot be read charitably as one document: two conditions on one key would have one operator."""


def _with_condition(statement: Json, operator: str, key: str, value: str) -> Json:
    changed = copy.deepcopy(statement)
    changed.setdefault("Condition", {}).setdefault(operator, {})[key] = [value]
    return changed


def _with_principal(statement: Json, kind: str, text: str) -> Json:
    changed = copy.deepcopy(statement)
    there = changed["Principal"].get(kind, [])
    changed["Principal"][kind] = [*([there] if isinstance(there, str) else there), text]
    return changed
