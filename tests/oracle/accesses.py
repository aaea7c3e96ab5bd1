"""A second, naive reading of the permission-policy language: slow, obvious, and independent of the product.

Conditions are those of `conditions.py`. Patterns are matched by a table for each pair of texts; nothing is compiled.
"""

from __future__ import annotations

import re
from typing import Any

from tests.oracle.conditions import like, lowered
from tests.oracle.oracle import Answer, Request, conditions_hold, ends_of, keys_that_lack

ADMINISTRATOR = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": "*"}]}
NOTHING: Answer = {
    "allowed": False,
    "reason": "IMPLICIT_DENY",
    "determining": [],
    "missing_keys": [],
    "valid_until": None,
}


def decide_access(policies: list[Any], request: Request, *, callers_rights: bool) -> Answer:
    """Return the answer of all policies of a principal to one access; `valid_until` is in microseconds, or None."""
    action, resource = request["action"], request["resource"]
    if not is_written_out(action, resource):
        return NOTHING
    keys = {key: values for key, values in request["context"].items() if values}
    keys["acs:CurrentTime"] = [request["time"]]
    denying: list[list[str]] = []
    allowing: list[list[str]] = []
    missing: set[str] = set()
    ends: list[int] = []
    for policy in policies:
        for index, statement in enumerate(policy["document"]["Statement"]):
            restricted = callers_rights and statement["Effect"] == "Allow"
            if not is_about_action(statement, action, restricted=restricted):
                continue
            if not is_about_resource(statement, resource):
                continue
            missing |= keys_that_lack(statement, keys)
            ends += ends_of(statement, keys)
            if conditions_hold(statement, keys):
                place = [policy["name"], f"/Statement/{index}"]
                (denying if statement["Effect"] == "Deny" else allowing).append(place)
    reason = "EXPLICIT_DENY" if denying else "ALLOW" if allowing else "IMPLICIT_DENY"
    return {
        "allowed": reason == "ALLOW",
        "reason": reason,
        "determining": denying or allowing,
        "missing_keys": sorted(missing),
        "valid_until": min(ends, default=None),
    }


def is_written_out(action: str, resource: str) -> bool:
    """Return whether an action and a resource have no wildcard, except `*` at the end, or in place of RAM's region."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+:[A-Za-z0-9_.-]+", action) or len(action) > 128 or len(resource) > 2_048:
        return False
    if resource == "*":
        return True
    parts = resource.split(":", 4)
    if len(parts) < 5 or parts[0] != "acs" or not parts[1] or max(map(len, parts[1:4])) > 64:
        return False
    _, product, region, account, relative_id = parts
    region = "" if (product, region) == ("ram", "*") else region
    texts = [product, region, account, relative_id.removesuffix("*")]
    return not any("*" in text or "?" in text for text in texts)


def is_about_action(statement: Any, action: str, *, restricted: bool) -> bool:
    """Return whether a statement is about an action; `restricted` if wildcards do not reach the actions of this service."""
    excludes = "NotAction" in statement
    patterns = listed(statement["NotAction" if excludes else "Action"])
    own = action.lower().startswith("rolecall:")
    if restricted and own:
        if excludes:
            return False
        patterns = [pattern for pattern in patterns if pattern.lower().startswith("rolecall:")]
    matched = [pattern for pattern in patterns if like(pattern.lower(), action.lower())]
    return bool(matched) != excludes


def is_about_resource(statement: Any, resource: str) -> bool:
    """Return whether one pattern of a statement matches a resource; of several resources all, for a Deny one."""
    return any(
        matches_resource(pattern, resource, denies=statement["Effect"] == "Deny")
        for pattern in listed(statement["Resource"])
    )


def matches_resource(pattern: str, resource: str, *, denies: bool) -> bool:
    """Cut both at their first colons, and compare the parts."""
    if pattern == "*":
        return True
    if resource == "*":
        return False
    wanted = pattern.split(":", 4)
    given = resource.split(":", len(wanted) - 1)
    if given[1] == "ram" and len(given) > 2 and given[2] == "*":
        given[2] = ""
    heads = all(like(w, g) for w, g in zip(wanted[:-1], given[:-1], strict=True))
    if len(wanted) < 5:
        # The last part is `*`.
        return heads
    return heads and _matches_last(wanted[-1], given[-1], is_ram=given[1] == "ram", denies=denies)


def _matches_last(wanted: str, given: str, *, is_ram: bool, denies: bool) -> bool:
    if not given.endswith("*"):
        return _like_name(wanted, given, is_ram=is_ram)
    start = given[:-1]
    if not denies:
        return wanted.endswith("*") and _like_name(wanted, start, is_ram=is_ram)
    # A Deny is about some resource that begins so, if a beginning of its pattern matches: the rest can be chosen.
    lower, low = lowered([wanted])[0], lowered([start])[0]
    return any(like(lower[:end], low) for end in range(len(lower) + 1))


def _like_name(wanted: str, given: str, *, is_ram: bool) -> bool:
    if is_ram and given.startswith("role/"):
        return like(lowered([wanted])[0], lowered([given])[0])
    return like(wanted, given)


def listed(value: Any) -> list[Any]:
    """Return a list; a lone value stands for a list of one."""
    return value if isinstance(value, list) else [value]
