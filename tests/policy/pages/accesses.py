"""How accesses are read, and which patterns of actions and resources match them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rolecall.policy.permission.access import read_access
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.evaluator import evaluate_access
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES, is_administrator_access
from rolecall.policy.wording import printable

_READ = [
    ("ram:GetRole", "acs:ram::1:role/Shop-X"), ("RAM:GetRole", "acs:ram:*:1:ROLE/x"), ("ram:Get", "acs:ram:cn:1:user/Alice"), ("a_b-1:C.d-e_2", "acs:oss:*:1:x"),
    ("oss:Get", "acs:oss:cn:1:Role/X"), ("oss:Get", "acs:oss:::"), ("oss:Get", "acs:oss:::a:b\nc"), ("oss:Get", "acs:oss:::a*"), ("oss:Get", "acs:oss:::*"), ("oss:Get", "*"),
    ("oss:Get", "acs:oss:::a*b"), ("oss:Get", "acs:oss:::a?"), ("oss:Get", "acs::::x"), ("oss:Get", "acs:oss::1"), ("oss:Get", "oss:::x:y"), ("oss:Get", "acs:*:::x"), ("oss:Get", "acs:oss::*:x"), ("oss:Get", ""),
    ("oss", "*"), ("oss:", "*"), (":Get", "*"), ("oss:Get*", "*"), ("o s:Get", "*"), ("oss:G\u00e9t", "*"), ("oss:Get\n", "*"), ("a.b:c", "*"), ("a:" + "b" * 126, "*"), ("a:" + "b" * 127, "*"),
    ("a:b", f"acs:{'p' * 64}:{'r' * 64}:{'a' * 64}:x"), ("a:b", f"acs:{'p' * 65}:::x"), ("a:b", f"acs:p:{'r' * 65}::x"), ("a:b", f"acs:p::{'a' * 65}:x"), ("a:b", "acs:p:::" + "x" * 2_040), ("a:b", "acs:p:::" + "x" * 2_041),
]  # fmt: skip
_IN_FULL = [("oss", "*"), ("oss:Get", "")]
_RESOURCES = [
    "*", "acs:*", "acs:ram:*", "acs:ram:*:*:*", "acs:ram::1:role/*", "acs:ram:*:1:role/shop", "acs:ram:*:1:ROLE/SHOP", "acs:ram:*:1:role/sh?p", "acs:ram:*:1:role/s*p", "acs:ram:*:?:role/shop-*", "acs:r*m:*:1*:*shop*",
    "acs:ram:cn:1:role/shop", "acs:oss:*:*:*", "acs:oss:*:1:a:*", "acs:oss:cn-*:1:Bucket/x", "acs:oss::*:bucket/?", "acs:ram:*:1:user/Alice", "acs:ram:*:1:user/?lice", "acs:ram:*:2:role/shop",
]  # fmt: skip
_ASKED = [
    "*", "acs:ram::1:role/shop", "acs:ram::1:role/Shop", "acs:ram::1:role/shop-1", "acs:ram::1:role/sh*", "acs:ram::1:role/*", "acs:ram::1:*", "acs:ram::2:role/shop", "acs:ram::1:user/alice", "acs:ram::1:user/Alice",
    "acs:oss:cn-x:1:Bucket/x", "acs:oss:cn-x:1:bucket/x", "acs:oss:cn-x:1:a:b", "acs:oss::1:a:b", "acs:oss::2:bucket/xy",
]  # fmt: skip
_PATTERNS = [
    "*",
    "*:*",
    "ram:*",
    "RAM:getrole",
    "ram:Get*",
    "ram:?etRole",
    "ram:*Role",
    "r*:GetRole",
    "rolecall:*",
    "roleCALL:Wat*",
    "role*:Watch",
    "oss:Get",
    "ram:GetRole*",
    "*:Get*",
    "ram:?et*",
    "r?m:*",
]
_ACTIONS = ["ram:GetRole", "ram:getroles", "sts:AssumeRole", "rolecall:Watch", "oss:Get"]


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_accesses(), *_resources(), *_actions(), *_system_policies(), ""])


def _accesses() -> Iterator[str]:
    yield "# accesses"
    for action, resource in _READ:
        try:
            found = read_access(action, resource)._replace(places=None)  # type: ignore[arg-type]
        except ValueError as error:
            yield str(error) if (action, resource) in _IN_FULL else str(error).partition(";")[0]
        else:
            yield f"{printable(action)} {printable(resource)}: {'|'.join(map(str, (*found[:5], *found[6:])))!r}"


def _resources() -> Iterator[str]:
    yield f"# resources, asked about: {' '.join(_ASKED)}"
    for pattern in _RESOURCES:
        allowed, denied = (
            _evaluated({"Effect": effect, "Action": "*", "Resource": pattern}, [("a:b", asked) for asked in _ASKED])
            for effect in ("Allow", "Deny")
        )
        yield f"{pattern}: allows {allowed}, denies {denied}"


def _actions() -> Iterator[str]:
    yield f"# actions, asked about: {' '.join(_ACTIONS)}"
    for pattern in _PATTERNS:
        for name in ("Action", "NotAction"):
            found = []
            for effect in ("Allow", "Deny"):
                statement = {"Effect": effect, name: pattern, "Resource": "*"}
                asked = [(action, "*") for action in _ACTIONS]
                found.append(
                    f"{effect} {_evaluated(statement, asked)} {_evaluated(statement, asked, callers_rights=True)}"
                )
            yield f"{name} {pattern}: {', '.join(found)}"


def _system_policies() -> Iterator[str]:
    yield "# system policies, and what a caller who has them may do"
    for name, policy in SYSTEM_POLICIES.items():
        compiled = compile_permissions([(name, policy)], callers_rights=True)
        asked = "".join(
            "-" if evaluate_access(compiled, action, "*", (), 0).outcome == "IMPLICIT_DENY" else "x"
            for action in _ACTIONS
        )
        yield f"{name} {is_administrator_access(name, policy)} {asked}: {policy.text}"
    anybody = SYSTEM_POLICIES["AdministratorAccess"]
    yield f"under another name: {is_administrator_access('Mine', anybody)}; another: {is_administrator_access('AdministratorAccess', SYSTEM_POLICIES['RolecallDecider'])}"


def _evaluated(statement: dict[str, str], asked: list[tuple[str, str]], *, callers_rights: bool = False) -> str:
    policy = parse_permission_policy(json.dumps({"Version": "1", "Statement": [statement]}))
    compiled = compile_permissions([("custom", policy)], callers_rights=callers_rights)
    outcomes = [evaluate_access(compiled, action, resource, (), 0).outcome for action, resource in asked]
    return "".join("-" if outcome == "IMPLICIT_DENY" else "x" for outcome in outcomes)
