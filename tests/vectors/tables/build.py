"""Functions to write the tables of vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

ACCOUNT = "123456789012"
ROLE: Json = {"arn": f"acs:ram::{ACCOUNT}:role/app", "tags": {}}
NEW_YEAR = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class File:
    """One file of vectors: its folder, its name without the ending, and what it holds."""

    folder: str
    name: str
    content: Json = field(repr=False)


def user(name: str, account: str = ACCOUNT) -> str:
    """Return the ARN of a user."""
    return f"acs:ram::{account}:user/{name}"


def statement(effect: str, principal: Json | str | list[str], condition: Json | None = None, **more: Any) -> Json:
    """Return a statement; a principal that is no object is of type RAM."""
    principals = principal if isinstance(principal, dict) else {"RAM": principal}
    whole: Json = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principals}
    return whole | ({} if condition is None else {"Condition": condition}) | more


def allow(principal: Json | str | list[str], condition: Json | None = None, **more: Any) -> Json:
    """Return an Allow statement."""
    return statement("Allow", principal, condition, **more)


def deny(principal: Json | str | list[str], condition: Json | None = None, **more: Any) -> Json:
    """Return a Deny statement."""
    return statement("Deny", principal, condition, **more)


def allowed(*indexes: int, missing: list[str] | None = None, until: str | None = None) -> Json:
    """Expect ALLOW, settled by the statements at `indexes`."""
    return _expect("ALLOW", indexes, missing, until)


def denied(*indexes: int, missing: list[str] | None = None, until: str | None = None) -> Json:
    """Expect EXPLICIT_DENY, settled by the statements at `indexes`."""
    return _expect("EXPLICIT_DENY", indexes, missing, until)


def nothing(*, missing: list[str] | None = None, until: str | None = None) -> Json:
    """Expect IMPLICIT_DENY."""
    return _expect("IMPLICIT_DENY", (), missing, until)


def root() -> Json:
    """Expect ROOT_NOT_ALLOWED."""
    return _expect("ROOT_NOT_ALLOWED", (), None, None)


def case(
    name: str, who: str | Json, expect: Json, context: Json | None = None, *, time: str = NEW_YEAR, **fields: str
) -> Json:
    """Return one case: `who` is a principal, or a federated identity as an object."""
    identity = {"principal": who} if isinstance(who, str) else {"federated": who}
    return {"name": name, **identity, "context": context or {}, **fields, "time": time, "expect": expect}


def decisions(
    name: str, description: str, statements: list[Json], cases: list[Json], *, role: Json | None = None
) -> File:
    """Return a file of decisions about one trust policy."""
    policy = {"Version": "1", "Statement": statements}
    names = [case["name"] for case in cases]
    if len(set(names)) != len(names):
        raise ValueError(f"two cases of {name} share a name: {sorted({n for n in names if names.count(n) > 1})}")
    return File(
        "decisions", name, {"description": description, "trust_policy": policy, "role": role or ROLE, "cases": cases}
    )


def federated(provider_arn: str, **claims: list[str]) -> Json:
    """Return a federated identity; a claim is given as `oidc_sub=[...]`."""
    return {"provider_arn": provider_arn, "claims": {k.replace("_", ":", 1): v for k, v in claims.items()}}


def _expect(reason: str, indexes: tuple[int, ...], missing: list[str] | None, until: str | None) -> Json:
    return {
        "allowed": reason == "ALLOW",
        "reason": reason,
        "determining": [f"/Statement/{index}" for index in indexes],
        "missing_keys": missing or [],
        "valid_until": until,
    }
