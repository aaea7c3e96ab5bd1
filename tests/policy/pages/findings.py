"""What the linters find in valid policies: every finding with its place, its fix and its change of the document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rolecall.policy.linting.findings import Finding
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.readers import read_date
from tests.policy.pages.finding_cases import CONDITIONS, PERMISSIONS, PRINCIPALS, VALUES

Json = dict[str, Any]

_NOW = read_date("2026-06-01T00:00:00Z")


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_trust(), *_values(), *_several(), *_permissions(), ""])


def _trust() -> Iterator[str]:
    for principal in PRINCIPALS:
        for effect in ("Allow", "Deny"):
            yield from _of_trust(principal, None, effect)
    for principal, condition in CONDITIONS:
        for effect in ("Allow", "Deny"):
            yield from _of_trust(principal, condition, effect)


def _values() -> Iterator[str]:
    for operator, key, values in VALUES:
        for effect in ("Allow", "Deny"):
            who = (
                {"Federated": "acs:ram::1:oidc-provider/p"} if key.startswith("oidc:") else {"RAM": "acs:ram::1:user/u"}
            )
            yield from _of_trust(who, {operator: {key: values}}, effect)


def _several() -> Iterator[str]:
    yield "# several statements, and many findings of a rule"
    who = {"RAM": ["acs:ram::1:user/u"] * 3}
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": who,
        "Condition": {"StringEquals": {"a/b~c": ["x", "x"]}},
    }
    text = json.dumps({"Version": "1", "Statement": [statement, statement | {"Condition": {}}]}, indent=1)
    yield from _lines(lint(parse_policy(text), now=_NOW, account="1"))
    many = statement | {"Condition": {"StringEquals": {"a": ["x"] * 260}}}
    found = lint(parse_policy(json.dumps({"Version": "1", "Statement": [many]})), now=_NOW)
    yield f"{len(found)} findings, of them {sum(f.id == 'duplicate-value' for f in found)} of values; the last: {found[-1].message}"


def _permissions() -> Iterator[str]:
    for changes in PERMISSIONS:
        for effect in ("Allow", "Deny"):
            statement = {"Effect": effect, "Action": "ram:GetRole", "Resource": "acs:ram:*:1:role/x", **changes}
            if "NotAction" in changes:
                del statement["Action"]
            yield f"# {effect} {json.dumps(changes, ensure_ascii=False)}"
            text = json.dumps({"Version": "1", "Statement": [statement]})
            yield from _lines(lint_permissions(parse_permission_policy(text), now=_NOW))


def _of_trust(principal: Json, condition: Json | None, effect: str) -> Iterator[str]:
    statement = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal}
    if condition is not None:
        statement["Condition"] = condition
    policy = parse_policy(json.dumps({"Version": "1", "Statement": [statement]}))
    yield f"# {effect} {json.dumps(principal)} {json.dumps(condition)}"
    known = list(_lines(lint(policy, now=_NOW, account="1", trusted=frozenset({"3"}))))
    unknown = list(_lines(lint(policy, now=_NOW)))
    yield from known
    yield from (f"of no account: {line}" for line in unknown if line not in known)


def _lines(findings: Iterable[Finding]) -> Iterator[str]:
    for found in findings:
        pointer = found.pointer.removeprefix("/Statement/0")
        means = ", which changes the meaning" if found.changes_meaning else ""
        edit = f" [{found.edit.operator or 'the operator'} {found.edit.key or 'the key'}]" if found.edit else ""
        yield f"{found.line}:{found.column} {pointer or '/'} {found.severity.value} {found.id}: {found.message}; {found.fix}{means}{edit}"
